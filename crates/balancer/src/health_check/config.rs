use std::time::Duration;

use thiserror::Error;

/// When an endpoint is checked, and how the results are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// From the end of one check to the next. Above 0.
    pub interval: Duration,
    /// Before the backend has had any traffic. Unset: as `interval`. (Envoy's default is 60 s.)
    pub no_traffic_interval: Option<Duration>,
    /// While the endpoint is down. Unset: as `interval`.
    pub unhealthy_interval: Option<Duration>,
    /// How the results are judged.
    pub rule: VerdictRule,
}

/// How results of checks are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictRule {
    /// By how many are alike in a row, as Envoy does.
    Thresholds(Thresholds),
    /// By how many of the last ones passed, as Fastly does.
    Window(Window),
}

/// So many in a row change the verdict. The first check of all decides at once if it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Passed, to be up. At least 1.
    pub healthy: u32,
    /// Failed, to be down. At least 1.
    pub unhealthy: u32,
}

/// An endpoint is up while at least `threshold` of its last `window` checks have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Checks that count, 1 to 64.
    pub window: u32,
    /// How many of them must have passed, 1 to `window`.
    pub threshold: u32,
    /// How many are taken to have passed before the first, at most `window`.
    pub initial: u32,
}

/// Why [`Checks`] cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckConfigError {
    /// One of them is zero.
    #[error("{0} is zero: an endpoint would be checked without a pause")]
    Interval(&'static str),
    /// One of them is zero.
    #[error("health check thresholds are {healthy} and {unhealthy}: both are at least 1")]
    Thresholds {
        /// As given.
        healthy: u32,
        /// As given.
        unhealthy: u32,
    },
    /// Out of range.
    #[error("health check window is {}, threshold {}, initial {}: the window is 1 to 64, the threshold 1 to the window, initial at most the window", .0.window, .0.threshold, .0.initial)]
    Window(Window),
}

impl Checks {
    /// Checks every range named at the fields.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), CheckConfigError> {
        let intervals = [
            ("interval", Some(self.interval)),
            ("no-traffic interval", self.no_traffic_interval),
            ("unhealthy interval", self.unhealthy_interval),
        ];
        if let Some((name, _)) = intervals.into_iter().find(|(_, interval)| interval.is_some_and(|it| it.is_zero())) {
            return Err(CheckConfigError::Interval(name));
        }
        match self.rule {
            VerdictRule::Thresholds(Thresholds { healthy, unhealthy }) if healthy == 0 || unhealthy == 0 => {
                Err(CheckConfigError::Thresholds { healthy, unhealthy })
            }
            VerdictRule::Thresholds(_) => Ok(()),
            VerdictRule::Window(window) => {
                let valid = (1..=64).contains(&window.window)
                    && (1..=window.window).contains(&window.threshold)
                    && window.initial <= window.window;
                if valid { Ok(()) } else { Err(CheckConfigError::Window(window)) }
            }
        }
    }
}
