//! Why a body ends before its end.

use backstay_upstream as upstream;
use thiserror::Error;

/// Why a body ends before its end.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    #[error("the client failed: {0}")]
    Peer(#[from] hyper::Error),
    #[error("the client's stream failed: {0}")]
    Stream(#[from] h2::Error),
    #[error("the endpoint failed: {0}")]
    Endpoint(#[from] upstream::Error),
    #[error("a timeout of the route or the backend has passed")]
    Timeout,
    #[error("nobody needs the rest")]
    Abandoned,
}
