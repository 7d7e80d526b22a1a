//! Several addresses of a name, some of which do not answer: in which order they are tried, and who wins.

use hickory_proto::rr::RecordType::{A, AAAA};
use serde_json::json;

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Endpoint, Family, HOST, Row, Step, UNSTEADY, differs, same};
use crate::said::failure;
use crate::upstream::Behaviour;

fn row(name: &'static str, family: Family, v4: &'static [&'static str], v6: &'static [&'static str]) -> Row {
    let cache = Cache { family: Some(family), ..Cache::default() };
    let reply = |list: &'static [&str]| if list.is_empty() { Reply::NoData } else { Reply::Addresses(60, list) };
    Row::dynamic(name, cache).record("", A, reply(v4)).record("", AAAA, reply(v6))
}

/// Addresses that take connections but never end a TLS handshake: that they were tried can be seen.
fn slow(row: Row, name: &'static [&'static str], hanging: &[&'static str]) -> Row {
    hanging.iter().fold(row.certificate(name), |row, ip| row.upstream(ip, Behaviour::Hang))
}

const BOTH: &str = "on a network without IPv6, a name that has both must work; strictAuto is Envoy's way";

fn soon(row: Row) -> Row {
    row.policy(json!({"timeouts": {"connect": "1s"}})).cluster(json!({"connect_timeout": "1s"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamic_backends() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    compare(vec![
        row("first-is-black-holed", Family::V4Only, &["127.0.0.2", "127.0.0.1"], &[])
            .upstream("127.0.0.2", Behaviour::Full)
            .get(ok),
        row("two-are-black-holed", Family::V4Only, &["127.0.0.2", "127.0.0.3", "127.0.0.1"], &[])
            .upstream("127.0.0.2", Behaviour::Full)
            .upstream("127.0.0.3", Behaviour::Full)
            .get(ok),
        row("v6-is-black-holed", Family::All, &["127.0.0.1"], &["::1"]).upstream("::1", Behaviour::Full).get(ok),
        soon(
            row("all-are-black-holed", Family::V4Only, &["127.0.0.2", "127.0.0.3"], &[])
                .upstream("127.0.0.2", Behaviour::Full)
                .upstream("127.0.0.3", Behaviour::Full),
        )
        .get(same(failure("503 UF", "connection timeout"))),
        slow(
            row("slow-ones-first", Family::V4Only, &["127.0.0.2", "127.0.0.3", "127.0.0.1"], &[]),
            &["slow-ones-first.test"],
            &["127.0.0.2", "127.0.0.3"],
        )
        .get(same("200 - via_upstream 127.0.0.1:1 sni {row}"))
        .see(Step::Connected, same("127.0.0.2 127.0.0.3 127.0.0.1")),
        slow(
            row("refused-and-slow", Family::V4Only, &["127.0.0.2", "127.0.0.9", "127.0.0.1"], &[]),
            &["refused-and-slow.test"],
            &["127.0.0.2"],
        )
        .get(same("200 - via_upstream 127.0.0.1:1 sni {row}"))
        .see(Step::Connected, same("127.0.0.2 127.0.0.1")),
        slow(
            row("first-is-good", Family::V4Only, &["127.0.0.1", "127.0.0.2"], &[]),
            &["first-is-good.test"],
            &["127.0.0.2"],
        )
        .get(same("200 - via_upstream 127.0.0.1:1 sni {row}"))
        .see(Step::Connected, same("127.0.0.1")),
        slow(
            row("families-in-turns", Family::All, &["127.0.0.2", "127.0.0.3", "127.0.0.1"], &["::1"]),
            &["families-in-turns.test"],
            &["127.0.0.2", "127.0.0.3", "::1"],
        )
        .get(same("200 - via_upstream 127.0.0.1:1 sni {row}"))
        .see(
            Step::Connected,
            differs(
                UNSTEADY,
                "127.0.0.2 ::1 127.0.0.3 127.0.0.1",
                "Envoy begins with the family whose answer came first",
            ),
        ),
        slow(
            row("families-of-auto", Family::Auto, &["127.0.0.2", "127.0.0.1"], &["::1"]),
            &["families-of-auto.test"],
            &["127.0.0.2", "::1"],
        )
        .policy(json!({"timeouts": {"connect": "2s"}}))
        .cluster(json!({"connect_timeout": "2s"}))
        .get(differs(failure("503 UF", "connection timeout"), "200 - via_upstream 127.0.0.1:1 sni {row}", BOTH))
        .see(Step::Connected, differs("::1", "::1 127.0.0.2 127.0.0.1", BOTH)),
    ])
    .await;
}

/// What STRICT_DNS and LOGICAL_DNS have in common: a lookup family of their own.
fn named(row: Row, kind: &str, family: &str, v4: &'static [&'static str], v6: &'static [&'static str]) -> Row {
    let reply = |list: &'static [&str]| if list.is_empty() { Reply::NoData } else { Reply::Addresses(60, list) };
    row.record("", A, reply(v4))
        .record("", AAAA, reply(v6))
        .upstream("127.0.0.1", Behaviour::ADDRESS)
        .policy(json!({"timeouts": {"connect": "1s"}}))
        .cluster(json!({"type": kind, "dns_lookup_family": family, "connect_timeout": "1s"}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_static_backends() {
    const ONE_FAMILY: &str = "a network without IPv6 must not cost a share of the requests: IPv6 addresses are asked for only \
         where there are no others, which is V4_PREFERRED";
    const NEXT: &str =
        "a request that no connection was made for has not been sent, and can safely go to the next endpoint";
    const HERE: &[&str] = &["127.0.0.1"];
    const SIX: &[&str] = &["::1"];
    const TWO: &[&str] = &["127.0.0.2", "127.0.0.1"];
    let strict = |name, family, v4, v6| {
        named(Row::of(name, vec![Endpoint::new("{row}")]), "STRICT_DNS", family, v4, v6)
            .upstream("::1", Behaviour::ADDRESS)
    };
    let logical =
        |name, family, v4, v6| named(Row::of(name, vec![Endpoint::new("{row}")]), "LOGICAL_DNS", family, v4, v6);
    let failed = failure("503 UF", "connection timeout");
    let one_failed = format!("1 x 200 - via_upstream 127.0.0.1, 1 x {failed}");
    let both = "5 x 200 127.0.0.1, 5 x 200 ::1";
    let four = "10 x 200 127.0.0.1";
    compare(vec![
        strict("strict-v4-preferred", "V4_PREFERRED", HERE, SIX)
            .see(Step::AskedAtOnce, same("A"))
            .see(Step::Count(10, HOST), same(four)),
        strict("strict-v4-preferred-of-v6", "V4_PREFERRED", &[], SIX)
            .see(Step::AskedAtOnce, same("A AAAA"))
            .see(Step::Count(10, HOST), same("10 x 200 ::1")),
        strict("strict-all", "ALL", HERE, SIX)
            .see(Step::AskedAtOnce, differs("A AAAA", "A", ONE_FAMILY))
            .see(Step::Count(10, HOST), differs(both, four, ONE_FAMILY)),
        strict("strict-auto", "AUTO", HERE, SIX)
            .see(Step::AskedAtOnce, differs("AAAA", "A", ONE_FAMILY))
            .see(Step::Count(10, HOST), differs("10 x 200 ::1", four, ONE_FAMILY)),
        strict("strict-black-holed", "V4_ONLY", TWO, &[])
            .upstream("127.0.0.2", Behaviour::Full)
            .see(Step::Burst(2, HOST), differs(one_failed.leak(), "2 x 200 - via_upstream 127.0.0.1", NEXT)),
        logical("logical-v4", "V4_ONLY", TWO, &[])
            .upstream("127.0.0.2", Behaviour::Full)
            .see(Step::Count(4, HOST), same("4 x 200 127.0.0.1")),
        logical("logical-all", "ALL", HERE, SIX)
            .upstream("::1", Behaviour::Full)
            .see(Step::Count(4, HOST), same("4 x 200 127.0.0.1")),
    ])
    .await;
}
