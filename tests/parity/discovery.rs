//! Endpoints that are names: Envoy's cluster of type `STRICT_DNS`.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::{A, AAAA};

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Endpoint, HOST, Row, Step, same};
use crate::upstream::Behaviour;

const OK: &str = "200 - via_upstream 127.0.0.1";

fn row(name: &'static str, reply: Reply) -> Row {
    Row::of(name, vec![Endpoint::new("{row}")])
        .record("", A, reply)
        .record("", AAAA, Reply::NoData)
        .upstream("127.0.0.1", Behaviour::ADDRESS)
        .upstream("127.0.0.2", Behaviour::ADDRESS)
}

/// DNS answers this from now on, and the answer has been dealt with.
fn change(row: Row, reply: Reply) -> Row {
    row.see(Step::Get(HOST), same(OK))
        .then(Step::Forget)
        .then(Step::Change("", A, reply))
        .then(Step::Await(A, 1))
        .then(Step::Pass(Duration::from_millis(300)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_followed() {
    let first = Reply::Addresses(1, &["127.0.0.1"]);
    compare(vec![
        row("one-address", Reply::Addresses(60, &["127.0.0.1"])).get(same(OK)),
        row("two-addresses", Reply::Addresses(60, &["127.0.0.1", "127.0.0.2"]))
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 200 127.0.0.2")),
        row("no-address", Reply::NoData).get(same("503 UH no_healthy_upstream no healthy upstream")),
        change(row("moves", first.clone()), Reply::Addresses(1, &["127.0.0.2"]))
            .get(same("200 - via_upstream 127.0.0.2")),
        change(row("grows", first.clone()), Reply::Addresses(1, &["127.0.0.1", "127.0.0.2"]))
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 200 127.0.0.2")),
        change(row("server-fails", first.clone()), Reply::Code(ResponseCode::ServFail)).get(same(OK)),
        change(row("ceases", first), Reply::Code(ResponseCode::NXDomain))
            .get(same("503 UH no_healthy_upstream no healthy upstream")),
    ])
    .await;
}
