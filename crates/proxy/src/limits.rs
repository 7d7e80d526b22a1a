//! What clients may ask of the proxy, and how much it keeps for them.

use std::time::Duration;

use thiserror::Error;

#[cfg(test)]
mod tests;

/// Limits of a proxy, on clients and on what is kept for them. Each has a metric that shows it being reached, see
/// [`ServerMetrics`](crate::counts::ServerMetrics).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections from clients, over all threads and sockets. One more is accepted and closed at once. At least 1. Default
    /// 50,000.
    pub max_connections: usize,
    /// From the first byte of a request's head to its last (HTTP/1.1), from accept to the end of the TLS handshake, and
    /// from there to the first byte. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection without a request stays open. Default 60 s.
    pub idle_timeout: Duration,
    /// How long a request in flight may go without a byte in either direction. Over HTTP/2 it ends alone, otherwise with its
    /// connection. Default 5 minutes, as Envoy's `stream_idle_timeout`. Does not apply after an Upgrade.
    pub stream_idle_timeout: Duration,
    /// Bytes of a request's head (431 beyond) and of the head of an upstream's answer (502 beyond, 503 over HTTP/2), and of
    /// what is buffered per HTTP/1.1 connection in each direction; of an answer, twice that. 8 KiB to 16 MiB. Default 64 KiB.
    pub max_head_size: usize,
    /// Bytes of a request's head to an endpoint of HTTP/2, as they are counted there (RFC 9113, 6.5.2); 431 beyond. nginx and HAProxy end
    /// a connection for a head that is longer than they take, with the requests of everybody else on it. 1 KiB to 16 MiB. Default
    /// 60 KiB, which Envoy takes.
    pub max_upstream_head_size: usize,
    /// Header lines of a request (431 beyond) and of an upstream's HTTP/1.1 answer (502 beyond). 1 to 10,000. Default 100.
    pub max_headers: usize,
    /// Concurrent requests on one HTTP/2 connection. At least 1. Default 100.
    pub max_streams: u32,
    /// Flow control window of one HTTP/2 request body, in bytes. Default 256 KiB.
    pub stream_window: u32,
    /// Flow control window of one HTTP/2 connection from a client, in bytes. Default 16 MiB. By it goes as well how many small
    /// parts of bodies may wait to be passed on; a connection that sends more is closed. Connections to upstreams have
    /// windows for as many requests as they may carry.
    pub connection_window: u32,
    /// Connections kept per upstream endpoint and thread though no request has used them from one sweep to the next: between two
    /// requests of many clients, any number may be unused for a moment. 0 keeps none, not even for that. Default 256.
    pub max_idle_upstream: usize,
    /// Bytes of a request body kept for a mirror that is slower than the upstream; beyond, the copy is abandoned. Default
    /// 1 MiB.
    pub mirror_buffer: usize,
    /// Bytes of a request body kept so that it can be sent again, for backends with retries and for those of HTTP/2, whose endpoints
    /// may say that they did not look at it; a longer one is sent only once. Default 64 KiB.
    pub retry_buffer: usize,
    /// Copies of requests in flight per thread; beyond, requests are not copied. Default 1,024.
    pub max_mirrors: usize,
    /// Bytes of answers that are kept for calls of compositions, in all caches; beyond, those of the same cache that were used longest ago
    /// go first. At least 64 KiB. Default 256 MiB.
    pub answer_cache: usize,
    /// Clients whose requests are counted for rate limits, each limit's for itself; beyond, who was silent longest is forgotten. 1,024 to
    /// 67,108,864, each of which takes about 110 bytes. Default 262,144.
    pub max_rate_limit_clients: usize,
    /// Lines that wait to be written to the access log; beyond, they are lost. 1 to 1,048,576. Default 16,384.
    pub access_log_queue: usize,
    /// Spans of one data thread that wait to be sent to a collector; beyond, they are lost. Default 4096.
    pub span_queue: usize,
    /// Series of how long requests took, for collectors; what is beyond is counted as one, and routes beyond are not told apart. 1 to
    /// 65,534. Default 2,000, as OpenTelemetry's own libraries have it.
    pub max_request_series: usize,
    /// Active checks under way at once, per backend; beyond, they wait. 1 to 10,000. Default 64.
    pub max_health_checks: usize,
    /// Connections to the admin endpoint; one more is accepted and closed at once. 1 to 10,000. Default 64.
    pub max_admin_connections: usize,
    /// Sessions of top and tap at once, of the admin endpoint and the control plane together; one more is refused. 0 to 64, 0 for
    /// none at all. Default 8.
    pub max_live_sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 50_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            stream_idle_timeout: Duration::from_secs(300),
            max_head_size: 64 << 10,
            max_upstream_head_size: 60 << 10,
            max_headers: 100,
            max_streams: 100,
            stream_window: 256 << 10,
            connection_window: 16 << 20,
            max_idle_upstream: 256,
            mirror_buffer: 1 << 20,
            retry_buffer: 64 << 10,
            max_mirrors: 1024,
            answer_cache: 256 << 20,
            max_rate_limit_clients: 256 << 10,
            access_log_queue: 16 << 10,
            span_queue: 4 << 10,
            max_request_series: 2000,
            max_health_checks: 64,
            max_admin_connections: 64,
            max_live_sessions: 8,
        }
    }
}

