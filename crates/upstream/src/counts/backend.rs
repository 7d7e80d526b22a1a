use std::ops::Deref;
use std::sync::{LazyLock, OnceLock};

use super::{Bounds, Count, FailureCounts, Level, Times};

/// What is counted for one backend, over all threads and all versions of it. There is room for it once something is counted: of many
/// backends, few may ever be asked. Whoever counts reads it like fields of its own; whoever only [looks](Self::look) makes no room.
#[derive(Debug, Default)]
pub struct BackendMetrics {
    /// Changes of the list of endpoints, which there is one of from the beginning.
    pub membership_changes: Count,
    counts: OnceLock<Box<BackendCounts>>,
}

/// What is looked at where nothing was counted.
static NOTHING: LazyLock<BackendCounts> = LazyLock::new(BackendCounts::default);

impl BackendMetrics {
    /// What was counted until now, to be read.
    #[must_use]
    pub fn look(&self) -> &BackendCounts {
        match self.counts.get() {
            Some(counts) => counts,
            None => &NOTHING,
        }
    }
}

impl Deref for BackendMetrics {
    type Target = BackendCounts;

    #[inline]
    fn deref(&self) -> &BackendCounts {
        self.counts.get_or_init(Box::default)
    }
}

/// What is counted for one backend, but for what is from the beginning.
#[derive(Debug, Default)]
pub struct BackendCounts {
    /// Answers by first digit of their status: index 0 for 1xx, 4 for 5xx. The proxy's own answers after a failed
    /// attempt count as what the client saw.
    pub requests: [Count; 5],
    /// Requests being served.
    pub active: Level,
    /// Requests given to a connection; one that is sent again counts again, and a copy of one for a mirror counts too.
    pub attempts: Count,
    /// From the request's head to the end of the answer's head.
    pub latency: Times,
    /// Requests that ended before an answer to them began, though neither a timeout nor the endpoint ended them: their client left,
    /// or a drain waited no longer.
    pub abandoned: Count,
    /// How long their clients had waited.
    pub abandoned_after: Times,
    /// Requests that some timeout ended.
    pub timeouts: Timeouts,
    /// Attempts that the endpoint ended before its answer was complete.
    pub resets: Resets,
    /// Requests answered 503 because there was no endpoint to send them to.
    pub no_endpoint: Count,
    /// Requests of sequences that it did not answer, having been tried last.
    pub failures: FailureCounts,
    /// Requests refused because they had come through the backend too often.
    pub loops: Count,
    /// Requests whose endpoint was chosen whatever its health.
    pub panics: Count,
    /// Requests sent again, and what became of them.
    pub retries: RetryCounts,
    /// Connections established.
    pub connects: Count,
    /// Connections that could not be established.
    pub connect_failures: ConnectFailures,
    /// TLS handshakes completed.
    pub tls_handshakes: Count,
    /// Connections open now.
    pub connections: Level,
    /// Connections that have ended, whoever ended them.
    pub connections_closed: Count,
    /// Connections that a limit ended.
    pub connections_retired: Retired,
    /// Requests that found no HTTP/2 connection that might carry one more.
    pub streams_full: Count,
    /// Endpoints ejected as outliers, in the order of [`EjectionReason`](backstay_balancer::EjectionReason).
    pub ejections: [Count; 5],
    /// Endpoints that were not ejected because too many are already.
    pub ejections_withheld: Count,
    /// Active checks.
    pub health_checks: HealthChecks,
}

impl BackendMetrics {
    /// Counts times by other bounds from now on, or by the usual ones.
    pub fn count_by(&self, bounds: Option<&Bounds>) {
        // Where nothing was counted yet, the usual ones will be.
        if bounds.is_none() && self.counts.get().is_none() {
            return;
        }
        self.latency.count_by(bounds);
        self.abandoned_after.count_by(bounds);
    }
}

/// Requests that a timeout ended, by the setting.
#[derive(Debug, Default)]
pub struct Timeouts {
    /// That of the route, or the total of the backend.
    pub total: Count,
    /// That of one attempt.
    pub per_try: Count,
    /// No answer for too long after all was sent.
    pub first_byte: Count,
    /// Too long between two parts of the answer.
    pub between_bytes: Count,
}

/// Attempts that the endpoint ended, by how.
#[derive(Debug, Default)]
pub struct Resets {
    /// The endpoint reset or refused the stream (HTTP/2).
    pub stream: Count,
    /// The endpoint closed the connection, or the connection was lost.
    pub connection: Count,
    /// What the endpoint sent was no HTTP, or beyond the limits on heads.
    pub protocol: Count,
}

/// Requests sent again.
#[derive(Debug, Default)]
pub struct RetryCounts {
    /// By the policy on retries.
    pub policy: Count,
    /// Because a kept connection turned out to be closed.
    pub closed_connection: Count,
    /// Requests that the policy on retries brought to an answer which it does not cover.
    pub successes: Count,
    /// Requests that failed as often as the policy allows.
    pub exhausted: Count,
    /// Answers that asked for a longer wait than the policy heeds.
    pub long_waits: Count,
    /// Requests whose body was longer than what is kept of it, which cannot be sent again.
    pub buffer_overflows: Count,
}

/// Connections that could not be established, by cause.
#[derive(Debug, Default)]
pub struct ConnectFailures {
    /// Not within the timeout.
    pub timeout: Count,
    /// The network or the endpoint refused.
    pub refused: Count,
    /// The endpoint's certificate is not to be trusted.
    pub certificate: Count,
    /// The endpoint's certificate is for another name.
    pub name: Count,
    /// TLS failed otherwise.
    pub tls: Count,
    /// The endpoint does not speak the backend's protocol, or is this proxy itself.
    pub protocol: Count,
}

impl ConnectFailures {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { timeout, refused, certificate, name, tls, protocol } = self;
        [timeout, refused, certificate, name, tls, protocol].into_iter().map(Count::get).sum()
    }
}

/// Connections that a limit ended, by the setting.
#[derive(Debug, Default)]
pub struct Retired {
    /// Connections that had carried as many requests as one may.
    pub max_requests: Count,
    /// Connections that had lived for as long as one may.
    pub max_lifetime: Count,
    /// Connections that had been unused for too long.
    pub idle: Count,
    /// There were enough unused ones.
    pub max_idle: Count,
    /// Their endpoint was ejected, or down by its checks.
    pub unhealthy: Count,
}

/// Active checks, by what came of them.
#[derive(Debug, Default)]
pub struct HealthChecks {
    /// Begun.
    pub attempts: Count,
    /// Answered as they should be.
    pub passed: Count,
    /// Answered otherwise.
    pub refused: Count,
    /// Not answered.
    pub failed: Count,
    /// Begun late, because too many were under way.
    pub delayed: Count,
}
