//! What is where in etcd, and how it is kept there.

use std::sync::Arc;

use backstay_proto::etcd::mvccpb::KeyValue;
use backstay_seal::{Keys as SealKeys, UnsealError, key_name, unseal};
use bytes::Bytes;

use super::txn::revision;
use crate::value::{Bases, Value};
use crate::{CommitError, Entry, EtcdError, Key, Operation, Unavailable, Write};

/// The keys of a store below its prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// What objects are sealed with, each for its key in etcd.
    seal: Option<SealKeys>,
    /// Whether they are written as they are nevertheless.
    writes_plain: bool,
    objects: String,
    lanes: String,
    /// Put by every commit: the revision that last changed it is that of the newest commit.
    pub(super) newest: Bytes,
    /// The revision up to which the past may be forgotten; its version is the clock of those who compact.
    pub(super) compacted: Bytes,
    shared: String,
    words: String,
    /// Put by the process that leads, under its lease.
    pub(super) leader: Bytes,
}

/// An object that is kept sealed cannot be unsealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) key: Key,
    why: UnsealError,
}

impl From<Unreadable> for EtcdError {
    fn from(Unreadable { key, why }: Unreadable) -> Self {
        Self::new("", format!("{key}: {why}"))
    }
}

impl Keys {
    pub(super) fn new(prefix: &str, seal: Option<SealKeys>) -> Self {
        Self {
            seal,
            writes_plain: false,
            objects: format!("{prefix}/objects/"),
            lanes: format!("{prefix}/lanes/"),
            newest: format!("{prefix}/newest").into(),
            compacted: format!("{prefix}/compacted").into(),
            shared: format!("{prefix}/shared/"),
            words: format!("{prefix}/shared/words/"),
            leader: format!("{prefix}/shared/leader").into(),
        }
    }

    /// The same, which writes objects as they are, and reads what is sealed.
    pub(super) fn plain(self) -> Self {
        Self { writes_plain: true, ..self }
    }

    /// Whether an object is kept as it would be written now: sealed with the first key, or not at all.
    pub(super) fn is_current(&self, kept: &KeyValue) -> bool {
        let first = self.sealing().and_then(|keys| keys.names().into_iter().next());
        key_name(&kept.value) == first.unwrap_or_default()
    }

    /// What is written is sealed with these.
    fn sealing(&self) -> Option<&SealKeys> {
        self.seal.as_ref().filter(|_| !self.writes_plain)
    }

    pub(super) fn object(&self, key: &Key) -> Bytes {
        format!("{}{key}", self.objects).into()
    }

    /// The object that is kept there, if one is.
    pub(super) fn parse(&self, key: &[u8]) -> Option<Key> {
        Key::parse(std::str::from_utf8(key).ok()?.strip_prefix(&self.objects)?)
    }

    /// An object, of what etcd keeps of it.
    pub(super) fn entry(&self, key: Key, kept: &KeyValue) -> Result<Arc<Entry>, Unreadable> {
        self.read(key, kept, |_, value| value.into())
    }

    /// An object that stays in memory, of what etcd keeps of it.
    pub(super) fn lasting(&self, bases: &mut Bases, key: Key, kept: &KeyValue) -> Result<Arc<Entry>, Unreadable> {
        self.read(key, kept, |key, value| bases.keep(key, value))
    }

    fn read(
        &self,
        key: Key,
        kept: &KeyValue,
        keep: impl FnOnce(&Key, Bytes) -> Value,
    ) -> Result<Arc<Entry>, Unreadable> {
        // Whatever is kept has a key in UTF-8: it was parsed.
        let place = std::str::from_utf8(&kept.key).unwrap_or_default();
        let value = match unseal(self.seal.as_ref(), place, &kept.value) {
            Ok(unsealed) => unsealed.map_or_else(|| kept.value.clone(), Bytes::from),
            Err(why) => return Err(Unreadable { key, why }),
        };
        let value = keep(&key, value);
        let (created, modified) = (revision(kept.create_revision), revision(kept.mod_revision));
        Ok(Arc::new(Entry { key, value, created, modified }))
    }

    /// Writes as they are kept.
    pub(super) fn sealed(&self, writes: &[Write]) -> Result<Vec<Write>, CommitError> {
        let Some(keys) = self.sealing() else { return Ok(writes.to_vec()) };
        let sealed = |write: &Write| {
            let mut write = write.clone();
            if let Operation::Put(value) = &mut write.operation {
                let place = format!("{}{}", self.objects, write.key);
                let kept = keys.seal(&place, value).map_err(|error| EtcdError::new("", error.to_string()));
                *value = kept.map_err(|error| CommitError::Unavailable(Unavailable::Etcd(error)))?.into();
            }
            Ok(write)
        };
        writes.iter().map(sealed).collect()
    }

    pub(super) fn lane(&self, process: &str, lane: usize) -> Bytes {
        format!("{}{process}/{lane}", self.lanes).into()
    }

    /// All objects: the first key, and the one after the last.
    pub(super) fn all_objects(&self) -> (Bytes, Bytes) {
        range(&self.objects)
    }

    /// What a process tells the others under a name.
    pub(super) fn word(&self, process: &str, name: &str) -> Bytes {
        format!("{}{process}/{name}", self.words).into()
    }

    /// The process, and the name, of something told.
    pub(super) fn parse_word<'k>(&self, key: &'k [u8]) -> Option<(&'k str, &'k str)> {
        std::str::from_utf8(key).ok()?.strip_prefix(&self.words)?.split_once('/')
    }

    /// All that processes tell, and who leads.
    pub(super) fn all_shared(&self) -> (Bytes, Bytes) {
        range(&self.shared)
    }

    /// All lanes of all processes.
    pub(super) fn all_lanes(&self) -> (Bytes, Bytes) {
        range(&self.lanes)
    }
}

/// Both end with a slash, and what comes after all that begin so has the character after it in its place.
fn range(prefix: &str) -> (Bytes, Bytes) {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    (prefix.to_owned().into(), end.into())
}
