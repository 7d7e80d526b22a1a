//! Endpoints that are left out because of what comes of requests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::compare::compare;
use crate::row::{Endpoint, HOST, Row, Step, same};
use crate::upstream::Behaviour;

const GET: &str = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
const FAILING: Behaviour = Behaviour::Answer(503, Duration::ZERO);

/// Endpoints of which the last behaves so, and the others answer.
fn row(name: &'static str, addresses: &'static [&'static str], last: Behaviour) -> Row {
    let row = addresses.iter().fold(Row::fixed(name, addresses), |row, ip| row.upstream(ip, Behaviour::ADDRESS));
    row.upstream(addresses[addresses.len() - 1], last)
}

fn two(name: &'static str, second: Behaviour) -> Row {
    row(name, &["127.0.0.1", "127.0.0.2"], second)
}

/// The same detection in both; half of the endpoints may be ejected.
fn ejecting(row: Row, ours: Value, theirs: Value) -> Row {
    let (mut policy, mut cluster) = (json!({"maxEjectionPercent": 50}), json!({"max_ejection_percent": 50}));
    crate::row::merge(&mut policy, &ours);
    crate::row::merge(&mut cluster, &theirs);
    // Envoy's workers learn of changes of health within a second of another only at its end, unless told otherwise.
    let at_once = json!({"update_merge_window": "0s"});
    row.policy(json!({"outlierDetection": policy}))
        .cluster(json!({"outlier_detection": cluster, "common_lb_config": at_once}))
}

/// So many answers with 5xx in a row.
fn after(row: Row, answers: u32) -> Row {
    ejecting(row, json!({"consecutive5xx": answers}), json!({"consecutive_5xx": answers}))
}

/// Ends with an endpoint that is left out, although it would answer this.
fn gone(row: Row, answer: &'static str) -> Row {
    row.then(Step::UntilGone(HOST, answer))
}

/// Does this so often, and then answers.
macro_rules! times {
    (2, $what:expr) => {{
        const ALL: Behaviour = Behaviour::InTurn(&[$what, $what, Behaviour::ADDRESS]);
        ALL
    }};
    (3, $what:expr) => {{
        const ALL: Behaviour = Behaviour::InTurn(&[$what, $what, $what, Behaviour::ADDRESS]);
        ALL
    }};
    (5, $what:expr) => {{
        const ALL: Behaviour = Behaviour::InTurn(&[$what, $what, $what, $what, $what, Behaviour::ADDRESS]);
        ALL
    }};
}

/// Long enough for Envoy, whose main thread ejects what its workers have seen.
const NOTED: Step = Step::Pass(Duration::from_millis(300));
const WELL: &str = "200 127.0.0.2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_in_a_row() {
    const BAD_GATEWAY: Behaviour = Behaviour::Answer(502, Duration::ZERO);
    const ERROR: Behaviour = Behaviour::Answer(500, Duration::ZERO);
    let gateway = |row| {
        let ours = json!({"consecutive5xx": 0, "consecutiveGatewayFailure": 2});
        let theirs = json!({
            "consecutive_5xx": 100, "consecutive_gateway_failure": 2, "enforcing_consecutive_gateway_failure": 100,
        });
        ejecting(row, ours, theirs)
    };
    let split = |row| {
        let ours = json!({"splitLocalOrigin": true, "consecutiveLocalOriginFailure": 2});
        let theirs = json!({"split_external_local_origin_errors": true, "consecutive_local_origin_failure": 2});
        ejecting(row, ours, theirs)
    };
    const MIXED: Behaviour = Behaviour::InTurn(&[BAD_GATEWAY, ERROR, BAD_GATEWAY, ERROR, Behaviour::ADDRESS]);
    const NOW_AND_THEN: Behaviour =
        Behaviour::InTurn(&[FAILING, Behaviour::ADDRESS, FAILING, Behaviour::ADDRESS, FAILING, Behaviour::ADDRESS]);
    let in_time = Duration::from_millis(200);
    compare(vec![
        gone(after(two("ejected", times!(3, FAILING)), 3), WELL),
        after(two("one-failure-too-few", times!(2, FAILING)), 3)
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 8 x 200 127.0.0.2, 2 x 503 127.0.0.2")),
        after(two("never-in-a-row", NOW_AND_THEN), 2)
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 7 x 200 127.0.0.2, 3 x 503 127.0.0.2")),
        after(two("no-failures", Behaviour::Answer(404, Duration::ZERO)), 2)
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 404 127.0.0.2")),
        gone(after(two("500s", times!(2, ERROR)), 2), WELL),
        gone(gateway(two("gateway-failures", times!(2, BAD_GATEWAY))), WELL),
        gateway(two("no-gateway-failures", ERROR))
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 500 127.0.0.2")),
        gateway(two("gateway-failures-not-in-a-row", MIXED)).see(
            Step::Count(20, HOST),
            same("10 x 200 127.0.0.1, 6 x 200 127.0.0.2, 2 x 500 127.0.0.2, 2 x 502 127.0.0.2"),
        ),
        gone(after(two("closes", times!(2, Behaviour::Close)), 2), WELL),
        gone(after(two("not-in-time", times!(2, Behaviour::Mute)).route_timeout(in_time), 2), WELL),
        // To connect succeeds each time.
        split(two("closes-apart", times!(3, Behaviour::Close))).see(
            Step::Count(20, HOST),
            same(
                "10 x 200 127.0.0.1, 7 x 200 127.0.0.2, 3 x 503 upstream \
                 connect error or disconnect/reset before headers. reset reason: connection termination",
            ),
        ),
        split(two("not-in-time-apart", times!(3, Behaviour::Mute)).route_timeout(in_time)).see(
            Step::Count(20, HOST),
            same("10 x 200 127.0.0.1, 7 x 200 127.0.0.2, 3 x 504 upstream request timeout"),
        ),
        gone(split(two("answers-apart", times!(5, FAILING))), WELL),
        ejecting(
            two("ejected-and-back", FAILING),
            json!({"consecutive5xx": 1, "interval": "200ms", "baseEjectionTime": "500ms"}),
            json!({"consecutive_5xx": 1, "interval": "0.2s", "base_ejection_time": "0.5s"}),
        )
        .then(Step::UntilGone(HOST, "503 127.0.0.2"))
        .then(Step::Until(HOST, "503 127.0.0.2"))
        .then(Step::UntilGone(HOST, "503 127.0.0.2"))
        .then(Step::Behave("127.0.0.2", Behaviour::ADDRESS))
        .then(Step::Until(HOST, WELL))
        .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 200 127.0.0.2")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls() {
    const CALL: &str =
        "POST / HTTP/1.1\r\nhost: {row}\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n{id}\r\n";
    const UNAVAILABLE: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ncontent-length: 9\r\ngrpc-status: 14\r\n\r\n127.0.0.2",
    );
    const CANCELLED: Behaviour = Behaviour::Write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ncontent-length: 9\r\ngrpc-status: 1\r\n\r\n127.0.0.2",
    );
    let asked = |row: Row, request, kinds| {
        row.see(Step::Kinds(6, request), same("2")).then(NOTED).see(Step::Kinds(6, request), same(kinds))
    };
    let with = |name, behaviour| after(two(name, behaviour), 2);
    compare(vec![
        asked(with("unavailable", UNAVAILABLE), CALL, "1"),
        asked(with("cancelled", CANCELLED), CALL, "2"),
        asked(with("unavailable-for-others", UNAVAILABLE), GET, "2"),
        asked(with("http-failure-of-a-call", FAILING), CALL, "1"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_many() {
    const FOUR: &[&str] = &["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];
    const THREE: &[&str] = &["127.0.0.1", "127.0.0.2", "127.0.0.3"];
    let failing = |row: Row| row.upstream("127.0.0.3", FAILING).upstream("127.0.0.2", FAILING);
    // Each of them is asked before it can be left out.
    let left = |row: Row, asked, left| {
        row.see(Step::Kinds(20, GET), same(asked)).then(NOTED).see(Step::Kinds(20, GET), same(left))
    };
    let one = |row: Row, failures: u32, more_ours: &Value, more_theirs: &Value| {
        let mut ours = json!({"outlierDetection": {"consecutive5xx": failures, "alwaysEjectOne": true}});
        let mut theirs = json!({"outlier_detection": {"consecutive_5xx": failures, "always_eject_one_host": true}});
        crate::row::merge(&mut ours, more_ours);
        crate::row::merge(&mut theirs, more_theirs);
        row.policy(ours).cluster(theirs)
    };
    let none = Value::Null;
    let all = (
        json!({"consecutive5xx": 1, "maxEjectionPercent": 100}),
        json!({"consecutive_5xx": 1, "max_ejection_percent": 100}),
    );
    let in_order = vec![Endpoint::new("127.0.0.2"), Endpoint::new("127.0.0.1").priority(1)];
    compare(vec![
        two("too-few-to-eject-one", FAILING)
            .policy(json!({"outlierDetection": {"consecutive5xx": 3}}))
            .cluster(json!({"outlier_detection": {"consecutive_5xx": 3}}))
            .see(Step::Count(20, HOST), same("10 x 200 127.0.0.1, 10 x 503 127.0.0.2")),
        gone(one(two("one-in-any-case", times!(3, FAILING)), 3, &none, &none), WELL),
        left(one(failing(row("not-two-in-any-case", THREE, FAILING)), 1, &none, &none), "3", "2"),
        row("the-only-one", &["127.0.0.1"], FAILING)
            .policy(json!({"outlierDetection": {"consecutive5xx": 2}}))
            .cluster(json!({"outlier_detection": {"consecutive_5xx": 2}}))
            .see(Step::Count(6, HOST), same("6 x 503 127.0.0.1")),
        one(
            row("the-only-one-in-any-case", &["127.0.0.1"], times!(2, FAILING)),
            2,
            &json!({"loadBalancing": {"panicThreshold": 0}}),
            &json!({"common_lb_config": {"healthy_panic_threshold": {"value": 0}}}),
        )
        .then(Step::Until(HOST, "503 no healthy upstream")),
        left(after(failing(row("half-at-most", FOUR, FAILING)), 1), "4", "2"),
        ejecting(failing(row("panic-after-ejections", THREE, FAILING)), all.0, all.1)
            .see(Step::Kinds(20, GET), same("3"))
            .then(NOTED)
            .see(Step::Count(30, HOST), same("10 x 200 127.0.0.1, 10 x 503 127.0.0.2, 10 x 503 127.0.0.3")),
        after(
            Row::of("next-priority-for-the-ejected", in_order)
                .upstream("127.0.0.1", Behaviour::ADDRESS)
                .upstream("127.0.0.2", times!(2, FAILING)),
            2,
        )
        .then(Step::Until(HOST, "200 127.0.0.1")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_of_failures() {
    const FIVE: &[&str] = &["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
    const HALF: Behaviour = Behaviour::Cycle(&[FAILING, Behaviour::ADDRESS]);
    const FAILED: &str = "503 127.0.0.5";
    let with = |row, more_ours: &Value, more_theirs: &Value| {
        let mut ours = json!({"consecutive5xx": 0, "interval": "300ms", "baseEjectionTime": "60s"});
        let mut theirs = json!({"consecutive_5xx": 100000, "interval": "0.3s", "base_ejection_time": "60s"});
        crate::row::merge(&mut ours, more_ours);
        crate::row::merge(&mut theirs, more_theirs);
        ejecting(row, ours, theirs)
    };
    // As many requests as would do, looked at in one interval or in two.
    let stays = |row: Row| {
        row.see(Step::Kinds(60, GET), same("6"))
            .then(Step::Pass(Duration::from_millis(700)))
            .then(Step::Until(HOST, FAILED))
    };
    let percentage = |row: Row, threshold: u32| {
        with(
            row,
            &json!({
                "successRate": {"enabled": false},
                "failurePercentage": {"threshold": threshold, "requestVolume": 5},
            }),
            &json!({
                "enforcing_success_rate": 0, "enforcing_failure_percentage": 100,
                "failure_percentage_threshold": threshold, "failure_percentage_request_volume": 5,
            }),
        )
    };
    let rate = |row: Row, factor: u32, volume: u32| {
        with(
            row,
            &json!({"successRate": {"stdevFactor": factor, "requestVolume": volume}}),
            &json!({"success_rate_stdev_factor": factor, "success_rate_request_volume": volume}),
        )
    };
    let five = |name, behaviour| row(name, FIVE, behaviour);
    compare(vec![
        gone(percentage(five("fails-always", FAILING), 85), FAILED),
        gone(percentage(five("fails-more-often", HALF), 40), FAILED),
        stays(percentage(five("fails-less-often", HALF), 80)),
        gone(rate(five("succeeds-more-seldom", HALF), 1000, 5), FAILED),
        stays(rate(five("too-few-requests", HALF), 1000, 100)),
        stays(rate(five("not-far-enough", HALF), 3000, 5)),
    ])
    .await;
}
