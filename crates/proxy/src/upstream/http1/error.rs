//! What can go wrong on an HTTP/1.1 connection to an endpoint.

use std::io;

use thiserror::Error;

use crate::forward::BodyError;

/// Why an answer does not come, or ends before its end.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the endpoint closed the connection")]
    Ended,
    #[error("the endpoint sent what nobody had asked for")]
    Unasked,
    #[error("the head of the answer is malformed: {0}")]
    Head(&'static str),
    #[error("the body of the answer is malformed: {0}")]
    Body(&'static str),
    #[error("the body of the request: {0}")]
    Request(Box<BodyError>),
    #[error("the body of the request is not as long as its head says")]
    RequestLength,
}
