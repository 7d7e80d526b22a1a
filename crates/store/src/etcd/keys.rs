//! What is where in etcd.

use bytes::Bytes;

use crate::Key;

/// The keys of a store below its prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
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

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            objects: format!("{prefix}/objects/"),
            lanes: format!("{prefix}/lanes/"),
            newest: format!("{prefix}/newest").into(),
            compacted: format!("{prefix}/compacted").into(),
            shared: format!("{prefix}/shared/"),
            words: format!("{prefix}/shared/words/"),
            leader: format!("{prefix}/shared/leader").into(),
        }
    }

    pub(super) fn object(&self, key: &Key) -> Bytes {
        format!("{}{key}", self.objects).into()
    }

    /// The object that is kept there, if one is.
    pub(super) fn parse(&self, key: &[u8]) -> Option<Key> {
        Key::parse(std::str::from_utf8(key).ok()?.strip_prefix(&self.objects)?)
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
