//! A store without a disk that forgets: what has not been written for a while, and the oldest of what there is too much of.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::{self, BoxFuture};

use crate::{
    CommitError, Committed, Expect, History, Key, Limits, Memory, Operation, Prefix, ReadError, Retention, Revision,
    Snapshot, Stats, Store, Watch, WatchError, Write,
};

#[cfg(test)]
mod tests;

/// How much a [`Transient`] keeps, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most objects. Default 10,000.
    pub objects: usize,
    /// The most bytes of their keys and values. Default 16 MiB.
    pub bytes: usize,
    /// How long an object stays after it was last written. Default 1 hour, as Kubernetes has it of events.
    pub age: Duration,
    /// The largest value, in bytes. Default 64 KiB.
    pub value_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { objects: 10_000, bytes: 16 << 20, age: Duration::from_secs(3600), value_bytes: 64 << 10 }
    }
}

/// What a [`Transient`] has forgotten, by the bound that it met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// There were too many objects.
    pub objects: u64,
    /// They had too many bytes.
    pub bytes: u64,
    /// It was old.
    pub age: u64,
}

/// A [`Store`] that keeps within [`Bounds`]. What it forgets, watches are told of as any other deletion.
///
/// Its revisions begin with the microseconds since 1970, so that those of an earlier process are in its past: whoever watches from one
/// of these is told that it is too old, and lists again.
#[derive(Debug)]
pub struct Transient {
    memory: Memory,
    bounds: Bounds,
    kept: Mutex<Kept>,
    forgotten: [AtomicU64; 3],
}

/// What there is, and since when.
#[derive(Debug, Default)]
struct Kept {
    /// The writes that are not known to be outdated, oldest first.
    order: VecDeque<(Instant, Revision, Key)>,
    /// The last write of each object, and its bytes.
    last: HashMap<Key, (Revision, usize)>,
    bytes: usize,
}

/// Which bound made room.
#[derive(Debug, Clone, Copy)]
enum Bound {
    Objects,
    Bytes,
    Age,
}

impl Transient {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let begin = u64::try_from(since.as_micros()).unwrap_or_default();
        let limits = Limits { value_bytes: bounds.value_bytes, ..Limits::default() };
        // Every object comes and goes: what a watch that keeps up has not been told of yet is there.
        let history = History { events: bounds.objects.saturating_mul(2).saturating_add(1024), bytes: bounds.bytes };
        let memory = Memory::beginning(begin, limits, history, Retention::default());
        Self { memory, bounds, kept: Mutex::default(), forgotten: Default::default() }
    }

    /// [`Store::commit`], done when it returns.
    ///
    /// # Errors
    /// As of that.
    pub fn write(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        self.commit_at(writes, Instant::now())
    }

    /// Forgets what is too old at `now`, and says when the next will be.
    pub fn expire(&self, now: Instant) -> Option<Instant> {
        let mut kept = self.lock();
        let age = self.bounds.age;
        while let Some((at, ..)) = kept.oldest() {
            if now.saturating_duration_since(at) < age {
                return Some(at + age);
            }
            self.forget_oldest(&mut kept, Bound::Age);
        }
        None
    }

    /// The bytes of keys and values of what there is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// How much has been forgotten.
    #[must_use]
    pub fn forgotten(&self) -> Forgotten {
        let [objects, bytes, age] = self.forgotten.each_ref().map(|count| count.load(Ordering::Relaxed));
        Forgotten { objects, bytes, age }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a commit at `now`, and makes room for it. One at a time, so that what is kept is what there is.
    fn commit_at(&self, writes: Vec<Write>, now: Instant) -> Result<Committed, CommitError> {
        let mut kept = self.lock();
        let puts: Vec<bool> = writes
            .iter()
            .filter(|write| write.operation != Operation::Guard)
            .map(|write| matches!(write.operation, Operation::Put(_)))
            .collect();
        let committed = self.memory.commit_now(writes)?;
        for (entry, put) in committed.entries.iter().zip(puts) {
            if put {
                let bytes = entry.key.as_str().len() + entry.value.len();
                kept.put(&entry.key, entry.modified, bytes, now);
            } else {
                kept.remove(&entry.key);
            }
        }
        while kept.last.len() > self.bounds.objects {
            self.forget_oldest(&mut kept, Bound::Objects);
        }
        while kept.bytes > self.bounds.bytes {
            self.forget_oldest(&mut kept, Bound::Bytes);
        }
        Ok(committed)
    }

    fn forget_oldest(&self, kept: &mut Kept, bound: Bound) {
        let Some((_, revision, key)) = kept.oldest() else { return };
        kept.remove(&key);
        let write = Write { key, expect: Expect::Modified(revision), operation: Operation::Delete };
        // Nobody else writes: it is as it was noted.
        if self.memory.commit_now(vec![write]).is_ok() {
            self.forgotten[bound as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Kept {
    fn put(&mut self, key: &Key, revision: Revision, bytes: usize, now: Instant) {
        self.remove(key);
        self.last.insert(key.clone(), (revision, bytes));
        self.bytes += bytes;
        self.order.push_back((now, revision, key.clone()));
        // An object that is written again and again leaves a place behind each time.
        if self.order.len() > 2 * self.last.len() + 64 {
            let Self { order, last, .. } = self;
            order.retain(|(_, revision, key)| last.get(key).is_some_and(|(current, _)| current == revision));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some((_, bytes)) = self.last.remove(key) {
            self.bytes -= bytes;
        }
    }

    /// The object that has not been written for the longest time.
    fn oldest(&mut self) -> Option<(Instant, Revision, Key)> {
        while let Some((_, revision, key)) = self.order.front() {
            if self.last.get(key).is_some_and(|(current, _)| current == revision) {
                return self.order.front().cloned();
            }
            self.order.pop_front();
        }
        None
    }
}

impl Store for Transient {
    fn snapshot(&self) -> Snapshot {
        self.memory.snapshot()
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.memory.snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        self.memory.read()
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(future::lazy(move |_| self.write(writes)))
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.memory.watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.memory.limits()
    }

    fn stats(&self) -> Stats {
        self.memory.stats()
    }
}
