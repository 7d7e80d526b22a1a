use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryResponse, DiscoveryResponse};
use bytes::{Bytes, BytesMut};
use prost::{DecodeError, Message};

use super::StreamId;
use crate::Variant;
use crate::wire::{field_len, put_field};

/// A response of either variant, encoded but for what is its own. The rest is shared by all streams that send the same.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) type_url: Arc<str>,
    pub(super) nonce: Arc<str>,
    pub(super) variant: Variant,
    pub(super) version: Version,
    /// The resources.
    pub(super) body: Bytes,
    pub(super) removed: Arc<[Arc<str>]>,
}

/// Identifies a response on its stream.
pub(super) fn nonce(stream: StreamId, number: u64) -> Arc<str> {
    let mut text = Digits::default();
    text.put(number, 16, 1);
    text.put_byte(b'-');
    text.put(stream.0, 16, 1);
    // Digits, and a dash.
    std::str::from_utf8(text.get()).unwrap_or_default().into()
}

/// A text of digits that is written from its end, without an allocation.
struct Digits {
    text: [u8; 40],
    at: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { text: [0; 40], at: 40 }
    }
}

impl Digits {
    fn put_byte(&mut self, byte: u8) {
        self.at -= 1;
        self.text[self.at] = byte;
    }

    /// A number to a base of 16 at most, in as many digits at least.
    fn put(&mut self, mut number: u64, base: u64, mut least: usize) {
        while number > 0 || least > 0 {
            let digit = usize::try_from(number % base).unwrap_or_default();
            self.put_byte(b"0123456789abcdef"[digit]);
            number /= base;
            least = least.saturating_sub(1);
        }
    }

    fn get(&self) -> &[u8] {
        &self.text[self.at..]
    }
}

/// What a response says of its version.
#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    /// Incremental: the revision, for people who read a dump.
    Revision(u64),
    /// State of the world: that of the type.
    Content(u128),
}

impl Version {
    fn digits(self) -> Digits {
        let mut digits = Digits::default();
        match self {
            Self::Revision(revision) => digits.put(revision, 10, 1),
            #[allow(clippy::cast_possible_truncation, reason = "one half, and then the other")]
            Self::Content(hash) => {
                digits.put(hash as u64, 16, 16);
                digits.put((hash >> 64) as u64, 16, 16);
            }
        }
        digits
    }
}

/// A gRPC message begins with whether it is compressed, which it is not, and its length.
const PREFIX: usize = 5;

/// Up to this size the resources are copied behind what is the response's own: one frame is cheaper than two.
const COPIED: usize = 8 << 10;

impl Response {
    /// The gRPC message, in one piece or two.
    pub(super) fn frames(&self) -> (Bytes, Option<Bytes>) {
        let version = self.version.digits();
        let removed = if self.variant == Variant::Incremental { &*self.removed } else { &[] };
        let texts = [version.get(), self.type_url.as_bytes(), self.nonce.as_bytes()];
        let own = texts.into_iter().chain(removed.iter().map(|name| name.as_bytes()));
        let own: usize = own.map(|text| field_len(text.len())).sum();
        let copied = if self.body.len() <= COPIED { self.body.len() } else { 0 };
        let mut buffer = Vec::with_capacity(PREFIX + own + copied);
        // Resources of more than 4 GiB would have been refused long before.
        let length = u32::try_from(own + self.body.len()).unwrap_or(u32::MAX);
        buffer.push(0);
        buffer.extend_from_slice(&length.to_be_bytes());
        for (number, text) in [1, 4, 5].into_iter().zip(texts) {
            put_field(&mut buffer, number, text);
        }
        removed.iter().for_each(|name| put_field(&mut buffer, 6, name.as_bytes()));
        if copied == self.body.len() {
            buffer.extend_from_slice(&self.body);
            return (buffer.into(), None);
        }
        (buffer.into(), Some(self.body.clone()))
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
