//! Rate limits and circuit breakers that do not limit what they seem to.

use std::time::Duration;

use crate::config::Extra;
use crate::document::Node;
use crate::duration;
use crate::place::Path;
use crate::problem::Report;

const SECOND: Duration = Duration::from_secs(1);

fn number(node: &Node, name: &str) -> f64 {
    node.get(name).and_then(|entry| entry.node.number()).unwrap_or_default()
}

/// `qos/ratelimit/router`.
pub(super) fn router(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    let node = extra.node;
    let (all, client) = (number(node, "max_rate"), number(node, "client_max_rate"));
    if all <= 0.0 && client <= 0.0 {
        return report.dropped(extra.place, path, "there is no limit: neither max_rate nor client_max_rate is above 0");
    }
    every(extra, path, report);
    let place = |name: &str| node.get(name).map_or(extra.place, |entry| entry.place);
    if client > 0.0 {
        let path = path.key("client_max_rate");
        let strategy = node.get("strategy").and_then(|entry| entry.node.text());
        match strategy {
            Some("header" | "param") if node.get("key").is_none() => {
                let message = "key is missing, which names the header or parameter that tells clients apart: every request is \
                               answered with 429";
                report.surprising(place("strategy"), &path, message);
            }
            Some("ip" | "header" | "param") => {}
            _ => {
                let message = "there is no limit for clients: strategy must be ip, header or param";
                report.dropped(place("client_max_rate"), &path, message);
            }
        }
        if all <= 0.0 && node.get("client_capacity").is_none() {
            let message = "without client_capacity and max_rate a client may send one request at a time: KrakenD looks at max_rate to \
                           find the capacity for clients";
            report.surprising(place("client_max_rate"), &path, message);
        }
    }
    for (rate, capacity) in [("max_rate", "capacity"), ("client_max_rate", "client_capacity")] {
        scaled(extra, (rate, capacity), path, report);
    }
}

/// `qos/ratelimit/proxy`.
pub(super) fn proxy(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    if number(extra.node, "max_rate") <= 0.0 {
        return report.dropped(extra.place, path, "there is no limit: max_rate is not above 0");
    }
    every(extra, path, report);
}

fn period(node: &Node) -> Option<Result<Duration, duration::DurationError>> {
    node.get("every").and_then(|entry| entry.node.text()).map(duration::parse)
}

fn every(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    if let (Some(Err(error)), Some(entry)) = (period(extra.node), extra.node.get("every")) {
        report.dropped(
            entry.place,
            &path.key("every"),
            format!("it does not count, and rates are for each second: {error}"),
        );
    }
}

/// A rate for a long time without a capacity: KrakenD makes a rate for a second of it first.
fn scaled(extra: &Extra<'_>, (rate, capacity): (&str, &str), path: &Path<'_>, report: &Report) {
    let node = extra.node;
    let Some(Ok(every)) = period(node) else { return };
    let Some(written) = node.get(rate) else { return };
    let wanted = written.node.number().unwrap_or_default();
    if every <= SECOND || wanted <= 1.0 || node.get(capacity).is_some() {
        return;
    }
    let bucket = (wanted / every.as_secs_f64()).floor().max(1.0);
    if bucket < wanted {
        let message =
            format!("without {capacity} no more than {bucket} may come at once, since that is the rate for one second");
        report.surprising(written.place, &path.key(rate), message);
    }
}

/// `qos/circuit-breaker`.
pub(super) fn breaker(extra: &Extra<'_>, path: &Path<'_>, report: &Report) {
    if number(extra.node, "max_errors") < 1.0 {
        report.surprising(extra.place, &path.key("max_errors"), "without it the breaker opens after 1 failure");
    }
}
