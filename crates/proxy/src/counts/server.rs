use std::sync::Arc;

use backstay_http_cache::Counts;
use backstay_limiter::ClientCounts;
use backstay_upstream::counts::{Count, FailureCounts, Level};

use super::guards::GuardCounts;
use super::requests::RequestTimes;
use super::tokens::TokenCounts;

/// What is counted beside the backends.
#[derive(Debug, Default)]
pub struct ServerMetrics {
    /// Connections from clients taken in.
    pub accepted: Count,
    /// Connections from clients open now.
    pub connections: Level,
    /// Connections from clients open now that wait for their next request without buffers: they were idle for a second or more.
    pub parked: Level,
    /// Connections closed at once because `max_connections` was reached.
    pub connections_refused: Count,
    /// Attempts to accept a connection that the system refused, as it does when file descriptors run out.
    pub accept_failures: Count,
    /// Connections cut because a head, a handshake or the first byte took longer than `header_timeout`.
    pub header_timeouts: Count,
    /// Connections closed by `idle_timeout`.
    pub idle_timeouts: Count,
    /// Connections cut by `stream_idle_timeout`.
    pub stream_idle_timeouts: Count,
    /// Requests cut because body or answer took longer than their listener allows.
    pub request_timeouts: Count,
    /// TLS handshakes that failed.
    pub handshake_failures: Count,
    /// Requests refused because of `max_head_size` or `max_headers`.
    pub heads_too_large: Count,
    /// Connections closed because what arrived is not HTTP.
    pub protocol_errors: Count,
    /// HTTP/2 connections that were ended because of a flood.
    pub floods: Floods,
    /// Interim answers of endpoints that were not passed on: the client had not read what came before, or there were more of them than
    /// `max_head_size` has room for.
    pub interim_dropped: Count,
    /// Times that an HTTP/2 connection came to carry as many requests as `max_streams` allows.
    pub streams_full: Count,
    /// Requests that the proxy itself answered, by first digit of the status: index 0 for 1xx, 4 for 5xx. Redirects count.
    pub local_replies: [Count; 5],
    /// How long requests took, for collectors.
    pub request_times: RequestTimes,
    /// Requests of sequences that no destination answered.
    pub destination_failures: FailureCounts,
    /// Requests that a guard answered in place of the action.
    pub guards: GuardCounts,
    /// What was made of the tokens of requests.
    pub tokens: TokenCounts,
    /// Buckets of clients that rate limits are counted by.
    pub rate_limit_clients: Arc<ClientCounts>,
    /// Access log lines lost because the writer was behind.
    pub log_lines_dropped: Count,
    /// Access log lines lost because they could not be written.
    pub log_lines_unwritten: Count,
    /// Attempts to write the access log that failed.
    pub log_failures: Count,
    /// Spans, and what became of them.
    pub telemetry: Arc<backstay_telemetry::Counts>,
    /// Sessions of top and tap that are open.
    pub live_sessions: Level,
    /// Sessions that were refused because `max_live_sessions` were open.
    pub live_sessions_refused: Count,
    /// Requests that a tap was not told of: there were more than its limit, or than whoever looks could take.
    pub live_requests_missed: Count,
    /// Copies of requests that came to nothing.
    pub mirrors_dropped: MirrorsDropped,
    /// Calls of compositions that were not made.
    pub calls_refused: CallsRefused,
    /// Times that a breaker of calls opened.
    pub breakers_opened: Count,
    /// Answers that are kept for calls.
    pub answer_caches: Arc<Counts>,
}

/// Calls of compositions that were not made, by what refused them.
#[derive(Debug, Default)]
pub struct CallsRefused {
    /// An open breaker, or one that lets a single call try.
    pub breaker: Count,
    /// A rate limit.
    pub rate_limit: Count,
}

/// Copies of requests that came to nothing, by cause.
#[derive(Debug, Default)]
pub struct MirrorsDropped {
    /// `max_mirrors` was reached.
    pub max_mirrors: Count,
    /// The mirror was slower than `mirror_buffer` makes up for.
    pub buffer: Count,
    /// The mirror took too long.
    pub timeout: Count,
    /// The mirror could not be reached or did not answer, or the client did not send the rest of the body.
    pub failed: Count,
    /// The request asked for another protocol.
    pub upgrade: Count,
}

/// HTTP/2 connections that were ended, by the frames of which there were too many.
#[derive(Debug, Default)]
pub struct Floods {
    /// PING.
    pub ping: Count,
    /// SETTINGS.
    pub settings: Count,
    /// PRIORITY.
    pub priority: Count,
    /// WINDOW_UPDATE.
    pub window_update: Count,
    /// Any other that means nothing here.
    pub other: Count,
    /// Streams that had to be reset here because of what came on them ("MadeYouReset", CVE-2025-8671).
    pub resets: Count,
}
