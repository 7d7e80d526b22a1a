//! What can go wrong on the way upstream, and what the client is told.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::sync::Arc;

use backstay_balancer::Failure as Kind;
use http::StatusCode;

use crate::local_reply::{Flag, LocalReply};
use backstay_http1::Error as Http1Error;
use backstay_model::sequence::Cause;
use backstay_upstream::counts::BackendMetrics;
use backstay_upstream::{ConnectError, Error, tls_error};

/// Why there is no answer from upstream.
#[derive(Debug)]
pub(super) enum Failure {
    /// No address to send to.
    NoEndpoint,
    /// No connection.
    Connect(ConnectError),
    /// The connection ended before the answer.
    Terminated,
    /// The endpoint ended TLS after its handshake: it had not yet looked at the certificate that it is shown.
    Alert(ConnectError),
    /// The stream was reset before the answer, for this reason in Envoy's words.
    Reset(&'static str),
    /// The answer is not HTTP.
    Protocol(&'static str),
    /// The connection ended before any of the request was sent.
    BeforeRequest,
    /// The endpoint refused the stream without looking at it.
    RefusedStream,
    /// The connection takes no more streams, and this one was not looked at.
    GoneAway,
    /// A limit of the backend is reached.
    Overflow,
    /// A timeout of the route passed.
    Timeout,
    /// The timeout of one attempt passed.
    PerTryTimeout,
    /// Nothing came for too long after the request.
    FirstByteTimeout,
    /// Nothing came for too long after the request, by the timeout of one attempt.
    PerTryIdleTimeout,
    /// The client did not send the rest of its request.
    Client,
    /// The lookup of the endpoint's name has no address: answer the client so.
    Refused(LocalReply),
}

/// No endpoint is left that could serve.
pub(super) const NO_ENDPOINT: LocalReply = LocalReply::fixed(
    StatusCode::SERVICE_UNAVAILABLE,
    "no healthy upstream",
    Flag::NoHealthyUpstream,
    "no_healthy_upstream",
);
const TIMEOUT: LocalReply = LocalReply::fixed(
    StatusCode::GATEWAY_TIMEOUT,
    "upstream request timeout",
    Flag::UpstreamRequestTimeout,
    "response_timeout",
);
const CLIENT: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "the request body is malformed or incomplete",
    Flag::DownstreamProtocolError,
    "request_body_failed",
);
const OWN_ADDRESS: LocalReply = LocalReply::fixed(
    StatusCode::SERVICE_UNAVAILABLE,
    "the request would come back to this proxy",
    Flag::UpstreamConnectionFailure,
    "own_address",
);

impl Failure {
    /// What kind of failure it is, in a word of which there are few.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_healthy_upstream",
            Self::Connect(_) => "connection_failure",
            Self::Terminated | Self::BeforeRequest => "connection_termination",
            Self::Alert(_) => "tls_alert",
            Self::Reset(_) => "remote_reset",
            Self::RefusedStream | Self::GoneAway => "remote_refused_stream",
            Self::Protocol(_) => "protocol_error",
            Self::Overflow => "overflow",
            Self::Timeout | Self::PerTryTimeout | Self::FirstByteTimeout | Self::PerTryIdleTimeout => "timeout",
            Self::Client => "request_body_failed",
            Self::Refused(_) => "dns_failure",
        }
    }

    /// Judges why an endpoint does not answer, or breaks off.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Http1(error) => Self::of_http1(error),
            Error::Http2 { error, closed } => Self::of_http2(error, *closed),
            Error::Reset => Self::Reset(REMOTE_RESET),
        }
    }

    fn of_http1(error: &Http1Error) -> Self {
        match error {
            Http1Error::Head(_) => Self::Protocol("upstream_response_malformed"),
            Http1Error::Body(_) => Self::Protocol("upstream_body_malformed"),
            Http1Error::Io(error) => Self::of_alert(error).unwrap_or(Self::Terminated),
            Http1Error::Request(_) => Self::Client,
            Http1Error::Ended | Http1Error::Unasked | Http1Error::RequestLength => Self::Terminated,
        }
    }

    fn of_alert(error: &io::Error) -> Option<Self> {
        let alert @ rustls::Error::AlertReceived(_) = tls_error(error)? else { return None };
        let error = io::Error::new(io::ErrorKind::InvalidData, alert.clone());
        Some(Self::Alert(ConnectError::Tls(Arc::new(error))))
    }

    /// Judges an error that hyper reports. `closed` says that the connection is gone with it.
    fn of_http2(error: &hyper::Error, closed: bool) -> Self {
        let source = error.source();
        let h2 = source.and_then(|source| source.downcast_ref::<h2::Error>());
        let io = source.and_then(|source| source.downcast_ref::<io::Error>()).or_else(|| h2?.get_io());
        if let Some(alert) = io.and_then(Self::of_alert) {
            return alert;
        }
        if let Some(failure) = h2.and_then(Self::of_stream) {
            return failure;
        }
        if closed || io.is_some() || error.is_closed() || error.is_canceled() {
            return Self::Terminated;
        }
        Self::Reset(REMOTE_RESET)
    }

    /// What ended a stream of HTTP/2; `None` if that is the end of its connection.
    fn of_stream(error: &h2::Error) -> Option<Self> {
        if error.is_library() {
            return Some(Self::Protocol("upstream_http2_error"));
        }
        // Streams up to the last one that a GOAWAY names do not fail by it.
        if error.is_go_away() && error.is_remote() {
            // Beside an error it says no more than what the endpoint had got to: any of the requests may be what ended it.
            let graceful = error.reason() == Some(h2::Reason::NO_ERROR);
            return Some(if graceful { Self::GoneAway } else { Self::Terminated });
        }
        Some(match error.reason()? {
            // The endpoint promises not to have looked at the request (RFC 9113, 8.7).
            h2::Reason::REFUSED_STREAM => Self::RefusedStream,
            h2::Reason::PROTOCOL_ERROR => Self::Protocol("upstream_http2_error"),
            h2::Reason::CONNECT_ERROR => Self::Reset("remote error with CONNECT request"),
            _ => Self::Reset(REMOTE_RESET),
        })
    }

    /// What the access log says of an answer that had begun.
    pub(super) fn after_head(&self) -> (Flag, &'static str) {
        match self {
            Self::Reset(_) | Self::RefusedStream | Self::GoneAway => {
                (Flag::UpstreamRemoteReset, "upstream_reset_after_response_started{remote_reset}")
            }
            Self::Protocol(_) => (Flag::UpstreamProtocolError, "upstream_reset_after_response_started{protocol_error}"),
            Self::Client => (Flag::DownstreamConnectionTermination, "downstream_remote_disconnect"),
            _ => (Flag::UpstreamConnectionTermination, "upstream_reset_after_response_started{connection_termination}"),
        }
    }

    /// Counts the failure, if it is the endpoint that ended an attempt.
    pub(super) fn count(&self, metrics: &BackendMetrics) {
        let count = match self {
            Self::Terminated | Self::Alert(_) | Self::BeforeRequest => &metrics.resets.connection,
            Self::Reset(_) | Self::RefusedStream | Self::GoneAway => &metrics.resets.stream,
            Self::Protocol(_) => &metrics.resets.protocol,
            Self::NoEndpoint
            | Self::Connect(_)
            | Self::Overflow
            | Self::Timeout
            | Self::PerTryTimeout
            | Self::FirstByteTimeout
            | Self::PerTryIdleTimeout
            | Self::Client
            | Self::Refused(_) => return,
        };
        count.increment(1);
    }

    /// Whether there was no connection to send the request on, or the endpoint has ended it before any of the request was sent.
    pub(super) fn is_without_connection(&self) -> bool {
        match self {
            Self::NoEndpoint | Self::Connect(_) | Self::BeforeRequest | Self::Overflow => true,
            Self::Refused(reply) => reply.flag == Flag::DnsFailure,
            _ => false,
        }
    }

    /// What a sequence calls the failure; `None` for what is the client's. `has_endpoints` says whether the backend has any.
    pub(super) fn cause(&self, has_endpoints: bool) -> Option<Cause> {
        Some(match self {
            Self::NoEndpoint if has_endpoints => Cause::BackendUnhealthy,
            Self::NoEndpoint => Cause::NameResolution,
            Self::Overflow | Self::Connect(ConnectError::Overflow(_)) => Cause::ConnectionLimit,
            Self::Connect(ConnectError::Timeout) => Cause::ConnectTimeout,
            Self::Connect(error @ ConnectError::Tls(_)) if error.is_of_another_name() => Cause::CertificateName,
            Self::Connect(ConnectError::Tls(_) | ConnectError::NotHttp2) | Self::Alert(_) => Cause::TlsFailure,
            Self::Connect(_) => Cause::ConnectFailure,
            Self::Terminated | Self::BeforeRequest | Self::Reset(_) | Self::Protocol(_) => Cause::ResponseBroken,
            Self::RefusedStream | Self::GoneAway => Cause::ResponseBroken,
            Self::Timeout | Self::PerTryTimeout => Cause::TotalTimeout,
            Self::FirstByteTimeout | Self::PerTryIdleTimeout => Cause::FirstByteTimeout,
            Self::Refused(reply) if reply.flag == Flag::DnsFailure => Cause::NameResolution,
            Self::Client | Self::Refused(_) => return None,
        })
    }

    /// What a policy on retries calls the failure; `None` for what is never sent again.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Connect(ConnectError::Overflow(_)) | Self::Overflow => Some(Kind::Overflow),
            Self::Connect(_) => Some(Kind::Connect),
            Self::BeforeRequest => Some(Kind::BeforeRequest),
            Self::RefusedStream | Self::GoneAway => Some(Kind::Refused),
            Self::Terminated | Self::Alert(_) | Self::Reset(_) | Self::Protocol(_) => Some(Kind::Reset),
            Self::PerTryTimeout | Self::FirstByteTimeout | Self::PerTryIdleTimeout => Some(Kind::PerTryTimeout),
            Self::NoEndpoint | Self::Timeout | Self::Client | Self::Refused(_) => None,
        }
    }

    /// What the client is told. `repeated` says that there were earlier attempts.
    pub(super) fn into_local_reply(self, repeated: bool) -> LocalReply {
        let reset = |status, reason, flag, more| reset(status, reason, flag, more, repeated);
        match self {
            Self::Overflow | Self::Connect(ConnectError::Overflow(_)) => {
                reset(StatusCode::SERVICE_UNAVAILABLE, "overflow", Flag::UpstreamOverflow, None)
            }
            Self::PerTryTimeout => LocalReply { details: Cow::Borrowed("upstream_per_try_timeout"), ..TIMEOUT },
            Self::PerTryIdleTimeout => {
                LocalReply { details: Cow::Borrowed("upstream_per_try_idle_timeout"), ..TIMEOUT }
            }
            Self::FirstByteTimeout => LocalReply { details: Cow::Borrowed("upstream_first_byte_timeout"), ..TIMEOUT },
            Self::NoEndpoint => NO_ENDPOINT,
            Self::Timeout => TIMEOUT,
            Self::Client => CLIENT,
            Self::Refused(reply) => reply,
            Self::Connect(ConnectError::OwnAddress) => OWN_ADDRESS,
            Self::Connect(ConnectError::Timeout) => {
                reset(StatusCode::SERVICE_UNAVAILABLE, "connection timeout", Flag::UpstreamConnectionFailure, None)
            }
            Self::Connect(error) => reset(
                StatusCode::SERVICE_UNAVAILABLE,
                "remote connection failure",
                Flag::UpstreamConnectionFailure,
                Some(&error.to_string()),
            ),
            Self::Terminated | Self::BeforeRequest => reset(
                StatusCode::SERVICE_UNAVAILABLE,
                "connection termination",
                Flag::UpstreamConnectionTermination,
                None,
            ),
            Self::Alert(error) => reset(
                StatusCode::SERVICE_UNAVAILABLE,
                "connection termination",
                Flag::UpstreamConnectionTermination,
                Some(&error.to_string()),
            ),
            Self::Reset(reason) => reset(StatusCode::SERVICE_UNAVAILABLE, reason, Flag::UpstreamRemoteReset, None),
            Self::RefusedStream | Self::GoneAway => {
                reset(StatusCode::SERVICE_UNAVAILABLE, "remote refused stream reset", Flag::UpstreamRemoteReset, None)
            }
            Self::Protocol(details) => {
                reset(StatusCode::BAD_GATEWAY, "protocol error", Flag::UpstreamProtocolError, Some(details))
            }
        }
    }
}

/// Why most streams are reset.
const REMOTE_RESET: &str = "remote reset";

/// Envoy's words for an upstream that fails before its answer begins.
fn reset(status: StatusCode, reason: &str, flag: Flag, more: Option<&str>, repeated: bool) -> LocalReply {
    let word = |text: &str| text.replace(|c: char| c.is_whitespace(), "_");
    let more = more.map_or_else(String::new, |more| format!("|{}", word(more)));
    let latest = if repeated { "retried and the latest " } else { "" };
    let body = format!("upstream connect error or disconnect/reset before headers. {latest}reset reason: {reason}");
    LocalReply {
        status,
        body: Cow::Owned(body),
        flag,
        details: Cow::Owned(format!("upstream_reset_before_response_started{{{}{more}}}", word(reason))),
    }
}
