//! Which endpoint is next: weights, priorities, localities, panic, hashes.

use serde_json::json;

use crate::compare::compare;
use crate::places::Places;
use crate::row::{Endpoint, HOST, Row, Step, same};
use crate::upstream::Behaviour;

const ALL: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];
const NOBODY: &str = "503 UH no_healthy_upstream no healthy upstream";

/// Endpoints that all answer with their address.
fn row<const N: usize>(name: &'static str, endpoints: [Endpoint; N]) -> Row {
    let addresses = endpoints.clone().map(|endpoint| endpoint.host);
    let row = Row::of(name, endpoints.to_vec());
    addresses.into_iter().fold(row, |row, address| row.upstream(address, Behaviour::ADDRESS))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares() {
    let [a, b, c] = ALL.map(Endpoint::new);
    let healthy = |endpoint: &Endpoint| endpoint.clone().health("Healthy");
    let unhealthy = |endpoint: &Endpoint| endpoint.clone().health("Unhealthy");
    let four = |priority| {
        [
            a.clone().priority(priority),
            b.clone().priority(priority),
            unhealthy(&c).priority(priority),
            unhealthy(&Endpoint::new("127.0.0.4")).priority(priority),
        ]
    };
    let [one, two, three, last] = four(0);
    compare(vec![
        row("in-turn", [a.clone(), b.clone(), c.clone()])
            .see(Step::Count(60, HOST), same("20 x 200 127.0.0.1, 20 x 200 127.0.0.2, 20 x 200 127.0.0.3")),
        row("by-weight", [a.clone().weight(1), b.clone().weight(2), c.clone().weight(3)])
            .see(Step::Count(60, HOST), same("10 x 200 127.0.0.1, 20 x 200 127.0.0.2, 30 x 200 127.0.0.3")),
        row("one-unhealthy", [a.clone(), b.clone(), unhealthy(&c)])
            .see(Step::Count(60, HOST), same("30 x 200 127.0.0.1, 30 x 200 127.0.0.2")),
        row("one-draining", [a.clone(), b.clone(), c.clone().health("Draining")])
            .see(Step::Count(60, HOST), same("30 x 200 127.0.0.1, 30 x 200 127.0.0.2")),
        row("panic", [healthy(&a), unhealthy(&b), unhealthy(&c)])
            .see(Step::Count(60, HOST), same("20 x 200 127.0.0.1, 20 x 200 127.0.0.2, 20 x 200 127.0.0.3")),
        row("panic-of-all", [unhealthy(&a), c.clone().health("Draining")])
            .see(Step::Count(60, HOST), same("30 x 200 127.0.0.1, 30 x 200 127.0.0.3")),
        row("never-panic", [unhealthy(&a), unhealthy(&b)])
            .policy(json!({"loadBalancing": {"panicThreshold": 0}}))
            .cluster(json!({"common_lb_config": {"healthy_panic_threshold": {"value": 0}}}))
            .get(same(NOBODY)),
        row("second-priority-in-reserve", [a.clone(), b.clone().priority(1)])
            .see(Step::Count(20, HOST), same("20 x 200 127.0.0.1")),
        row("second-priority-takes-over", [unhealthy(&a), b.clone().priority(1)])
            .see(Step::Count(20, HOST), same("20 x 200 127.0.0.2")),
        // Two of four healthy bear 1.4 times their share: 70 percent.
        row("second-priority-helps", [one, two, three, last, Endpoint::new("127.0.0.5").priority(1)])
            .upstream(
                "127.0.0.2",
                Behaviour::Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n127.0.0.1"),
            )
            .see(Step::Shares(2000, HOST), same("70% 200 127.0.0.1, 30% 200 127.0.0.5")),
        row("localities", [a.clone().zone("a", 1), unhealthy(&b).zone("a", 1), c.clone().zone("b", 1)])
            .cluster(json!({"common_lb_config": {"locality_weighted_lb_config": {}}}))
            .see(Step::Count(340, HOST), same("140 x 200 127.0.0.1, 200 x 200 127.0.0.3")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashes() {
    let with_key = "GET / HTTP/1.1\r\nhost: {row}\r\nx-key: same\r\n{id}\r\n";
    let hashed = |name, theirs: &str, ours: &str| {
        row(name, ALL.map(Endpoint::new))
            .policy(json!({"loadBalancing": {"policy": ours, "hashPolicies": [{"header": "x-key"}]}}))
            .cluster(json!({"lb_policy": theirs}))
            .action(json!({"hash_policy": [{"header": {"header_name": "x-key"}}]}))
            .see(Step::Kinds(30, with_key), same("1"))
    };
    let all_kinds = "GET / HTTP/1.1\r\nhost: {row}\r\n{id}\r\n";
    compare(vec![
        // A fleet of both sends each user to one endpoint.
        hashed("ring-hash", "RING_HASH", "RingHash").see(Step::Misplaced(60, Places::Ring), same("0")),
        hashed("maglev", "MAGLEV", "Maglev").see(Step::Misplaced(60, Places::Maglev), same("0")),
        hashed("hash-of-nothing", "MAGLEV", "Maglev").see(Step::Kinds(100, all_kinds), same("3")),
        row("random", ALL.map(Endpoint::new))
            .policy(json!({"loadBalancing": {"policy": "Random"}}))
            .cluster(json!({"lb_policy": "RANDOM"}))
            .see(Step::Kinds(100, all_kinds), same("3")),
        row("least-request", ALL.map(Endpoint::new))
            .policy(json!({"loadBalancing": {"policy": "LeastRequest"}}))
            .cluster(json!({"lb_policy": "LEAST_REQUEST"}))
            .see(Step::Kinds(100, all_kinds), same("3")),
    ])
    .await;
}
