//! Why a body ends before its end.

use backstay_upstream::{self as upstream, ReceiveError};
use thiserror::Error;

/// Why a body ends before its end.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    #[error("the client failed: {0}")]
    Peer(#[from] hyper::Error),
    #[error("the other side reset the stream")]
    Reset,
    #[error("the endpoint failed: {0}")]
    Endpoint(#[from] upstream::Error),
    #[error("a timeout of the route or the backend has passed")]
    Timeout,
    #[error("nobody needs the rest")]
    Abandoned,
}

impl From<ReceiveError> for BodyError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Peer(error) => Self::Peer(error),
            ReceiveError::Reset => Self::Reset,
        }
    }
}
