//! What goes wrong with a call. The texts are part of what clients see when failures say what went wrong; gateways that this engine
//! stands in for use these.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

use crate::error::DecodeError;
use crate::modify::ModifyError;
use crate::plan::{InvalidBody, Untrue};

/// Why a call has no answer that counts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The deadline passed.
    #[error("context deadline exceeded")]
    Deadline,
    /// The client went away.
    #[error("context canceled")]
    Cancelled,
    /// The backend has no endpoint to send to.
    #[error("no hosts available")]
    NoEndpoint,
    /// A circuit breaker is open.
    #[error("circuit breaker is open")]
    CircuitOpen,
    /// A circuit breaker lets nothing more through while it probes.
    #[error("too many requests")]
    CircuitProbing,
    /// A limit on the rate of calls was reached.
    #[error("rate limit exceded")]
    RateLimited,
    /// The backend could not be reached, or did not answer in HTTP; with what went wrong.
    #[error("{0}")]
    Transport(String),
    /// What is sent or answered could not be changed as it was to be.
    #[error(transparent)]
    Modifier(ModifyError),
    /// An expression that has to be true is not, or could not be evaluated.
    #[error(transparent)]
    Expression(#[from] Untrue),
    /// What the pattern came to is no path.
    #[error("parse \"{target}\": {reason}")]
    Target {
        /// What it came to.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The status says that it failed.
    #[error("invalid status code {} [{method} {pattern}]: {url}", status.as_u16())]
    Status {
        /// The status.
        status: StatusCode,
        /// The method of the call.
        method: Method,
        /// The pattern of the call.
        pattern: String,
        /// What was asked last, if redirects were followed.
        url: String,
    },
    /// The status says that it failed, and the response may say the same.
    #[error("{}", String::from_utf8_lossy(body))]
    Answered {
        /// The status.
        status: StatusCode,
        /// The body of the answer.
        body: Bytes,
        /// Its content type.
        content_type: Option<HeaderValue>,
        /// Whether the response may also say so when what failed is merged with other failures.
        merged: bool,
    },
    /// The body could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// All answers of the request are longer together than allowed.
    #[error("the answers to one request are longer than {limit} bytes together")]
    TotalTooLong {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl From<InvalidBody> for CallError {
    fn from(InvalidBody(told): InvalidBody) -> Self {
        Self::Answered { status: StatusCode::BAD_REQUEST, body: told.into(), content_type: None, merged: false }
    }
}
