//! An encoded object in memory.
//!
//! Objects of a resource are mostly alike: of one manager, with the same fields, owners and conditions. So a store keeps few of
//! them whole, and of the others a `delta`: what differs from one of those, its base. Readers get copies of the whole.

mod bases;
mod delta;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::bases::Bases;
use self::delta::Delta;

#[cfg(test)]
mod tests;

/// An encoded object, opaque to the store. Equal to what has the same bytes, however it is kept; its debug output shows how many
/// there are.
#[derive(Clone)]
pub struct Value(Form);

#[derive(Clone)]
enum Form {
    Whole(Bytes),
    /// What differs from a base; nothing, where this is the base itself.
    Told(Arc<Bytes>, Option<Delta>),
}

impl Value {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Whole(whole) => whole.len(),
            Form::Told(base, None) => base.len(),
            Form::Told(_, Some(delta)) => delta.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object: a copy of it unless it is kept whole.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Form::Whole(whole) => Cow::Borrowed(whole),
            Form::Told(base, None) => Cow::Borrowed(base),
            Form::Told(..) => Cow::Owned(self.copied()),
        }
    }

    /// Adds the object to what there is.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Whole(whole) => out.extend_from_slice(whole),
            Form::Told(base, None) => out.extend_from_slice(base),
            Form::Told(base, Some(delta)) => delta.apply(base, out),
        }
    }

    /// The object, by itself.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Form::Whole(whole) => whole.clone(),
            Form::Told(base, None) => Bytes::clone(base),
            Form::Told(..) => self.copied().into(),
        }
    }

    fn copied(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(self.len());
        self.copy_to(&mut copy);
        copy
    }
}

impl<T: Into<Bytes>> From<T> for Value {
    fn from(whole: T) -> Self {
        Self(Form::Whole(whole.into()))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for Value {}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Value {
    fn eq(&self, other: &T) -> bool {
        *self.bytes() == *other.as_ref()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.len())
    }
}
