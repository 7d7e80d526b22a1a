//! Documents.

use crate::read::{self, ReadError};

/// A JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(Box<str>),
    /// A text.
    String(Box<str>),
    /// Values in their order.
    Array(Vec<Self>),
    /// Members in the order of their names, each name once.
    Object(Vec<(Box<str>, Self)>),
}

impl Value {
    /// How deep a document may be nested: what is nested is read by a function that calls itself.
    pub const MAX_DEPTH: u32 = 256;

    /// How many values a document may have, names of members not counted.
    pub const MAX_VALUES: u32 = 1 << 18;

    /// Reads the first value of `text` as Go's `encoding/json` does: what follows it is not looked at, of members with one name the last
    /// counts, and what is no UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    /// When it is no JSON, or nested deeper or larger than is read.
    pub fn read(text: &[u8]) -> Result<Self, ReadError> {
        read::read(text)
    }

    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => member(members, name),
            _ => None,
        }
    }

    /// The text that it is.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// The member of that name.
pub(crate) fn member<'v>(members: &'v [(Box<str>, Value)], name: &str) -> Option<&'v Value> {
    let at = members.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
    members.get(at).map(|(_, value)| value)
}
