//! What is counted of connections.

use hickory_proto::rr::RecordType::A;
use serde_json::{Value, json};

use super::lookups::COMINGS;
use super::{HERE, OK, counts, of_one, row};
use crate::compare::compare;
use crate::dns::Reply;
use crate::row::{Cache, Family, HOST, REFUSED, Row, Step, differs, same};
use crate::said::failure;
use crate::upstream::Behaviour;

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The same setting of connections in both.
fn set(row: Row, ours: Value, theirs: Value) -> Row {
    row.policy(ours).cluster(json!({"typed_extension_protocol_options": {OPTIONS: {
        "@type": format!("type.googleapis.com/{OPTIONS}"),
        "common_http_protocol_options": theirs,
        "explicit_http_config": {"http_protocol_options": {}},
    }}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_made() {
    const LOOKED_UP: &str =
        "dns_query_attempt 1, dns_query_success 1, host_added 1, host_address_changed 1, num_hosts 1";
    let failed = |more: &str| {
        of_one(&format!(
            "{more}upstream_cx_connect_fail 1, upstream_cx_destroy 1, upstream_cx_http1_total 1, \
             upstream_cx_total 1, upstream_rq_completed 1, upstream_rq_xx{{5}} 1"
        ))
    };
    let secure = |name| row(name, Behaviour::ADDRESS).certificate(HERE);
    let in_time =
        |row: Row| row.policy(json!({"timeouts": {"connect": "0.3s"}})).cluster(json!({"connect_timeout": "0.3s"}));
    let cache = Cache { family: Some(Family::V4Only), ..Cache::default() };
    compare(vec![
        counts(Row::fixed("refused", HERE).get(same(REFUSED)), 1, same(failed(""))),
        counts(
            in_time(Row::fixed("not-in-time", HERE).upstream("127.0.0.1", Behaviour::Full))
                .get(same(failure("503 UF", "connection timeout"))),
            1,
            same(failed("upstream_cx_connect_timeout 1, ")),
        ),
        counts(
            Row::dynamic("of-another-name", cache)
                .certificate(&["other.test"])
                .record("", A, Reply::Addresses(60, HERE))
                .get(same(REFUSED)),
            1,
            differs(
                failed(&format!("{LOOKED_UP}, ssl_fail_verify_san 1, ")),
                failed(&format!("{LOOKED_UP}, ssl_fail_verify_san 1, ")).replace("membership_change 1, ", "").leak(),
                COMINGS,
            ),
        ),
        counts(
            secure("ends-handshakes").upstream("127.0.0.1", Behaviour::Abort).get(same(REFUSED)),
            1,
            differs(
                failed(""),
                failed("ssl_connection_error 1, "),
                "a handshake that is broken off has failed; Envoy counts those in which something wrong was said",
            ),
        ),
        counts(
            secure("no-common-protocol").http2().alpn(&["http/1.1"]).get(same(REFUSED)),
            1,
            same(failed("ssl_connection_error 1, ").replace("http1", "http2").leak()),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made() {
    let all = |connections: u64, more: &str, requests: u64| {
        of_one(&format!(
            "upstream_cx_http1_total {connections}, upstream_cx_total {connections}, {more}, \
             upstream_rq_completed {requests}, upstream_rq_total {requests}, upstream_rq_xx{{2}} {requests}"
        ))
    };
    compare(vec![
        counts(
            row("over-tls", Behaviour::ADDRESS).certificate(HERE).get(same(OK)),
            0,
            same(all(1, "ssl_handshake 1, upstream_cx_active 1", 1)),
        ),
        counts(
            row("in-http-2", Behaviour::ADDRESS).http2().get(same(OK)).get(same(OK)),
            0,
            same(of_one(
                "upstream_cx_active 1, upstream_cx_http2_total 1, upstream_cx_total 1, upstream_rq_completed 2, \
                 upstream_rq_total 2, upstream_rq_xx{2} 2",
            )),
        ),
        counts(
            set(
                row("two-requests-each", Behaviour::ADDRESS),
                json!({"connections": {"maxRequests": 2}}),
                json!({"max_requests_per_connection": 2}),
            )
            .see(Step::Count(4, HOST), same("4 x 200 127.0.0.1")),
            2,
            same(all(2, "upstream_cx_destroy 2, upstream_cx_max_requests 2", 4)),
        ),
        counts(
            set(
                row("idle", Behaviour::ADDRESS),
                json!({"timeouts": {"idle": "0.2s"}}),
                json!({"idle_timeout": "0.2s"}),
            )
            .get(same(OK)),
            1,
            same(all(1, "upstream_cx_destroy 1, upstream_cx_idle_timeout 1", 1)),
        ),
        counts(
            set(
                row("of-age", Behaviour::ADDRESS),
                json!({"connections": {"maxLifetime": "0.2s"}}),
                json!({"max_connection_duration": "0.2s"}),
            )
            .get(same(OK)),
            1,
            same(all(1, "upstream_cx_destroy 1, upstream_cx_max_duration_reached 1", 1)),
        ),
        counts(
            row("closed-while-idle", Behaviour::ADDRESS).get(same(OK)).then(Step::HangUp),
            1,
            same(all(1, "upstream_cx_destroy 1", 1)),
        ),
    ])
    .await;
}
