//! What can go wrong on the way upstream, and what the client is told.

use std::borrow::Cow;
use std::error::Error as _;

use http::StatusCode;

use crate::config::{Flag, Refusal};
use crate::upstream::ConnectError;

/// Why there is no answer from upstream.
#[derive(Debug)]
pub(super) enum Failure {
    /// No address to send to.
    NoEndpoint,
    /// No connection.
    Connect(ConnectError),
    /// The connection ended before the answer.
    Terminated,
    /// The stream was reset before the answer.
    Reset,
    /// The answer is not HTTP.
    Protocol(&'static str),
    /// A timeout of the route passed.
    Timeout,
    /// The client did not send the rest of its request.
    Client,
    /// The name lookup says so.
    Refused(Refusal),
}

const NO_ENDPOINT: Refusal = Refusal::fixed(
    StatusCode::SERVICE_UNAVAILABLE,
    "no healthy upstream",
    Flag::NoHealthyUpstream,
    "no_healthy_upstream",
);
const TIMEOUT: Refusal = Refusal::fixed(
    StatusCode::GATEWAY_TIMEOUT,
    "upstream request timeout",
    Flag::UpstreamRequestTimeout,
    "response_timeout",
);
const CLIENT: Refusal = Refusal::fixed(
    StatusCode::BAD_REQUEST,
    "the request body is malformed or incomplete",
    Flag::DownstreamProtocolError,
    "request_body_failed",
);
const OWN_ADDRESS: Refusal = Refusal::fixed(
    StatusCode::SERVICE_UNAVAILABLE,
    "the request would come back to this proxy",
    Flag::UpstreamConnectionFailure,
    "own_address",
);

impl Failure {
    /// Judges an error that hyper reports for a request. `closed` says that the connection is gone with it.
    pub(super) fn of(error: &hyper::Error, closed: bool) -> Self {
        if error.is_parse() {
            return Self::Protocol("upstream_response_malformed");
        }
        let by_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
        if closed || by_io || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return Self::Terminated;
        }
        Self::Reset
    }

    /// What the client is told.
    pub(super) fn into_refusal(self) -> Refusal {
        match self {
            Self::NoEndpoint => NO_ENDPOINT,
            Self::Timeout => TIMEOUT,
            Self::Client => CLIENT,
            Self::Refused(refusal) => refusal,
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
            Self::Terminated => reset(
                StatusCode::SERVICE_UNAVAILABLE,
                "connection termination",
                Flag::UpstreamConnectionTermination,
                None,
            ),
            Self::Reset => reset(StatusCode::SERVICE_UNAVAILABLE, "remote reset", Flag::UpstreamRemoteReset, None),
            Self::Protocol(details) => {
                reset(StatusCode::BAD_GATEWAY, "protocol error", Flag::UpstreamProtocolError, Some(details))
            }
        }
    }
}

/// Envoy's words for an upstream that fails before its answer begins.
fn reset(status: StatusCode, reason: &str, flag: Flag, more: Option<&str>) -> Refusal {
    let word = |text: &str| text.replace(|c: char| c.is_whitespace(), "_");
    let more = more.map_or_else(String::new, |more| format!("|{}", word(more)));
    Refusal {
        status,
        body: Cow::Owned(format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}")),
        flag,
        details: Cow::Owned(format!("upstream_reset_before_response_started{{{}{more}}}", word(reason))),
    }
}
