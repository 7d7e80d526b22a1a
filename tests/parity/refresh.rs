//! When names are asked for again, with nobody asking for them.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, Row, Step, differs, same};
use crate::upstream::Behaviour;

const SECOND: Duration = Duration::from_secs(1);

/// Everything often: a floor of one second, failures every two.
fn fast() -> Cache {
    Cache {
        family: Some(Family::V4Only),
        refresh: Some(2 * SECOND),
        min_refresh: Some(SECOND),
        timeout: Some(SECOND),
        ..Cache::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_asked_again_in_time() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let nxdomain = same("503 DF dns_resolution_failure{nxdomain} DNS resolution failure");
    let servfail = same("503 DF dns_resolution_failure{servfail} DNS resolution failure");
    let with_ttl = |name, ttl| Row::dynamic(name, fast()).record("", A, Reply::Addresses(ttl, &["127.0.0.1"]));
    compare(vec![
        with_ttl("ttl-zero", 0).get(ok).see(Step::Asked, same("A")).see(Step::Every(A, 3), same("1s 1s 1s")),
        with_ttl("ttl-one", 1).get(ok).see(Step::Asked, same("A")).see(Step::Every(A, 3), same("1s 1s 1s")),
        with_ttl("ttl-three", 3).get(ok).see(Step::Asked, same("A")).see(Step::Every(A, 2), same("3s 3s")),
        Row::dynamic("ttl-below-the-floor", Cache { min_refresh: Some(3 * SECOND), ..fast() })
            .record("", A, Reply::Addresses(1, &["127.0.0.1"]))
            .get(ok)
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("3s 3s")),
        Row::dynamic("ttl-of-an-alias", fast())
            .record("", A, Reply::Alias(2, "elsewhere.example", 60, &["127.0.0.1"]))
            .get(ok)
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("2s 2s")),
        Row::dynamic("no-such-name-again", fast())
            .get(nxdomain)
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 3), same("2s 2s 2s")),
        Row::dynamic("no-such-name-for-long", Cache { refresh: None, ..fast() })
            .get(nxdomain)
            .then(Step::Change("", A, Reply::Addresses(60, &["127.0.0.1"])))
            .then(Step::Pass(3 * SECOND))
            .get(nxdomain)
            .see(Step::Asked, same("A")),
        Row::dynamic("server-recovers", fast())
            .record("", A, Reply::Code(ResponseCode::ServFail))
            .get(servfail)
            .see(Step::Asked, differs("A", "A A", "Backstay asks a second time, c-ares sends the first question again"))
            .then(Step::Change("", A, Reply::Addresses(60, &["127.0.0.1"])))
            .get(servfail)
            .see(Step::Every(A, 1), same("2s"))
            .then(Step::Counted("host_address_changed", 1))
            .get(ok),
        Row::dynamic("mute-server-again", fast())
            .record("", A, Reply::Mute)
            .get(same("503 DF dns_resolution_failure{resolve_timeout} DNS resolution failure"))
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("3s 3s")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unused_names_are_dropped() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let once = same("200 - via_upstream 127.0.0.1");
    let short = Cache { host_ttl: Some(2 * SECOND + SECOND / 2), ..fast() };
    compare(vec![
        Row::dynamic("unused", short.clone())
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .record("", A, Reply::Addresses(1, &["127.0.0.1"]))
            .get(once)
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("1s 1s"))
            .then(Step::Pass(4 * SECOND))
            .see(Step::Asked, same(""))
            .get(once)
            .see(Step::Asked, same("A")),
        Row::dynamic("unused-for-less-than-its-ttl", short.clone())
            .record("", A, Reply::Addresses(5, &["127.0.0.1"]))
            .get(ok)
            .see(Step::Asked, same("A"))
            .then(Step::Pass(4 * SECOND))
            .get(ok)
            .see(
                Step::Asked,
                differs("", "A", "names that are not used are dropped when they should be, and not with the TTL"),
            ),
        Row::dynamic("unused-failure", Cache { refresh: Some(SECOND), ..short })
            .get(same("503 DF dns_resolution_failure{nxdomain} DNS resolution failure"))
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("1s 1s"))
            .then(Step::Pass(3 * SECOND))
            .see(Step::Asked, same("")),
    ])
    .await;
}
