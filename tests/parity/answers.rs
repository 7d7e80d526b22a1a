//! What each kind of DNS answer leads to.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::{A, AAAA};

use serde_json::json;

use crate::compare::{compare, compare_over};
use crate::dns::Reply;
use crate::row::{Cache, Family, HOST, Row, Step, UNSTEADY, differs, same};
use crate::upstream::Behaviour;

const TRIES: &str = "c-ares sends what was answered with an error four times at once, which helps a server in trouble little; \
     Backstay asks once more";

/// Lookups of one family that fail soon and are repeated seldom.
fn v4() -> Cache {
    Cache { family: Some(Family::V4Only), timeout: Some(Duration::from_secs(1)), ..Cache::default() }
}

fn v4_slow() -> Cache {
    Cache { family: Some(Family::V4Only), ..Cache::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn found() {
    let ok = same("200 - via_upstream 127.0.0.1:1");
    let later = |reply| Reply::After(Duration::from_millis(200), Box::new(reply));
    let here = Reply::Addresses(60, &["127.0.0.1"]);
    compare(vec![
        Row::dynamic("fresh-host", v4_slow()).resolves_to(&["127.0.0.1"]).get(ok).get(ok).see(Step::Asked, same("A")),
        Row::dynamic("coalesced", v4_slow())
            .record("", A, later(here.clone()))
            .see(Step::Burst(1, HOST), same("1 x 200 - via_upstream 127.0.0.1:1"))
            .see(Step::Asked, same("A")),
        Row::dynamic("fifty-at-once", v4_slow())
            .record("", A, later(here.clone()))
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .see(Step::Burst(50, HOST), same("50 x 200 - via_upstream 127.0.0.1"))
            .see(Step::Asked, same("A")),
        Row::dynamic("alias", v4_slow())
            .record("", A, Reply::Alias(60, "elsewhere.example", 60, &["127.0.0.1"]))
            .get(ok)
            .see(Step::Asked, same("A")),
        Row::dynamic("truncated", v4_slow())
            .record("", A, Reply::Truncated(&["127.0.0.1"]))
            .get(ok)
            .see(Step::Asked, same("A tcp/A")),
        Row::dynamic("body-waits", v4_slow())
            .record("", A, later(here.clone()))
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .see(Step::Post(60_000, HOST), same("200 - via_upstream 127.0.0.1"))
            .see(Step::Asked, same("A")),
        Row::dynamic("second-address", v4_slow())
            .resolves_to(&["127.0.0.2", "127.0.0.1"])
            .get(ok)
            .see(Step::Asked, same("A")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_found() {
    let failed = |row: Row, seen, packets| row.get(seen).get(seen).see(Step::Packets, packets);
    let nxdomain = same("503 DF dns_resolution_failure{nxdomain} DNS resolution failure");
    let servfail = same("503 DF dns_resolution_failure{servfail} DNS resolution failure");
    compare(vec![
        failed(Row::dynamic("no-such-name", v4()), nxdomain, same("A")),
        Row::dynamic("no-such-name-in-two-families", Cache::default())
            .get(nxdomain)
            .see(Step::AskedAtOnce, same("A AAAA")),
        failed(
            Row::dynamic("no-records", v4()).record("", A, Reply::NoData),
            same("503 DF dns_resolution_failure{nodata} DNS resolution failure"),
            same("A"),
        ),
        failed(
            Row::dynamic("server-failure", v4()).record("", A, Reply::Code(ResponseCode::ServFail)),
            servfail,
            differs("A A A A", "A A", TRIES),
        ),
        failed(
            Row::dynamic("refused", v4()).record("", A, Reply::Code(ResponseCode::Refused)),
            same("503 DF dns_resolution_failure{refused} DNS resolution failure"),
            differs("A A A A", "A A", TRIES),
        ),
        Row::dynamic("no-answer", v4())
            .record("", A, Reply::Mute)
            .get(same("503 DF dns_resolution_failure{resolve_timeout} DNS resolution failure"))
            .get(same("503 DF dns_resolution_failure{resolve_timeout} DNS resolution failure"))
            .see(Step::Asked, same("A")),
        Row::dynamic("one-family-fails", Cache::default())
            .policy(json!({"dynamicProxy": {"dns": {"strictAuto": true}}}))
            .record("", AAAA, Reply::Code(ResponseCode::ServFail))
            .record("", A, Reply::Addresses(60, &["127.0.0.1"]))
            .get(same("200 - via_upstream 127.0.0.1:1"))
            .see(Step::Packets, differs("AAAA AAAA AAAA AAAA A", "AAAA AAAA A", TRIES)),
        Row::dynamic("one-family-is-mute", Cache { family: Some(Family::All), ..Cache::default() })
            .record("", AAAA, Reply::Mute)
            .record("", A, Reply::Addresses(60, &["127.0.0.1"]))
            .get(differs(
                UNSTEADY,
                "200 - via_upstream 127.0.0.1:1",
                "with addresses of one family at hand, Backstay waits for the other only shortly; c-ares as long as it has \
                 come to expect of this server, up to the failure of the whole lookup",
            )),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() {
    let tcp = json!({"typed_dns_resolver_config": {"typed_config": {
        "dns_resolver_options": {"use_tcp_for_dns_lookups": true},
    }}});
    let row = |name| Row::dynamic(name, v4_slow()).cache(tcp.clone());
    compare_over(
        "tcp://",
        vec![
            row("found-over-tcp")
                .resolves_to(&["127.0.0.1"])
                .get(same("200 - via_upstream 127.0.0.1:1"))
                .see(Step::Asked, same("tcp/A")),
            row("not-found-over-tcp")
                .get(same("503 DF dns_resolution_failure{nxdomain} DNS resolution failure"))
                .see(Step::Asked, same("tcp/A")),
        ],
    )
    .await;
}
