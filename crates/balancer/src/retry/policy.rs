use std::time::Duration;

use thiserror::Error;

use super::back_off::{BackOff, at_least};
use super::conditions::{AttemptResponse, Failure, RetryOn};

/// When a request is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Conditions, any of which suffices. Default: none.
    pub on: RetryOn,
    /// Attempts after the first. Default 1.
    pub attempts: u32,
    /// Statuses for `retriable-status-codes`.
    pub retriable_statuses: Vec<u16>,
    /// Names of headers in lower case, for `retriable-headers`: any of them present.
    pub retriable_headers: Vec<String>,
    /// First interval of the back-off. Default 25 ms.
    pub back_off_base: Duration,
    /// Greatest one. Unset: ten times the base.
    pub back_off_max: Option<Duration>,
    /// Longest wait that `Retry-After` can ask for; a longer one is not heeded. Unset: none is.
    pub max_retry_after: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            on: RetryOn::default(),
            attempts: 1,
            retriable_statuses: Vec::new(),
            retriable_headers: Vec::new(),
            back_off_base: Duration::from_millis(25),
            back_off_max: None,
            max_retry_after: None,
        }
    }
}

/// Why a [`RetryPolicy`] cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetryConfigError {
    /// No condition has this name.
    #[error("there is no retry condition {0:?}; there are {names}", names = RetryOn::names().collect::<Vec<_>>().join(", "))]
    UnknownCondition(String),
    /// Zero, or above the greatest.
    #[error("the back-off begins with {base:?} and ends with {max:?}: the first is above zero, and at most the second")]
    BackOff {
        /// The first interval.
        base: Duration,
        /// The greatest.
        max: Duration,
    },
    /// No status.
    #[error("retriable status {0} is none: statuses are 100 to 599")]
    Status(u16),
}

impl RetryPolicy {
    /// Conditions by their names.
    ///
    /// # Errors
    /// The first name that is unknown.
    pub fn conditions<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<RetryOn, RetryConfigError> {
        names.into_iter().try_fold(RetryOn::default(), |all, name| {
            RetryOn::named(name)
                .map(|one| all.or(one))
                .ok_or_else(|| RetryConfigError::UnknownCondition(name.to_owned()))
        })
    }

    /// Checks every range named at the fields.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn validate(&self) -> Result<(), RetryConfigError> {
        let (base, max) = (self.back_off_base, self.back_off_max());
        if base.is_zero() || base > max {
            return Err(RetryConfigError::BackOff { base, max });
        }
        match self.retriable_statuses.iter().find(|status| !(100..600).contains(*status)) {
            Some(status) => Err(RetryConfigError::Status(*status)),
            None => Ok(()),
        }
    }

    /// Whether an attempt that ended with this answer is worth another. One with `x-envoy-ratelimited` never is.
    #[must_use]
    pub fn covers_answer(&self, answer: &AttemptResponse<'_>) -> bool {
        // The endpoint, or a proxy before it, has said that it is asked too often already.
        if (answer.has_header)("x-envoy-ratelimited") {
            return false;
        }
        self.on.covers_status(answer.status)
            || answer.grpc_status.is_some_and(|status| self.on.covers_grpc_status(status))
            || (self.on.has(RetryOn::RETRIABLE_STATUSES) && self.retriable_statuses.contains(&answer.status))
            || (self.on.has(RetryOn::RETRIABLE_HEADERS)
                && self.retriable_headers.iter().any(|name| (answer.has_header)(name)))
    }

    /// Whether an attempt that ended this way is worth another.
    #[must_use]
    pub fn covers_failure(&self, failure: Failure) -> bool {
        self.on.covers_failure(failure)
    }

    fn back_off_max(&self) -> Duration {
        self.back_off_max.unwrap_or_else(|| self.back_off_base.saturating_mul(10))
    }
}

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send the request again after this time, if [`Breakers::retry`](crate::Breakers::retry) allows it.
    After(Duration),
    /// Give the client what there is.
    No(NoRetry),
}

/// Why a request is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRetry {
    /// No condition holds: the answer is good, or a failure that is not to be retried.
    NotCovered,
    /// All attempts are used up (flag `URX`).
    Exhausted,
}

/// Retries of one request.
#[derive(Debug, Clone)]
pub struct Retries<'a> {
    policy: &'a RetryPolicy,
    left: u32,
    back_off: BackOff,
}

impl<'a> Retries<'a> {
    /// No retry is used yet.
    #[must_use]
    pub fn new(policy: &'a RetryPolicy) -> Self {
        let back_off = BackOff::new(policy.back_off_base, policy.back_off_max());
        Self { policy, left: policy.attempts, back_off }
    }

    /// After an answer. `retry_after` is what its `Retry-After` header asks for
    /// ([`parse_retry_after`](crate::parse_retry_after)); `random` is uniform over all of `u64`.
    pub fn after_answer(
        &mut self,
        answer: &AttemptResponse<'_>,
        retry_after: Option<Duration>,
        random: u64,
    ) -> Decision {
        if !self.policy.covers_answer(answer) {
            return Decision::No(NoRetry::NotCovered);
        }
        let wanted = retry_after.filter(|wait| self.policy.max_retry_after.is_some_and(|max| *wait <= max));
        self.decide(wanted, random)
    }

    /// After an attempt without an answer.
    pub fn after_failure(&mut self, failure: Failure, random: u64) -> Decision {
        if !self.policy.covers_failure(failure) {
            return Decision::No(NoRetry::NotCovered);
        }
        self.decide(None, random)
    }

    /// Retries that are left.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    fn decide(&mut self, wanted: Option<Duration>, random: u64) -> Decision {
        if self.left == 0 {
            return Decision::No(NoRetry::Exhausted);
        }
        self.left -= 1;
        Decision::After(match wanted {
            Some(wait) => at_least(wait, random),
            None => self.back_off.next(random),
        })
    }
}
