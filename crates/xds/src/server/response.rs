use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryResponse, DiscoveryResponse};
use bytes::{BufMut, Bytes, BytesMut};
use prost::{DecodeError, Message};

use crate::Variant;
use crate::wire::put_field;

/// A response of either variant, encoded but for what is its own. The rest is shared by all streams that send the same.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) type_url: Arc<str>,
    pub(super) nonce: Arc<str>,
    pub(super) variant: Variant,
    /// State of the world: the version of the type. Incremental: the revision, for people who read a dump.
    pub(super) version: String,
    /// The resources.
    pub(super) body: Bytes,
    pub(super) removed: Arc<[Arc<str>]>,
}

/// A gRPC message begins with whether it is compressed, which it is not, and its length.
const PREFIX: usize = 5;

/// Up to this size the resources are copied behind what is the response's own: one frame is cheaper than two.
const COPIED: usize = 8 << 10;

impl Response {
    /// The gRPC message, in one piece or two.
    pub(super) fn frames(&self) -> (Bytes, Option<Bytes>) {
        let own = PREFIX + 64 + self.version.len() + self.type_url.len() + self.nonce.len();
        let removed: usize = self.removed.iter().map(|name| name.len() + 4).sum();
        let copied = if self.body.len() <= COPIED { self.body.len() } else { 0 };
        let mut buffer = BytesMut::with_capacity(own + removed + copied);
        buffer.put_bytes(0, PREFIX);
        put_field(&mut buffer, 1, self.version.as_bytes());
        put_field(&mut buffer, 4, self.type_url.as_bytes());
        put_field(&mut buffer, 5, self.nonce.as_bytes());
        if self.variant == Variant::Incremental {
            self.removed.iter().for_each(|name| put_field(&mut buffer, 6, name.as_bytes()));
        }
        let length = buffer.len() - PREFIX + self.body.len();
        // Resources of more than 4 GiB would have been refused long before.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        buffer[1..PREFIX].copy_from_slice(&length.to_be_bytes());
        if copied == self.body.len() {
            buffer.put_slice(&self.body);
            return (buffer.freeze(), None);
        }
        (buffer.freeze(), Some(self.body.clone()))
    }

    /// As a client of the incremental variant reads it.
    ///
    /// # Errors
    /// It is of the other variant.
    pub fn incremental(&self) -> Result<DeltaDiscoveryResponse, DecodeError> {
        DeltaDiscoveryResponse::decode(self.message())
    }

    /// As a client of state of the world reads it.
    ///
    /// # Errors
    /// It is of the other variant.
    pub fn state_of_the_world(&self) -> Result<DiscoveryResponse, DecodeError> {
        DiscoveryResponse::decode(self.message())
    }

    fn message(&self) -> Bytes {
        let (head, body) = self.frames();
        let mut message = BytesMut::from(&head[PREFIX..]);
        message.extend_from_slice(&body.unwrap_or_default());
        message.freeze()
    }
}
