//! Which lookup family asks what, and where that leads. Upstreams listen on 127.0.0.1; nothing listens on ::1.

use hickory_proto::rr::RecordType::{A, AAAA};

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Expected, Family, REFUSED, Row, Step, same};

const OK: &str = "200 - via_upstream 127.0.0.1:1";
const NONE: &str = "503 DF dns_resolution_failure{nodata} DNS resolution failure";

/// What the name has.
#[derive(Clone, Copy)]
struct Has {
    v4: bool,
    v6: bool,
}

fn row(name: &'static str, family: Family, has: Has, answer: Expected, asked: Expected) -> Row {
    let reply = |has, list| if has { Reply::Addresses(60, list) } else { Reply::NoData };
    Row::dynamic(name, Cache { family: Some(family), ..Cache::default() })
        .record("", A, reply(has.v4, &["127.0.0.1"]))
        .record("", AAAA, reply(has.v6, &["::1"]))
        .get(answer)
        .see(Step::Asked, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_family_asks_in_its_own_order() {
    let v4 = Has { v4: true, v6: false };
    let v6 = Has { v4: false, v6: true };
    let both = Has { v4: true, v6: true };
    compare(vec![
        row("v4-only-of-v4", Family::V4Only, v4, same(OK), same("A")),
        row("v4-only-of-v6", Family::V4Only, v6, same(NONE), same("A")),
        row("v4-only-of-both", Family::V4Only, both, same(OK), same("A")),
        row("v6-only-of-v4", Family::V6Only, v4, same(NONE), same("AAAA")),
        row("v6-only-of-v6", Family::V6Only, v6, same(REFUSED), same("AAAA")),
        row("v6-only-of-both", Family::V6Only, both, same(REFUSED), same("AAAA")),
        row("auto-of-v4", Family::Auto, v4, same(OK), same("AAAA A")),
        row("auto-of-v6", Family::Auto, v6, same(REFUSED), same("AAAA")),
        row("auto-of-both", Family::Auto, both, same(REFUSED), same("AAAA")),
        row("v4-preferred-of-v4", Family::V4Preferred, v4, same(OK), same("A")),
        row("v4-preferred-of-v6", Family::V4Preferred, v6, same(REFUSED), same("A AAAA")),
        row("v4-preferred-of-both", Family::V4Preferred, both, same(OK), same("A")),
        row("all-of-v4", Family::All, v4, same(OK), same("A AAAA")),
        row("all-of-v6", Family::All, v6, same(REFUSED), same("A AAAA")),
        row("all-of-both", Family::All, both, same(OK), same("A AAAA")),
    ])
    .await;
}
