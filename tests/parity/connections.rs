//! Addresses that change while connections to the old ones are open.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, REFUSED, Row, Step, differs, same};
use crate::upstream::Behaviour;

const SECOND: Duration = Duration::from_secs(1);
const MOVES: &str = "a name that has moved is followed by new requests at once, and open connections end when idle; Envoy goes on \
     with what it holds for as long as that lives";

/// All connections have ended.
const GONE: Step = Step::Counted("upstream_cx_active", 0);

fn row(name: &'static str) -> Row {
    let cache = Cache {
        family: Some(Family::V4Only),
        refresh: Some(SECOND),
        min_refresh: Some(SECOND),
        timeout: Some(SECOND),
        ..Cache::default()
    };
    Row::dynamic(name, cache)
        .record("", A, Reply::Addresses(1, &["127.0.0.1"]))
        .upstream("127.0.0.3", Behaviour::Name)
        .get(same("200 - via_upstream 127.0.0.1:1"))
        .see(Step::Asked, same("A"))
}

/// DNS answers this from now on, and both have taken note.
fn change(row: Row, reply: Reply) -> Row {
    // The second question shows that the answer to the first has been dealt with.
    row.then(Step::Change("", A, reply)).then(Step::Await(A, 2)).then(Step::Pass(SECOND / 5))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_change() {
    let kept = same("200 - via_upstream 127.0.0.1:1");
    let anew = same("200 - via_upstream 127.0.0.1:2");
    let moved = row("moved");
    let moved = change(moved, Reply::Addresses(1, &["127.0.0.3"]));
    let dead = change(row("moved-to-nowhere"), Reply::Addresses(1, &["127.0.0.2"]));
    let gone = change(row("ceased-to-exist"), Reply::Code(ResponseCode::NXDomain));
    let empty = change(row("lost-its-records"), Reply::NoData);
    let failing = change(row("server-fails-later"), Reply::Code(ResponseCode::ServFail));
    let mute = row("server-falls-silent").then(Step::Change("", A, Reply::Mute)).then(Step::Await(A, 2));
    compare(vec![
        moved
            .get(differs("200 - via_upstream 127.0.0.1:1", "200 - via_upstream 127.0.0.3:1", MOVES))
            .then(Step::HangUp)
            .then(GONE)
            .get(differs("200 - via_upstream 127.0.0.3:1", "200 - via_upstream 127.0.0.3:2", MOVES)),
        dead.get(differs("200 - via_upstream 127.0.0.1:1", REFUSED, MOVES))
            .then(Step::HangUp)
            .then(GONE)
            .get(same(REFUSED)),
        gone.get(kept).then(Step::HangUp).then(GONE).get(anew),
        empty.get(kept).then(Step::HangUp).then(GONE).get(anew),
        failing.get(kept).then(Step::HangUp).then(GONE).get(anew),
        mute.get(kept).then(Step::HangUp).then(GONE).get(anew),
        change(row("another-first"), Reply::Addresses(1, &["127.0.0.3", "127.0.0.1"])).get(kept),
    ])
    .await;
}
