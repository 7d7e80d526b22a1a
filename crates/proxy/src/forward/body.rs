//! Bodies on their way through: read only as fast as the other side takes them.

mod answer;
mod request;
mod silence;

use thiserror::Error;

pub(super) use answer::Answer;
pub(crate) use answer::Body;
pub(crate) use request::RequestBody;
pub(super) use silence::Silence;

use super::failure::{Failure, REMOTE_RESET};

/// Why a body ends before its end.
#[derive(Debug, Error)]
pub(crate) enum BodyError {
    #[error("the other side failed: {0}")]
    Peer(#[from] hyper::Error),
    #[error("the other side reset the stream")]
    Reset,
    #[error("a timeout of the route or the backend has passed")]
    Timeout,
    #[error("nobody needs the rest")]
    Abandoned,
}

impl BodyError {
    /// How an endpoint fails that breaks off its answer. `closed` says that the connection is gone with it.
    fn failure(&self, closed: bool) -> Failure {
        match self {
            Self::Peer(error) => Failure::of(error, closed),
            Self::Reset | Self::Timeout | Self::Abandoned => Failure::Reset(REMOTE_RESET),
        }
    }
}
