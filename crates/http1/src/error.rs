//! What can go wrong on an HTTP/1.1 connection to an endpoint.

use std::io;

use thiserror::Error;

/// Why an answer does not come, or ends before its end.
#[derive(Debug, Error)]
pub enum Error {
    /// The stream failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The connection has ended, and should not have.
    #[error("the endpoint closed the connection")]
    Ended,
    /// Something came in on a connection that carried no request.
    #[error("the endpoint sent what nobody had asked for")]
    Unasked,
    /// The answer does not begin as the standard demands, or is larger than [`HeadLimits`](crate::HeadLimits) allow.
    #[error("the head of the answer is malformed: {0}")]
    Head(&'static str),
    /// Chunks or trailers are not as the standard demands.
    #[error("the body of the answer is malformed: {0}")]
    Body(&'static str),
    /// The body that was to be sent has failed; the error is the body's.
    #[error("the body of the request: {0}")]
    Request(Box<dyn std::error::Error + Send + Sync>),
    /// The body that was to be sent does not fit what the headers announce.
    #[error("the body of the request is not as long as its head says")]
    RequestLength,
}
