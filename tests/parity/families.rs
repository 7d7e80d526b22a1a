//! Which lookup family asks what, and where that leads. Upstreams listen on 127.0.0.1; nothing listens on ::1.

use hickory_proto::rr::RecordType::{A, AAAA};

use serde_json::json;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Expected, Family, REFUSED, Row, Step, differs, same};

const OK: &str = "200 - via_upstream 127.0.0.1:1";
const AT_ONCE: &str = "on a network without IPv6, a name that has both must work; strictAuto is Envoy's way";
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
        .see(if family == Family::All { Step::AskedAtOnce } else { Step::Asked }, asked)
}

/// Envoy's way, which is a setting of Backstay.
fn strict(name: &'static str, has: Has, answer: Expected, asked: Expected) -> Row {
    row(name, Family::Auto, has, answer, asked).policy(json!({"dynamicProxy": {"dns": {"strictAuto": true}}}))
}

/// Backstay's way.
fn auto(name: &'static str, has: Has, answer: Expected, asked: Expected) -> Row {
    let mut row = row(name, Family::Auto, has, answer, asked);
    row.steps[1].0 = Step::AskedAtOnce;
    row
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
        strict("strict-auto-of-v4", v4, same(OK), same("AAAA A")),
        strict("strict-auto-of-v6", v6, same(REFUSED), same("AAAA")),
        strict("strict-auto-of-both", both, same(REFUSED), same("AAAA")),
        auto("auto-of-v4", v4, same(OK), same("A AAAA")),
        auto("auto-of-v6", v6, same(REFUSED), differs("AAAA", "A AAAA", AT_ONCE)),
        auto("auto-of-both", both, differs(REFUSED, OK, AT_ONCE), differs("AAAA", "A AAAA", AT_ONCE)),
        row("v4-preferred-of-v4", Family::V4Preferred, v4, same(OK), same("A")),
        row("v4-preferred-of-v6", Family::V4Preferred, v6, same(REFUSED), same("A AAAA")),
        row("v4-preferred-of-both", Family::V4Preferred, both, same(OK), same("A")),
        row("all-of-v4", Family::All, v4, same(OK), same("A AAAA")),
        row("all-of-v6", Family::All, v6, same(REFUSED), same("A AAAA")),
        row("all-of-both", Family::All, both, same(OK), same("A AAAA")),
    ])
    .await;
}
