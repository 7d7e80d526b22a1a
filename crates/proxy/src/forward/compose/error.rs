//! What goes wrong on the way to a backend, in the words that clients of the gateways know which the engine stands in for: those of
//! Go's `net/http`, as far as there are any.

use std::io;

use backstay_composition::{CallError, DecodeError};
use backstay_upstream as upstream;
use backstay_upstream::ConnectError;
use http::Method;

use super::transport::Answered;
use crate::counts::CallOutcome;
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
        Failure::NoEndpoint => no_such_host(host),
        Failure::Refused(reply) if reply.flag == Flag::DnsFailure => no_such_host(host),
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

/// A name is looked up, and not its port.
fn no_such_host(host: &str) -> String {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    format!("dial tcp: lookup {}: no such host", port.map_or(host, |(name, _)| name))
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

/// How a call ended that failed like this.
pub(super) fn outcome(error: &CallError) -> CallOutcome {
    match error {
        CallError::Deadline => CallOutcome::Timeout,
        CallError::Cancelled => CallOutcome::Cancelled,
        CallError::NoEndpoint => CallOutcome::NoEndpoint,
        CallError::CircuitOpen | CallError::CircuitProbing => CallOutcome::Breaker,
        CallError::RateLimited => CallOutcome::RateLimit,
        CallError::Transport(_) => CallOutcome::Transport,
        CallError::Modifier(_) => CallOutcome::Modifier,
        CallError::Expression(_) => CallOutcome::Expression,
        CallError::Target { .. } => CallOutcome::Target,
        CallError::Status { .. } | CallError::Answered { .. } => CallOutcome::Status,
        CallError::Decode(DecodeError::TooLong { .. }) | CallError::TotalTooLong { .. } => CallOutcome::TooLong,
        CallError::Decode(_) => CallOutcome::Decode,
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
