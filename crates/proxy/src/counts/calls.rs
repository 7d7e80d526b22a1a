use std::time::Duration;

use backstay_trace::{SpanId, TraceId};
use backstay_upstream::counts::{Count, Times};

/// How a call of a composition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// With an answer that says all that it should.
    Ok,
    /// With an answer that does not.
    Incomplete,
    /// Nobody waited for its end.
    Cancelled,
    /// A deadline or a timeout passed.
    Timeout,
    /// There was no endpoint to send it to.
    NoEndpoint,
    /// A breaker kept it back.
    Breaker,
    /// A limit of its rate kept it back.
    RateLimit,
    /// The backend could not be reached, or did not answer in HTTP.
    Transport,
    /// What is sent or answered could not be changed as it was to be.
    Modifier,
    /// An expression that has to be true is not.
    Expression,
    /// What its pattern came to is no path.
    Target,
    /// The status of the answer says that it failed.
    Status,
    /// The answer is longer than it may be.
    TooLong,
    /// The answer cannot be decoded.
    Decode,
}

/// How many outcomes there are.
const OUTCOMES: usize = 14;

impl CallOutcome {
    /// All of them.
    pub const ALL: [Self; OUTCOMES] = [
        Self::Ok,
        Self::Incomplete,
        Self::Cancelled,
        Self::Timeout,
        Self::NoEndpoint,
        Self::Breaker,
        Self::RateLimit,
        Self::Transport,
        Self::Modifier,
        Self::Expression,
        Self::Target,
        Self::Status,
        Self::TooLong,
        Self::Decode,
    ];

    /// What metrics, logs and the debug header call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::NoEndpoint => "no_endpoint",
            Self::Breaker => "breaker",
            Self::RateLimit => "rate_limit",
            Self::Transport => "transport",
            Self::Modifier => "modifier",
            Self::Expression => "expression",
            Self::Target => "target",
            Self::Status => "status",
            Self::TooLong => "too_long",
            Self::Decode => "decode",
        }
    }
}

/// What is counted for one call of a route's compositions, over all threads and all versions of the route.
#[derive(Debug, Default)]
pub struct CallMetrics {
    /// Calls by their outcome, in the order of [`CallOutcome::ALL`].
    pub outcomes: [Count; OUTCOMES],
    /// From the call to the end of its answer; of one that is passed on, to the end of its head.
    pub duration: Times,
}

impl CallMetrics {
    /// Takes one in.
    pub(crate) fn record(&self, outcome: CallOutcome, duration: Duration, trace: Option<(TraceId, SpanId)>) {
        if let Some(count) = self.outcomes.get(outcome as usize) {
            count.increment(1);
        }
        self.duration.record(duration, trace);
    }
}
