use std::any::Any;
use std::fmt;
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
#[derive(Clone)]
pub struct Identity {
    name: Arc<str>,
    /// What whoever authenticates wants to tell the source beside the name.
    proof: Option<Arc<dyn Any + Send + Sync>>,
}

impl Identity {
    /// A name that has been proved.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), proof: None }
    }

    /// The same, with something for the [source](super::Source) to look at.
    #[must_use]
    pub fn with_proof(self, proof: Arc<dyn Any + Send + Sync>) -> Self {
        Self { proof: Some(proof), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What came with the name, if it is of this type.
    pub fn proof<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.proof.as_deref()?.downcast_ref()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.name).finish()
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Identity {}
