//! What a client says it holds.

use bytes::{Buf as _, Bytes};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

use crate::wire::{malformed, take, text};

/// Names and their versions, in the order of names. After a restart of a control plane each client of a large fleet lists thousands, so they stay
/// parts of the request, and are neither copied nor put into a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held(Vec<(Bytes, Bytes)>);

impl Held {
    /// Reads the entries of a map of strings (Protocol Buffers, maps). Of entries with one name the last counts.
    ///
    /// # Errors
    /// An entry is none.
    pub(super) fn of_entries(entries: Vec<Bytes>) -> Result<Self, DecodeError> {
        let mut held = entries.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let in_order = held.is_sorted_by(|(one, _), (other, _)| one < other);
        if !in_order {
            // Stable: the last of those with one name is last.
            held.sort_by(|(one, _), (other, _)| one.cmp(other));
            held.reverse();
            held.dedup_by(|(one, _), (other, _)| one == other);
            held.reverse();
        }
        Ok(Self(held))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name.as_bytes())).is_ok()
    }

    /// Bytes of all names and versions.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, version)| name.len() + version.len()).sum()
    }

    /// The length of the longest name or version.
    pub(super) fn longest(&self) -> usize {
        self.0.iter().map(|(name, version)| name.len().max(version.len())).max().unwrap_or_default()
    }

    /// Names and versions, in the order of names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, version)| (&**name, &**version))
    }
}

impl FromIterator<(String, String)> for Held {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut held: Vec<(Bytes, Bytes)> =
            pairs.into_iter().map(|(name, version)| (name.into(), version.into())).collect();
        held.sort();
        Self(held)
    }
}

fn entry(mut entry: Bytes) -> Result<(Bytes, Bytes), DecodeError> {
    let (mut name, mut version) = (Bytes::new(), Bytes::new());
    while entry.has_remaining() {
        let (tag, kind) = decode_key(&mut entry)?;
        match (tag, kind) {
            (1 | 2, WireType::LengthDelimited) => {
                let payload = take(&mut entry).map_err(|_| no_map())?;
                text(&payload).map_err(|_| no_map())?;
                if tag == 1 { name = payload } else { version = payload }
            }
            (1 | 2, _) => return Err(no_map()),
            _ => skip_field(kind, tag, &mut entry, DecodeContext::default())?,
        }
    }
    Ok((name, version))
}

fn no_map() -> DecodeError {
    malformed("initial_resource_versions: it is no map of strings")
}

#[cfg(test)]
mod tests;
