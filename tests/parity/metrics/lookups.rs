//! What is counted of dynamic backends' lookups.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType::A;

use super::{HERE, OK};
use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Expected, Family, Row, Step, differs, same};
use crate::upstream::Behaviour;

const SECOND: Duration = Duration::from_secs(1);
const ANSWERED: &str = "requests for a backend are counted for it, whoever answers them; Envoy answers these before it has chosen \
     a cluster, and counts them nowhere";
pub(super) const COMINGS: &str =
    "hosts come and go with requests, which host_added and host_removed count: the list of endpoints has not changed";
const FULL: &str = "503 - dns_cache_overflow DNS cache overflow";
const ANSWER: &str = "upstream_cx_active 1, upstream_cx_http1_total 1, upstream_cx_total 1";

fn cache() -> Cache {
    Cache { family: Some(Family::V4Only), timeout: Some(Duration::from_millis(300)), ..Cache::default() }
}

/// Asks again soon.
fn fresh(host_ttl: Option<Duration>) -> Cache {
    Cache { host_ttl, refresh: Some(SECOND), min_refresh: Some(SECOND), ..cache() }
}

fn row(name: &'static str, cache: Cache, reply: Reply) -> Row {
    Row::dynamic(name, cache).record("", A, reply).upstream("127.0.0.1", Behaviour::ADDRESS)
}

/// Counts in both, in the order of their names.
fn counted(both: &str, envoy: &str, backstay: &str, reason: &'static str) -> Expected {
    let all = |more: &str| -> &'static str {
        let mut all: Vec<_> = both.split(", ").chain(more.split(", ")).filter(|count| !count.is_empty()).collect();
        all.sort_unstable();
        all.join(", ").leak()
    };
    differs(all(envoy), all(backstay), reason)
}

/// Of a host with an address, and one answer.
fn one_host(more: &str, envoy: &str, backstay: &str, reason: &'static str) -> Expected {
    let host = "host_added 1, membership_healthy 1, membership_total 1, num_hosts 1";
    let answer = "upstream_rq_total 1, upstream_rq_xx{2} 1";
    let envoy = format!("membership_change 1, {envoy}");
    counted(&format!("{host}, {ANSWER}, {answer}, {more}"), &envoy, backstay, reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_names_that_have_addresses() {
    const ONCE: &str = "dns_query_attempt 1, dns_query_success 1, host_address_changed 1";
    let here = Reply::Addresses(60, HERE);
    compare(vec![
        row("resolves", cache(), here.clone())
            .get(same(OK))
            .see(Step::Counts, one_host(&format!("{ONCE}, upstream_rq_completed 1"), "", "", COMINGS)),
        row("full", Cache { max_hosts: Some(1), ..cache() }, here.clone())
            .record("b", A, here)
            .get(same(OK))
            .see(Step::Get("b.{row}:{port}"), same(FULL))
            .see(
                Step::Counts,
                one_host(
                    &format!("{ONCE}, host_overflow 1"),
                    "upstream_rq_completed 1",
                    "upstream_rq_completed 2, upstream_rq_xx{5} 1",
                    ANSWERED,
                ),
            ),
        row("moves", fresh(None), Reply::Addresses(1, HERE))
            .get(same(OK))
            .then(Step::Change("", A, Reply::Addresses(3600, &["127.0.0.2"])))
            .then(Step::Counted("host_address_changed", 2))
            .see(
                Step::Counts,
                one_host(
                    "dns_query_attempt 2, dns_query_success 2, host_address_changed 2, upstream_rq_completed 1",
                    "",
                    "",
                    COMINGS,
                ),
            ),
        row("is-not-used", fresh(Some(SECOND)), Reply::Addresses(2, HERE))
            .get(same(OK))
            .then(Step::Counted("num_hosts", 0))
            .then(Step::HangUp)
            .then(Step::Counted("upstream_cx_destroy", 1))
            .see(
                Step::Counts,
                counted(
                    &format!(
                        "{ONCE}, host_added 1, host_removed 1, upstream_cx_destroy 1, upstream_cx_http1_total 1, \
                         upstream_cx_total 1, upstream_rq_completed 1, upstream_rq_total 1, upstream_rq_xx{{2}} 1"
                    ),
                    "membership_change 2",
                    "",
                    COMINGS,
                ),
            ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_names_that_have_none() {
    let failed = |name, reply, word: &str, counts: &str| {
        let seen = format!("503 DF dns_resolution_failure{{{word}}} DNS resolution failure");
        let both = format!("{counts}, dns_query_attempt 1, host_added 1, num_hosts 1");
        row(name, cache(), reply)
            .get(same(seen.leak()))
            .see(Step::Counts, counted(&both, "", "upstream_rq_completed 1, upstream_rq_xx{5} 1", ANSWERED))
    };
    let code = Reply::Code;
    compare(vec![
        failed("does-not-exist", code(ResponseCode::NXDomain), "nxdomain", "dns_query_success 1"),
        failed("server-fails", code(ResponseCode::ServFail), "servfail", "dns_query_failure 1"),
        failed("server-is-silent", Reply::Mute, "resolve_timeout", "dns_query_failure 1, dns_query_timeout 1"),
    ])
    .await;
}
