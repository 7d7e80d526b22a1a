//! What clients may ask of the proxy.

use std::time::Duration;

/// Limits on clients and on what is kept for them. Each has a metric that shows it being reached, see
/// [`ServerMetrics`](crate::metrics::ServerMetrics).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections from clients, over all threads and sockets. One more is accepted and closed at once. Default 50,000.
    pub max_connections: usize,
    /// From the first byte of a request's head to its last (HTTP/1.1), from accept to the end of the TLS handshake, and
    /// from there to the first byte. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection without a request stays open. Default 60 s.
    pub idle_timeout: Duration,
    /// How long a connection with a request in flight may go without a byte in either direction. Default 5 minutes, as
    /// Envoy's `stream_idle_timeout`. Does not apply after an Upgrade.
    pub stream_idle_timeout: Duration,
    /// Bytes of a request's head (431 beyond), and of what is buffered per HTTP/1.1 connection in each direction. At least
    /// 8 KiB. Default 64 KiB.
    pub max_head_size: usize,
    /// Header lines of a request (431 beyond) and of an upstream's answer (502 beyond). Default 100.
    pub max_headers: usize,
    /// Concurrent requests on one HTTP/2 connection. Default 100.
    pub max_streams: u32,
    /// Flow control window of one HTTP/2 request body, in bytes. Default 256 KiB.
    pub stream_window: u32,
    /// Flow control window of one HTTP/2 connection, in bytes. Default 1 MiB.
    pub connection_window: u32,
    /// Unused connections kept per upstream endpoint and thread. Default 256.
    pub max_idle_upstream: usize,
    /// Bytes of a request body kept for a mirror that is slower than the upstream; beyond, the copy is abandoned. Default
    /// 1 MiB.
    pub mirror_buffer: usize,
    /// Bytes of a request body kept so that it can be sent again, for backends with retries; a longer one is sent only once.
    /// Default 64 KiB.
    pub retry_buffer: usize,
    /// Copies of requests in flight per thread; beyond, requests are not copied. Default 1,024.
    pub max_mirrors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 50_000,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            stream_idle_timeout: Duration::from_secs(300),
            max_head_size: 64 << 10,
            max_headers: 100,
            max_streams: 100,
            stream_window: 256 << 10,
            connection_window: 1 << 20,
            max_idle_upstream: 256,
            mirror_buffer: 1 << 20,
            retry_buffer: 64 << 10,
            max_mirrors: 1024,
        }
    }
}

impl Limits {
    /// Each by the name of its setting, in seconds, bytes or pieces.
    pub(crate) fn values(&self) -> Vec<(&'static str, f64)> {
        let Self {
            max_connections,
            header_timeout,
            idle_timeout,
            stream_idle_timeout,
            max_head_size,
            max_headers,
            max_streams,
            stream_window,
            connection_window,
            max_idle_upstream,
            mirror_buffer,
            retry_buffer,
            max_mirrors,
        } = self;
        vec![
            ("max-connections", *max_connections as f64),
            ("header-timeout", header_timeout.as_secs_f64()),
            ("idle-timeout", idle_timeout.as_secs_f64()),
            ("stream-idle-timeout", stream_idle_timeout.as_secs_f64()),
            ("max-head-size", *max_head_size as f64),
            ("max-headers", *max_headers as f64),
            ("max-streams", f64::from(*max_streams)),
            ("stream-window", f64::from(*stream_window)),
            ("connection-window", f64::from(*connection_window)),
            ("max-idle-upstream", *max_idle_upstream as f64),
            ("mirror-buffer", *mirror_buffer as f64),
            ("retry-buffer", *retry_buffer as f64),
            ("max-mirrors", *max_mirrors as f64),
        ]
    }
}
