//! `qos/circuit-breaker`.

use backstay_proto::config;
use prost_types::Duration;

use crate::compile::written::Component;
use crate::document::Node;

/// How long a breaker is open where nothing is said, in seconds.
const TIMEOUT: i64 = 60;

/// There is none where nothing is asked for. Numbers that are negative or no integers count as KrakenD has them: as what is left of
/// them without a fraction, and not at all below 0.
pub(super) fn compile(component: Component<'_>) -> Option<config::Breaker> {
    let seconds = |name: &str| Duration { seconds: whole(component, name), nanos: 0 };
    let log_changes = component.option("log_status_change").is_some_and(|entry| entry.node.is_true());
    let max_errors = u32::try_from(whole(component, "max_errors")).unwrap_or(u32::MAX);
    let (interval, mut timeout) = (seconds("interval"), seconds("timeout"));
    let is_named = component.option("name").and_then(|entry| entry.node.text()).is_some_and(|name| !name.is_empty());
    let nothing = Duration::default();
    if interval == nothing && timeout == nothing && max_errors == 0 && !is_named && !log_changes {
        component.report().dropped(component.place(), &component.path(), "there is no breaker: it has no options");
        return None;
    }
    if timeout == nothing {
        timeout.seconds = TIMEOUT;
    }
    Some(config::Breaker {
        key: component.identity(),
        max_errors,
        interval: Some(interval).filter(|interval| *interval != nothing),
        timeout: Some(timeout),
        log_changes,
    })
}

/// A number without its fraction, 0 where it is negative or there is none. At most the seconds of 292 years, as Go counts time.
fn whole(component: Component<'_>, name: &str) -> i64 {
    let number = component.option(name).and_then(|entry| Node::number(&entry.node)).unwrap_or_default();
    #[allow(clippy::cast_possible_truncation, reason = "the range is bounded, and a fraction does not count")]
    let whole = number.clamp(0.0, 9.2e9) as i64;
    whole
}
