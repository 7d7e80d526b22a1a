//! What goes wrong on the way to a backend, in the words that clients of the gateways know which the engine stands in for: those of
//! Go's `net/http`, as far as there are any.

use std::io;

use backstay_composition::{CallError, DecodeError};
use backstay_upstream as upstream;
use backstay_upstream::ConnectError;
use http::Method;

use super::transport::Answered;
use crate::forward::failure::Failure;
use crate::forward::request_state::RequestState;
use crate::local_reply::Flag;

/// Why there is no answer to the request for `url`. `host` is who was asked; `has_endpoints` says whether the backend has any.
pub(super) fn of_failure(
    failure: &Failure,
    method: &Method,
    url: &str,
    host: &str,
    state: &RequestState,
    has_endpoints: bool,
) -> CallError {
    let text = match failure {
        Failure::Timeout | Failure::PerTryTimeout | Failure::FirstByteTimeout | Failure::PerTryIdleTimeout => {
            return CallError::Deadline;
        }
        Failure::NoEndpoint if has_endpoints => return CallError::NoEndpoint,
        Failure::NoEndpoint => format!("dial tcp: lookup {host}: no such host"),
        Failure::Refused(reply) if reply.flag == Flag::DnsFailure => format!("dial tcp: lookup {host}: no such host"),
        Failure::Refused(reply) => reply.body.clone().into_owned(),
        Failure::Overflow | Failure::Connect(ConnectError::Overflow(_)) => {
            "the backend has as many requests as it may have".to_owned()
        }
        Failure::Connect(error) => of_connect(error, state),
        Failure::Alert(error) => format!("remote error: {error}"),
        Failure::Terminated | Failure::BeforeRequest => "EOF".to_owned(),
        Failure::Reset(_) => "stream error: stream was reset".to_owned(),
        Failure::RefusedStream | Failure::GoneAway => "http2: server sent GOAWAY or refused the stream".to_owned(),
        Failure::Protocol(_) => "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned(),
        Failure::Client => "unexpected EOF".to_owned(),
    };
    transport(method, url, &text)
}

fn of_connect(error: &ConnectError, state: &RequestState) -> String {
    let address = state.tried().map_or_else(|| "tcp".to_owned(), |address| format!("tcp {address}"));
    match error {
        ConnectError::Timeout => format!("dial {address}: i/o timeout"),
        ConnectError::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => format!("dial {address}: connect: connection refused"),
            io::ErrorKind::NetworkUnreachable => format!("dial {address}: connect: network is unreachable"),
            io::ErrorKind::HostUnreachable => format!("dial {address}: connect: no route to host"),
            _ => format!("dial {address}: {error}"),
        },
        ConnectError::Tls(error) => format!("tls: {error}"),
        other => format!("dial {address}: {other}"),
    }
}

/// A failure of the transport, as Go tells it.
pub(super) fn transport(method: &Method, url: &str, text: &str) -> CallError {
    let method = method.as_str();
    let (first, rest) = method.split_at_checked(1).unwrap_or((method, ""));
    CallError::Transport(format!("{first}{} \"{url}\": {text}", rest.to_ascii_lowercase()))
}

/// Why the rest of an answer's body does not come. The endpoint is counted as one that broke off.
pub(super) fn of_body(answered: &Answered, error: &upstream::Error) -> CallError {
    Failure::of(error).count(&answered.active.upstream.backend.metrics);
    DecodeError::Truncated.into()
}

/// What metrics, logs and the debug header call it.
pub(super) fn label(error: &CallError) -> &'static str {
    match error {
        CallError::Deadline => "timeout",
        CallError::Cancelled => "cancelled",
        CallError::NoEndpoint => "no_endpoint",
        CallError::CircuitOpen | CallError::CircuitProbing => "breaker",
        CallError::RateLimited => "rate_limit",
        CallError::Transport(_) => "transport",
        CallError::Modifier(_) => "modifier",
        CallError::Target { .. } => "target",
        CallError::Status { .. } | CallError::Answered { .. } => "status",
        CallError::Decode(DecodeError::TooLong { .. }) | CallError::TotalTooLong { .. } => "too_long",
        CallError::Decode(_) => "decode",
    }
}

/// What the access log says of a response that there is no data for.
pub(super) fn flag(error: &CallError) -> Flag {
    match error {
        CallError::Deadline => Flag::UpstreamRequestTimeout,
        CallError::NoEndpoint => Flag::NoHealthyUpstream,
        CallError::Transport(_) => Flag::UpstreamConnectionFailure,
        CallError::CircuitOpen | CallError::CircuitProbing | CallError::RateLimited => Flag::UpstreamOverflow,
        _ => Flag::None,
    }
}
