//! Values and objects.

use std::cmp::Ordering;

use bytes::Bytes;

use super::slice::Slice;

/// A value of a document.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as the literal that was received.
    Number(Bytes),
    /// A text. It is UTF-8 unless it was taken from a body that says nothing of its encoding.
    String(Bytes),
    /// Values in their order.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
    /// An object that is written in the order that its members have, and into which neither paths nor operations lead: an answer's
    /// error, an item of a feed.
    Record(Vec<(Bytes, Value)>),
    /// A value of a document that was received, not opened.
    Slice(Slice),
}

/// An object: members with different names, in the order of the names' bytes.
#[derive(Clone, Debug)]
pub(crate) struct Object(Repr);

#[derive(Clone, Debug)]
enum Repr {
    /// An object of a document that was received, not opened.
    Slice(Slice),
    Members(Vec<(Bytes, Value)>),
}

// === impl Value ===

impl Value {
    /// The value, opened one level: never a slice, though what is directly in it may be.
    pub(crate) fn open(self) -> Self {
        match self {
            Self::Slice(slice) => slice.open(),
            other => other,
        }
    }

    fn held_bytes(&self) -> usize {
        match self {
            Self::Slice(slice) => slice.document_bytes(),
            Self::Object(object) => object.held_bytes(),
            _ => 0,
        }
    }

    /// The value as an object, if it is one.
    pub(crate) fn into_object(self) -> Option<Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Slice(slice) if slice.is_object() => Some(Object::from_slice(slice)),
            _ => None,
        }
    }

    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::String(text.into().into())
    }
}

// === impl Object ===

impl Object {
    /// Without members.
    pub(crate) const fn empty() -> Self {
        Self(Repr::Members(Vec::new()))
    }

    /// With one member.
    pub(crate) fn single(name: impl Into<Bytes>, value: Value) -> Self {
        Self(Repr::Members(vec![(name.into(), value)]))
    }

    /// An object that was received. The slice is one of an object.
    pub(crate) fn from_slice(slice: Slice) -> Self {
        Self(Repr::Slice(slice))
    }

    /// Whether it has no members.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Slice(slice) => slice.is_empty(),
            Repr::Members(members) => members.is_empty(),
        }
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Value> {
        match &self.0 {
            Repr::Slice(slice) => Self::from_sorted(slice.members()).get(name),
            Repr::Members(members) => {
                let at = members.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
                members.get(at).map(|(_, value)| value.clone())
            }
        }
    }

    /// How many bytes were received of which it holds a part: those of the document, if it is one that was received. What was
    /// made of an answer besides is bounded by that.
    pub(crate) fn held_bytes(&self) -> usize {
        match &self.0 {
            Repr::Slice(slice) => slice.document_bytes(),
            Repr::Members(members) => members.iter().map(|(_, value)| value.held_bytes()).max().unwrap_or_default(),
        }
    }

    /// The members, in the order of their names.
    pub(crate) fn into_members(self) -> Vec<(Bytes, Value)> {
        match self.0 {
            Repr::Slice(slice) => slice.members(),
            Repr::Members(members) => members,
        }
    }

    /// What it is, as far as it has been opened.
    pub(crate) fn parts(&self) -> Parts<'_> {
        match &self.0 {
            Repr::Slice(slice) => Parts::Slice(slice),
            Repr::Members(members) => Parts::Members(members),
        }
    }

    /// This object with the members of `other`, which take the place of those with the same name.
    #[must_use]
    pub(crate) fn merged(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let (left, right) = (self.into_members(), other.into_members());
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some((a, _)), Some((b, _))) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Self(Repr::Members(merged)),
            };
            if order == Ordering::Less {
                merged.extend(left.next());
                continue;
            }
            if order == Ordering::Equal {
                left.next();
            }
            merged.extend(right.next());
        }
    }

    /// Members that are in order already, each name once.
    pub(crate) fn from_sorted(members: Vec<(Bytes, Value)>) -> Self {
        Self(Repr::Members(members))
    }
}

/// An object as far as it has been opened.
pub(crate) enum Parts<'a> {
    Slice(&'a Slice),
    Members(&'a [(Bytes, Value)]),
}

/// Of members with the same name, the last one counts.
impl FromIterator<(Bytes, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Bytes, Value)>>(members: I) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        if !members.is_sorted_by(|(a, _), (b, _)| a < b) {
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            // Sorting is stable, so the last of equal names is the last one given: it takes the place of those before it.
            members.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Self(Repr::Members(members))
    }
}
