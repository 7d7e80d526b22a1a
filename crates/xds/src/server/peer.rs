use std::net::SocketAddr;
use std::sync::Arc;

use backstay_proto::discovery::Node;

/// Who is at the other end of a stream.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// What it says of itself, in the first request of the stream.
    pub node: Node,
    /// The other end of the connection, where the transport knows its address.
    pub address: Option<SocketAddr>,
    /// Who it has proved to be; nobody, where nothing authenticates.
    pub identity: Option<Identity>,
}

/// The name that a peer has proved to have. Whatever authenticates requests puts it into their extensions; the service takes
/// it from there, and believes nothing that a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(Arc<str>);

impl Identity {
    /// A name that has been proved.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}
