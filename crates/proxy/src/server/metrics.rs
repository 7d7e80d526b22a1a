//! What the server side counts.

use metrics::{Counter, Gauge};

/// Handles for what is counted beside the backends. The control side makes them; [`ServerMetrics::noop`] counts nothing.
#[derive(Debug, Clone)]
pub struct ServerMetrics {
    /// Connections accepted.
    pub accepted: Counter,
    /// Connections open now.
    pub connections: Gauge,
    /// Connections closed at once because `max_connections` was reached.
    pub connections_refused: Counter,
    /// Connections cut because a head, a handshake or the first byte took longer than `header_timeout`.
    pub header_timeouts: Counter,
    /// Connections closed by `idle_timeout`.
    pub idle_timeouts: Counter,
    /// Connections cut by `stream_idle_timeout`.
    pub stream_idle_timeouts: Counter,
    /// TLS handshakes that failed.
    pub handshake_failures: Counter,
    /// Connections closed because what arrived is not HTTP, or beyond the limits on heads.
    pub protocol_errors: Counter,
    /// Requests that the proxy itself answered, by first digit of the status: index 0 for 1xx, 4 for 5xx. Redirects count.
    pub local_replies: [Counter; 5],
    /// Access log lines lost because the writer was behind.
    pub log_lines_dropped: Counter,
    /// Copies of requests abandoned because of `mirror_buffer` or `max_mirrors`.
    pub mirrors_dropped: Counter,
}

impl ServerMetrics {
    /// Handles that count nothing.
    pub fn noop() -> Self {
        Self {
            accepted: Counter::noop(),
            connections: Gauge::noop(),
            connections_refused: Counter::noop(),
            header_timeouts: Counter::noop(),
            idle_timeouts: Counter::noop(),
            stream_idle_timeouts: Counter::noop(),
            handshake_failures: Counter::noop(),
            protocol_errors: Counter::noop(),
            local_replies: [const { Counter::noop() }; 5],
            log_lines_dropped: Counter::noop(),
            mirrors_dropped: Counter::noop(),
        }
    }
}
