use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::Variant;
use crate::wire::{field_len, put_field, put_head};

/// One named, versioned, already encoded message.
#[derive(Clone, Debug)]
pub struct Resource {
    name: Arc<str>,
    version: Arc<str>,
    value: Bytes,
    dependent: Option<Arc<str>>,
    encoded: Encoded,
}

/// A resource as responses carry it, in both variants: the incremental one says name and version and then, in a field of the same
/// number, all that state of the world says. So one buffer serves both, and the value is a part of it, too.
#[derive(Clone, Debug, Default)]
struct Encoded {
    whole: Bytes,
    /// Where the part begins that state of the world sends.
    any: usize,
}

/// Whether it is encoded yet makes no difference.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.version, &self.value) == (&other.name, &other.version, &other.value)
    }
}

impl Eq for Resource {}

impl Resource {
    /// A resource whose version is the XXH3-128 of `value`, in 32 hexadecimal digits: equal on every replica and after
    /// every restart, as long as the encoding of `value` is deterministic. That is what makes a reconnect cost nothing.
    pub fn new(name: impl Into<Arc<str>>, value: Bytes) -> Self {
        let version = format!("{:032x}", xxh3_128(&value)).into();
        Self { name: name.into(), version, value, dependent: None, encoded: Encoded::default() }
    }

    /// A resource that somebody else has given its version, which is passed on as it is.
    pub fn versioned(name: impl Into<Arc<str>>, version: impl Into<Arc<str>>, value: Bytes) -> Self {
        Self { name: name.into(), version: version.into(), value, dependent: None, encoded: Encoded::default() }
    }

    /// Names the resource of another type that clients have to hear of again after this one: see
    /// [`TypeRule::resend_after`](crate::server::TypeRule::resend_after). Without it, that is the one of the same name.
    #[must_use]
    pub fn with_dependent(mut self, name: impl Into<Arc<str>>) -> Self {
        self.dependent = Some(name.into());
        self
    }

    /// The name, unique within its type. Opaque to the protocol.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The version. Opaque: only equality means anything.
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// The encoded message, without the `Any` around it.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// What is sent again after this one.
    pub(crate) fn dependent(&self) -> &Arc<str> {
        self.dependent.as_ref().unwrap_or(&self.name)
    }

    /// The resource as one of this type, encoded for responses once for all streams.
    pub(crate) fn encoded(mut self, type_url: &str) -> Self {
        let any_len = field_len(type_url.len()) + field_len(self.value.len());
        let len = field_len(self.version.len()) + field_len(self.name.len()) + field_len(any_len);
        let mut buffer = BytesMut::with_capacity(field_len(len));
        put_head(&mut buffer, 2, len);
        put_field(&mut buffer, 1, self.version.as_bytes());
        put_field(&mut buffer, 3, self.name.as_bytes());
        let any = buffer.len();
        put_head(&mut buffer, 2, any_len);
        put_field(&mut buffer, 1, type_url.as_bytes());
        put_head(&mut buffer, 2, self.value.len());
        let value = buffer.len();
        buffer.put_slice(&self.value);
        let whole = buffer.freeze();
        self.value = whole.slice(value..);
        self.encoded = Encoded { whole, any };
        self
    }

    /// The field of a response that carries it. Empty unless it is of a snapshot.
    pub(crate) fn field(&self, variant: Variant) -> Bytes {
        match variant {
            Variant::Incremental => self.encoded.whole.clone(),
            Variant::StateOfTheWorld => self.encoded.whole.slice(self.encoded.any..),
        }
    }

    /// How many bytes the resource takes in a response.
    pub(crate) fn field_len(&self, variant: Variant) -> usize {
        match variant {
            Variant::Incremental => self.encoded.whole.len(),
            Variant::StateOfTheWorld => self.encoded.whole.len() - self.encoded.any,
        }
    }

    /// A hash of name and version, to be added to those of others.
    pub(crate) fn digest(&self) -> u128 {
        let mut hash = Xxh3::new();
        hash.update(self.name.as_bytes());
        hash.update(&[0]);
        hash.update(self.version.as_bytes());
        hash.digest128()
    }
}

/// One step from a snapshot to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceChange {
    /// Creates or replaces the resource of that name.
    Put(Resource),
    /// Deletes the resource of that name. Nothing happens if there is none.
    Remove(Arc<str>),
}
