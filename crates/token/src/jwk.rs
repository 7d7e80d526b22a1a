//! Keys, and sets of them (RFC 7517).

mod key;
mod member;

use serde_json::Value;
use thiserror::Error;

use crate::json;
pub(crate) use key::{Key, strip};
pub(crate) use member::{bytes, text};

/// Most that a key set may be, in bytes.
pub const MAX_KEY_SET: usize = 256 << 10;
/// Most keys that a set may have.
pub const MAX_KEYS: usize = 128;

/// What identifies a key of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyIdentity {
    /// Its `kid`.
    #[default]
    Id,
    /// Its `x5t`; of a token that has none, its `kid`.
    Thumbprint,
    /// Both, one after the other.
    Both,
}

/// Keys that tokens are verified with.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySet {
    identity: KeyIdentity,
    /// By their identity, which several may share.
    keys: Vec<(String, Key)>,
    /// How many keys of the document are not among them.
    left_out: usize,
}

/// Why a document is no key set. Nothing of it is quoted: it may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// It is too long to be looked at.
    #[error("is more than {MAX_KEY_SET} bytes")]
    TooLong,
    /// It is something else.
    #[error("is not a JSON object with a list called \"keys\", in which no member of an object is there twice")]
    NoKeySet,
    /// There are too many keys.
    #[error("has more than {MAX_KEYS} keys")]
    TooMany,
    /// There is no key that tokens can be verified with.
    #[error("has no key that a token can be verified with: RSA of 2048 to 8192 bits, P-256, P-384, Ed25519 or oct")]
    Empty,
}

impl KeySet {
    /// Reads a key set. Keys that cannot be used are left out, as RFC 7517 says (section 5): those of unknown types, those for
    /// encryption, and those that are broken.
    ///
    /// # Errors
    /// When it is not a key set, has too many keys, or none that can be used.
    pub fn read(document: &[u8], identity: KeyIdentity) -> Result<Self, KeySetError> {
        if document.len() > MAX_KEY_SET {
            return Err(KeySetError::TooLong);
        }
        let members = json::object(document).ok_or(KeySetError::NoKeySet)?;
        let Some(Value::Array(list)) = members.get("keys") else { return Err(KeySetError::NoKeySet) };
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<_> = list
            .iter()
            .filter_map(|member| {
                let member = member.as_object()?;
                Some((member::identity(member, identity), Key::read(member)?))
            })
            .collect();
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        let left_out = list.len() - keys.len();
        Ok(Self { identity, keys, left_out })
    }

    /// What identifies a key.
    #[must_use]
    pub const fn identity(&self) -> KeyIdentity {
        self.identity
    }

    /// How many keys of the document are left out.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never true: a set without keys is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key has this identity.
    #[must_use]
    pub fn has(&self, identity: &str) -> bool {
        self.named(identity).next().is_some()
    }

    pub(crate) fn named<'a>(&'a self, identity: &'a str) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |(own, _)| own == identity).map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests;