/// One limit, to be read or set.
#[derive(Debug, PartialEq, Eq)]
pub enum Setting<'a> {
    /// A number of pieces or bytes.
    Size(&'a mut usize),
    /// A number of pieces or bytes that the protocol holds to 32 bits.
    Small(&'a mut u32),
    /// A time.
    Time(&'a mut Duration),
}

/// A limit is out of its range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the limit {name} must be {rule}")]
pub struct LimitError {
    /// Name of the setting.
    pub name: &'static str,
    /// What the limit must be.
    pub rule: &'static str,
}

/// Largest window of HTTP/2 (RFC 9113, 6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;

impl Limits {
    /// All of them, by name.
    pub fn settings(&mut self) -> Vec<(&'static str, Setting<'_>)> {
        use Setting::{Size, Small, Time};
        let Self {
            max_connections,
            header_timeout,
            idle_timeout,
            stream_idle_timeout,
            max_head_size,
            max_upstream_head_size,
            max_headers,
            max_streams,
            stream_window,
            connection_window,
            max_idle_upstream,
            mirror_buffer,
            retry_buffer,
            max_mirrors,
            answer_cache,
            max_rate_limit_clients,
            access_log_queue,
            span_queue,
            max_request_series,
            max_health_checks,
            max_admin_connections,
            max_live_sessions,
        } = self;
        vec![
            ("max-connections", Size(max_connections)),
            ("header-timeout", Time(header_timeout)),
            ("idle-timeout", Time(idle_timeout)),
            ("stream-idle-timeout", Time(stream_idle_timeout)),
            ("max-head-size", Size(max_head_size)),
            ("max-upstream-head-size", Size(max_upstream_head_size)),
            ("max-headers", Size(max_headers)),
            ("max-streams", Small(max_streams)),
            ("stream-window", Small(stream_window)),
            ("connection-window", Small(connection_window)),
            ("max-idle-upstream", Size(max_idle_upstream)),
            ("mirror-buffer", Size(mirror_buffer)),
            ("retry-buffer", Size(retry_buffer)),
            ("max-mirrors", Size(max_mirrors)),
            ("answer-cache", Size(answer_cache)),
            ("max-rate-limit-clients", Size(max_rate_limit_clients)),
            ("access-log-queue", Size(access_log_queue)),
            ("span-queue", Size(span_queue)),
            ("max-request-series", Size(max_request_series)),
            ("max-health-checks", Size(max_health_checks)),
            ("max-admin-connections", Size(max_admin_connections)),
            ("max-live-sessions", Size(max_live_sessions)),
        ]
    }

    /// Each by name, in seconds, bytes or pieces.
    pub(crate) fn values(&self) -> Vec<(&'static str, f64)> {
        let value = |setting| match setting {
            Setting::Size(value) => *value as f64,
            Setting::Small(value) => f64::from(*value),
            Setting::Time(value) => value.as_secs_f64(),
        };
        self.clone().settings().into_iter().map(|(name, setting)| (name, value(setting))).collect()
    }

    /// How long to wait from one look at all connections to the next, so that these times, and one that is as short as `other`, are kept
    /// to within an eighth or a second.
    pub(crate) fn sweep_period(&self, other: Option<Duration>) -> Duration {
        let shortest = self.header_timeout.min(self.idle_timeout).min(self.stream_idle_timeout);
        (shortest.min(other.unwrap_or(shortest)) / 8).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }

    /// Checks every range named at the fields.
    ///
    /// # Errors
    /// The first limit that is out of its range.
    pub fn validate(&self) -> Result<(), LimitError> {
        let window = |window: u32| (1..=MAX_WINDOW).contains(&window);
        let rules = [
            (self.max_connections > 0, "max-connections", "at least 1"),
            (!self.header_timeout.is_zero(), "header-timeout", "more than 0s"),
            (!self.idle_timeout.is_zero(), "idle-timeout", "more than 0s"),
            (!self.stream_idle_timeout.is_zero(), "stream-idle-timeout", "more than 0s"),
            ((8 << 10..=16 << 20).contains(&self.max_head_size), "max-head-size", "8192 to 16777216"),
            ((1 << 10..=16 << 20).contains(&self.max_upstream_head_size), "max-upstream-head-size", "1024 to 16777216"),
            ((1..=10_000).contains(&self.max_headers), "max-headers", "1 to 10000"),
            (self.max_streams > 0, "max-streams", "at least 1"),
            (window(self.stream_window), "stream-window", "1 to 2147483647"),
            (window(self.connection_window), "connection-window", "1 to 2147483647"),
            (self.answer_cache >= 64 << 10, "answer-cache", "at least 65536"),
            ((1 << 10..=64 << 20).contains(&self.max_rate_limit_clients), "max-rate-limit-clients", "1024 to 67108864"),
            ((1..=1 << 20).contains(&self.access_log_queue), "access-log-queue", "1 to 1048576"),
            ((1..=1 << 20).contains(&self.span_queue), "span-queue", "1 to 1048576"),
            ((1..=65_534).contains(&self.max_request_series), "max-request-series", "1 to 65534"),
            ((1..=10_000).contains(&self.max_health_checks), "max-health-checks", "1 to 10000"),
            ((1..=10_000).contains(&self.max_admin_connections), "max-admin-connections", "1 to 10000"),
            (self.max_live_sessions <= 64, "max-live-sessions", "0 to 64"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, name, rule)) => Err(LimitError { name, rule }),
            None => Ok(()),
        }
    }
}
