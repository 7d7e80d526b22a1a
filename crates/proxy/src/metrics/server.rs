use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::server::ServerMetrics;

pub(super) fn register() -> ServerMetrics {
    describe_counter!("backstay_connections_accepted_total", "Connections from clients accepted.");
    describe_gauge!("backstay_connections", "Connections from clients open now.");
    describe_counter!(
        "backstay_connections_refused_total",
        "Connections closed at once because max_connections was reached."
    );
    describe_counter!(
        "backstay_header_timeouts_total",
        "Connections cut because a handshake or a request's head took too long."
    );
    describe_counter!(
        "backstay_idle_timeouts_total",
        "Connections closed because they carried no request for too long."
    );
    describe_counter!("backstay_stream_idle_timeouts_total", "Connections cut because nothing moved during a request.");
    describe_counter!("backstay_handshake_failures_total", "TLS handshakes with clients that failed.");
    describe_counter!(
        "backstay_protocol_errors_total",
        "Connections closed because what arrived was not HTTP, or beyond the limits on heads."
    );
    describe_counter!("backstay_local_replies_total", "Requests that the proxy answered itself, by class of status.");
    describe_counter!("backstay_access_log_dropped_total", "Access log lines lost because the writer was behind.");
    describe_counter!("backstay_mirrors_dropped_total", "Copies of requests given up because of a limit.");
    ServerMetrics {
        accepted: counter!("backstay_connections_accepted_total"),
        connections: gauge!("backstay_connections"),
        connections_refused: counter!("backstay_connections_refused_total"),
        header_timeouts: counter!("backstay_header_timeouts_total"),
        idle_timeouts: counter!("backstay_idle_timeouts_total"),
        stream_idle_timeouts: counter!("backstay_stream_idle_timeouts_total"),
        handshake_failures: counter!("backstay_handshake_failures_total"),
        protocol_errors: counter!("backstay_protocol_errors_total"),
        local_replies: ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|class| counter!("backstay_local_replies_total", "class" => class)),
        log_lines_dropped: counter!("backstay_access_log_dropped_total"),
        mirrors_dropped: counter!("backstay_mirrors_dropped_total"),
    }
}
