use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use backstay_proto::discovery::Node;
use tokio::sync::watch;
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Status};

use super::{Event, StreamId};
use crate::Snapshot;

/// Who may subscribe to what, and who wants to know what happened.
///
/// Both methods are called from the tasks that serve the streams, so they must not block.
pub trait Source: Send + Sync + 'static {
    /// The snapshots a node gets, latest wins, or why it gets none.
    ///
    /// Called once for each stream, with the node of its first request. Refuse with [`Refused::unavailable`] for as long as
    /// the snapshot is not complete: an empty first snapshot tells every reconnecting client to drop what it holds. When
    /// the sender of the watch is dropped, the stream ends with `UNAVAILABLE` and the client reconnects.
    fn subscribe(&self, node: &Node, peer: Peer) -> Result<watch::Receiver<Snapshot>, Refused>;

    /// Told everything that happens on a stream, in order.
    fn observe(&self, stream: StreamId, event: Event);
}

/// Who is at the other end of a stream. Cheap to clone.
#[derive(Clone, Default)]
pub struct Peer {
    address: Option<SocketAddr>,
    request: Arc<(MetadataMap, Extensions)>,
}

impl Peer {
    /// A peer known by its address, the headers of its call, and what the transport attached to it.
    pub fn new(address: Option<SocketAddr>, metadata: MetadataMap, extensions: Extensions) -> Self {
        Self { address, request: Arc::new((metadata, extensions)) }
    }

    /// Its address, if the connection is one that tonic knows the address of; otherwise see [`extensions`](Self::extensions).
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The headers of the call: credentials are here.
    pub fn metadata(&self) -> &MetadataMap {
        &self.request.0
    }

    /// What the transport attached: the `ConnectInfo` of the accepted connection, with verified certificates for instance.
    pub fn extensions(&self) -> &Extensions {
        &self.request.1
    }
}

impl fmt::Debug for Peer {
    /// The address only: headers hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("address", &self.address).finish_non_exhaustive()
    }
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

    /// The credentials are missing or wrong.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, message)
    }

    /// The credentials are good, but not for this node or its cluster.
    pub fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, message)
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
