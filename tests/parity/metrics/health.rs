//! What is counted of endpoints' health.

use serde_json::{Value, json};

use super::{HERE, OK, counts, of_one, row};
use crate::compare::compare;
use crate::row::{HOST, Row, Step, same};
use crate::upstream::Behaviour;

/// One check at once, and no other for as long as a test may take.
fn checked(row: Row) -> Row {
    row.policy(json!({
        "healthChecks": [{
            "http": {"path": "/health"}, "interval": "1h", "timeout": "0.3s", "thresholds": {"healthy": 1, "unhealthy": 1},
        }],
        "loadBalancing": {"panicThreshold": 0},
    }))
    .cluster(json!({
        "health_checks": [{
            "http_health_check": {"path": "/health"}, "interval": "3600s", "no_traffic_interval": "3600s",
            "timeout": "0.3s", "healthy_threshold": 1, "unhealthy_threshold": 1,
        }],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks() {
    let fails = |row: Row, result| {
        checked(row)
            .then(Step::Counted("health_check_failure", 1))
            .get(same("503 UH no_healthy_upstream no healthy upstream"))
            .see(Step::Counts, same(result))
    };
    let refused = "health_check_attempt 1, health_check_failure 1, membership_change 1, membership_total 1, \
                   upstream_cx_none_healthy 1, upstream_rq_completed 1, upstream_rq_xx{5} 1";
    let failed = "health_check_attempt 1, health_check_failure 1, health_check_network_failure 1, \
                  membership_change 1, membership_total 1, upstream_cx_none_healthy 1, upstream_rq_completed 1, \
                  upstream_rq_xx{5} 1";
    compare(vec![
        checked(row("passes", Behaviour::Health(200)))
            .then(Step::Counted("health_check_success", 1))
            .get(same(OK))
            .see(
                Step::Counts,
                same(of_one(
                    "health_check_attempt 1, health_check_healthy 1, health_check_success 1, upstream_cx_active 1, \
                     upstream_cx_http1_total 1, upstream_cx_total 1, upstream_rq_completed 1, upstream_rq_total 1, \
                     upstream_rq_xx{2} 1",
                )),
            ),
        fails(row("does-not-pass", Behaviour::Health(503)), refused),
        fails(row("is-not-answered", Behaviour::Mute), failed),
        fails(Row::fixed("does-not-listen", HERE), failed),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ejections() {
    /// Closes the connection as well: Envoy ends those to endpoints that it ejects, in its own time.
    const NO: Behaviour = Behaviour::Write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
    const BOTH: &[&str] = &["127.0.0.1", "127.0.0.2"];
    // Of two that fail, the first is ejected, and the second is more than may be.
    let two = |name, behaviour, ours: Value, theirs: Value| {
        let row = BOTH.iter().fold(Row::fixed(name, BOTH), |row, ip| row.upstream(ip, behaviour));
        let (mut policy, mut cluster) = (json!({"maxEjectionPercent": 50}), json!({"max_ejection_percent": 50}));
        crate::row::merge(&mut policy, &ours);
        crate::row::merge(&mut cluster, &theirs);
        row.policy(json!({"outlierDetection": policy}))
            .cluster(json!({"outlier_detection": cluster, "common_lb_config": {"update_merge_window": "0s"}}))
    };
    let all = |detector: &str, more: &str| -> &'static str {
        format!(
            "membership_change 1, membership_healthy 1, membership_total 2, outlier_detection_ejections_active 1, \
             outlier_detection_ejections_enforced_{detector} 1, outlier_detection_ejections_enforced_total 1, \
             outlier_detection_ejections_overflow 1, {more}upstream_cx_destroy 2, upstream_cx_http1_total 2, \
             upstream_cx_total 2, upstream_rq_completed 2, {}upstream_rq_xx{{5}} 2",
            if more.is_empty() { "upstream_rq_total 2, " } else { "" },
        )
        .leak()
    };
    let ended = |row: Row, expected| {
        let row = row.then(Step::Counted("outlier_detection_ejections_overflow", 1));
        counts(row.then(Step::Counted("membership_healthy", 1)), 2, same(expected))
    };
    compare(vec![
        ended(
            two("5xx", NO, json!({"consecutive5xx": 1}), json!({"consecutive_5xx": 1}))
                .see(Step::Count(2, HOST), same("2 x 503")),
            all("consecutive_5xx", ""),
        ),
        ended(
            two(
                "gateway-failures",
                NO,
                json!({"consecutive5xx": 0, "consecutiveGatewayFailure": 1}),
                json!({
                    "consecutive_5xx": 100, "consecutive_gateway_failure": 1, "enforcing_consecutive_gateway_failure": 100,
                }),
            )
            .see(Step::Count(2, HOST), same("2 x 503")),
            all("consecutive_gateway_failure", ""),
        ),
    ])
    .await;
}
