use tokio::sync::watch;
use tonic::{Code, Status};

use super::event::{Event, StreamId};
use super::peer::Peer;
use crate::Snapshot;

/// Who may subscribe to what, and who wants to know what happened.
///
/// Both methods are called from the tasks that serve the streams, so they must not block.
pub trait Source: Send + Sync + 'static {
    /// The snapshots a peer gets, latest wins, or why it gets none.
    ///
    /// Called once for each stream, with its first request: all types of a stream are of one snapshot, so that they fit
    /// together, and the first type that is asked for tells what the snapshot has to be made of. Refuse with
    /// [`Refused::unavailable`] for as long as the snapshot is not complete: an empty first snapshot tells every
    /// reconnecting client to drop what it holds. When the sender of the watch is dropped, the stream ends with
    /// `UNAVAILABLE` and the client reconnects.
    fn subscribe(&self, peer: &Peer, type_url: &str) -> Result<watch::Receiver<Snapshot>, Refused>;

    /// Told everything that happens on a stream, in order.
    fn observe(&self, stream: StreamId, event: Event);

    /// Told of each stream that was not opened. Default: nothing.
    fn refused(&self, refusal: Refusal) {
        let _ = refusal;
    }
}

/// Why a stream was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// See [`Options::max_streams`](super::Options::max_streams).
    TooMany,
    /// See [`Options::max_new_streams_a_second`](super::Options::max_new_streams_a_second).
    TooFast,
}

/// Why a node may not subscribe: a gRPC code, and a sentence that its operator can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    code: Code,
    message: String,
}

impl Refused {
    /// Refuses with any code. The client reconnects with backoff whatever it is.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code, refused.message)
    }
}
