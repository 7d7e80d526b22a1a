use std::time::Duration;

use super::config::{Checks, Thresholds, VerdictRule, Window};

/// What one check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    /// The endpoint answered as it should.
    Passed,
    /// It did not answer in time, or the connection failed.
    Failed,
    /// It answered that it is not well: an unexpected status, or one of gRPC that is not `SERVING`. With
    /// thresholds, once is enough.
    Refused,
}

/// What the results of checks have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the endpoint is up.
    pub healthy: bool,
    /// Whether the last result changed the verdict.
    pub changed: bool,
    /// Time until the next check.
    pub next_in: Duration,
}

/// Whether a backend has ever had any traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// No traffic yet: its endpoints may be checked less often.
    None,
    /// There was traffic.
    Some,
}

/// What checks with other settings had come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastVerdict {
    /// The endpoint was up.
    Up,
    /// The endpoint was down.
    Down,
}

/// Judges the checks of one endpoint.
#[derive(Debug)]
pub struct Checker {
    checks: Checks,
    healthy: bool,
    first: bool,
    /// In a row, against the verdict.
    row: u32,
    /// Passed ones among the last, the latest in the lowest bit.
    passed: u64,
}

impl Checker {
    /// Nothing checked yet. With thresholds the endpoint is down until it has passed; with a window, `initial` decides.
    #[must_use]
    pub fn new(checks: Checks) -> Self {
        let passed = match checks.rule {
            VerdictRule::Thresholds(_) => 0,
            VerdictRule::Window(window) => mask(window.initial.min(window.window)),
        };
        let healthy = matches!(checks.rule, VerdictRule::Window(window) if passed.count_ones() >= window.threshold);
        Self { checks, healthy, first: true, row: 0, passed }
    }

    /// Goes on with other settings from a verdict that there was: an edit does not take an endpoint out of use.
    #[must_use]
    pub fn resuming(checks: Checks, verdict: PastVerdict) -> Self {
        let healthy = verdict == PastVerdict::Up;
        let passed = match checks.rule {
            VerdictRule::Window(window) if healthy => mask(window.window),
            VerdictRule::Window(_) | VerdictRule::Thresholds(_) => 0,
        };
        Self { checks, healthy, first: false, row: 0, passed }
    }

    /// The endpoint says of itself that it is down, outside of any check (`x-envoy-immediate-health-check-fail`). Returns
    /// whether that is news. It is up again when its checks say so.
    pub fn fail(&mut self) -> bool {
        self.row = 0;
        self.passed = 0;
        self.first = false;
        std::mem::replace(&mut self.healthy, false)
    }

    /// Whether the endpoint is up.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.healthy
    }

    /// Takes a result of a check on an endpoint whose backend has had `traffic`.
    pub fn record(&mut self, result: CheckResult, traffic: Traffic) -> Verdict {
        let before = self.healthy;
        match self.checks.rule {
            VerdictRule::Thresholds(thresholds) => self.count_row(result, thresholds),
            VerdictRule::Window(window) => self.slide(result, window),
        }
        self.first = false;
        Verdict { healthy: self.healthy, changed: before != self.healthy, next_in: self.pause(traffic) }
    }

    fn count_row(&mut self, result: CheckResult, thresholds: Thresholds) {
        let passed = result == CheckResult::Passed;
        if passed == self.healthy {
            self.row = 0;
            return;
        }
        self.row += 1;
        let enough = match result {
            CheckResult::Passed => self.first || self.row >= thresholds.healthy,
            CheckResult::Failed => self.row >= thresholds.unhealthy,
            CheckResult::Refused => true,
        };
        if enough {
            self.healthy = passed;
            self.row = 0;
        }
    }

    fn slide(&mut self, result: CheckResult, window: Window) {
        self.passed = ((self.passed << 1) | u64::from(result == CheckResult::Passed)) & mask(window.window);
        self.healthy = self.passed.count_ones() >= window.threshold;
    }

    fn pause(&self, traffic: Traffic) -> Duration {
        let Checks { interval, no_traffic_interval, unhealthy_interval, .. } = self.checks;
        let special = if traffic == Traffic::None && no_traffic_interval.is_some() {
            no_traffic_interval
        } else if self.healthy {
            None
        } else {
            unhealthy_interval
        };
        special.unwrap_or(interval)
    }
}

const fn mask(bits: u32) -> u64 {
    if bits >= u64::BITS { u64::MAX } else { (1 << bits) - 1 }
}
