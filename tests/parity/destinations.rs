//! Dynamic backends with settings of a policy: where they may go, how much may wait, how failures are repeated.

use std::time::Duration;

use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, REFUSED, Row, Step, differs, same};
use crate::upstream::Behaviour;

const OK: &str = "200 - via_upstream 127.0.0.1:1";
const DENIED: &str = "503 DF dns_resolution_failure{address_denied} DNS resolution failure";
const SAFE: &str = "what names resolve to is anyone's choice: loopback and the like are for those who say so";

fn v4() -> Cache {
    Cache { family: Some(Family::V4Only), ..Cache::default() }
}

fn deny(ranges: &[(&str, u8)]) -> (Value, Value) {
    let theirs: Vec<_> = ranges.iter().map(|(ip, bits)| json!({"address_prefix": ip, "prefix_len": bits})).collect();
    let ours: Vec<_> = ranges.iter().map(|(ip, bits)| format!("{ip}/{bits}")).collect();
    let allow = json!(["127.0.0.1/32"]);
    (
        json!({"dynamicProxy": {"addresses": {"allow": allow, "deny": ours}}}),
        json!({"resolved_address_filter": {"ranges": theirs}}),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses() {
    let nowhere = json!({"dynamicProxy": {"addresses": {"allow": []}}});
    let row = |name| Row::dynamic(name, v4()).resolves_to(&["127.0.0.1"]);
    let denied = differs(OK, DENIED, SAFE);
    let denying = |row: Row| {
        let (policy, cache) = deny(&[("127.0.0.2", 32), ("10.0.0.0", 8)]);
        row.policy(policy).cache(cache)
    };
    compare(vec![
        row("loopback").policy(nowhere.clone()).get(denied),
        row("loopback-as-literal").policy(nowhere.clone()).see(Step::Get("127.0.0.1:{port}"), denied),
        row("unspecified").policy(nowhere).see(Step::Get("0.0.0.0:{port}"), denied),
        denying(Row::dynamic("denied", v4()).resolves_to(&["127.0.0.2"])).get(same(DENIED)),
        denying(Row::dynamic("denied-literal", v4())).see(Step::Get("127.0.0.2:{port}"), same(DENIED)),
        denying(Row::dynamic("denied-of-two", v4()).resolves_to(&["127.0.0.2", "127.0.0.1"])).get(same(OK)),
        Row::dynamic("rewritten", v4())
            .record("", A, Reply::Addresses(60, &["127.0.0.9"]))
            .rewrite("rewritten.test")
            .see(Step::Get("other.test"), same(REFUSED))
            .see(Step::Asked, same("A")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookups() {
    let pending = "Dynamic forward proxy pending request overflow";
    let slow = Reply::After(Duration::from_millis(600), Box::new(Reply::Addresses(60, &["127.0.0.1"])));
    let few = |name| {
        Row::dynamic(name, v4())
            .upstream("127.0.0.1", Behaviour::ADDRESS)
            .policy(json!({"dynamicProxy": {"dns": {"maxPendingRequests": 2}}}))
            .cache(json!({"dns_cache_circuit_breaker": {"max_pending_requests": 2}}))
            .record("slow", A, slow.clone())
            .record("known", A, Reply::Addresses(60, &["127.0.0.1"]))
    };
    let two_of_five: &str =
        format!("2 x 200 - via_upstream 127.0.0.1, 3 x 503 - dynamic_forward_proxy_pending_request_overflow {pending}")
            .leak();
    let refused: &str = format!("503 - dynamic_forward_proxy_pending_request_overflow {pending}").leak();
    let second = Duration::from_secs(1);
    let often = Cache { timeout: Some(second), min_refresh: Some(second), ..v4() };
    compare(vec![
        few("two-may-wait").see(Step::Burst(5, "slow.{row}:{port}"), same(two_of_five)),
        few("known-host-while-two-wait")
            .see(Step::Get("known.{row}:{port}"), same("200 - via_upstream 127.0.0.1"))
            .then(Step::Begin("slow.{row}:{port}"))
            .then(Step::Begin("slow.{row}:{port}"))
            .then(Step::Counted("circuit_breakers_rq_pending_open", 1))
            .see(
                Step::Get("known.{row}:{port}"),
                differs(refused, "200 - via_upstream 127.0.0.1", "who need not wait need not be refused"),
            )
            .see(Step::End, same("200 - via_upstream 127.0.0.1"))
            .see(Step::End, same("200 - via_upstream 127.0.0.1")),
        Row::dynamic("failures-back-off", often)
            .policy(json!({"dynamicProxy": {"dns": {"failureBase": "10ms", "failureMax": "20ms"}}}))
            .cache(json!({"dns_failure_refresh_rate": {"base_interval": "0.01s", "max_interval": "0.02s"}}))
            .record("", A, Reply::Mute)
            .get(same("503 DF dns_resolution_failure{resolve_timeout} DNS resolution failure"))
            .see(Step::Asked, same("A"))
            .see(Step::Every(A, 2), same("2s 2s")),
    ])
    .await;
}
