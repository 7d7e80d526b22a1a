//! When a collector is asked again.
//!
//! Source: OTLP specification, "Failures" and "OTLP/HTTP throttling": exponential with jitter, and what the collector asks for first.

use std::time::Duration;

use rand::RngExt as _;

/// The first wait, at most.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// How long one batch is tried for; what comes meanwhile waits in its lanes.
const GIVE_UP: Duration = Duration::from_secs(60);

/// The waits between the attempts to send one batch.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    attempts: u32,
    waited: Duration,
}

impl BackOff {
    /// How long to wait before the next attempt, which the collector wants to be no earlier than `asked`; `None` when it is time to give up.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let most = FIRST.saturating_mul(1 << self.attempts.min(8)).min(LONGEST);
        self.attempts += 1;
        // Many proxies that lost one collector do not come back at once.
        let wait = most.mul_f64(rand::rng().random_range(0.5..1.0));
        let wait = asked.map_or(wait, |asked| asked.max(Duration::from_millis(1)));
        self.waited = self.waited.saturating_add(wait);
        (self.waited <= GIVE_UP).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let mut back_off = BackOff::default();
        let waits: Vec<Duration> = std::iter::from_fn(|| back_off.next(None)).collect();
        assert!(waits.first().is_some_and(|first| (FIRST / 2..=FIRST).contains(first)), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= LONGEST) && (5..12).contains(&waits.len()), "{waits:?}");
    }

    #[test]
    fn what_the_collector_asks_for_counts() {
        let mut back_off = BackOff::default();
        assert_eq!(back_off.next(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(back_off.next(Some(Duration::from_secs(3600))), None);
    }
}
