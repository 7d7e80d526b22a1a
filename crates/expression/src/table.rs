//! Texts by texts.

use std::collections::HashMap;

use bytes::Bytes;

/// Texts by texts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table(HashMap<Box<[u8]>, Bytes>);

impl Table {
    /// The value of `key`, which must be equal byte by byte.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Bytes> {
        self.0.get(key)
    }

    /// Whether it has `key`.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.0.contains_key(key)
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Box<[u8]>>, V: Into<Bytes>> FromIterator<(K, V)> for Table {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}
