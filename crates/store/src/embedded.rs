//! The store in one file, on redb.
//!
//! Reads are answered from memory. Commits are queued; one thread takes all that are waiting, decides them in order, makes
//! them durable in one disk transaction, shows them to readers, and then acknowledges them. So a reader never sees what a
//! crash could take back, and many clients share the price of reaching the disk.
//!
//! A disk that refuses a write makes the waiting commits [`CommitError::Unavailable`] and leaves the view that readers
//! have. The thread tries again with later commits, at most once each [`Options::recovery_interval`].

mod disk;
mod medium;
mod options;
mod queue;
mod table;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::future::{self, BoxFuture};
use tokio::sync::oneshot;

use self::medium::{Location, Medium};
pub use self::options::Options;
use self::queue::{Queue, Request};
use self::writer::Writer;
use crate::published::Published;
use crate::stats::{Counters, Stats};
use crate::{
    CommitError, Committed, DiskError, Limits, OpenError, Prefix, ReadError, Revision, Snapshot, Store, Unavailable,
    Watch, WatchError, Write,
};

#[cfg(test)]
mod tests;

/// A [`Store`] in one file of this machine.
///
/// Dropping it finishes the commits that are queued, which blocks until the disk has them, ends all watches, and gives the
/// file free.
#[derive(Debug)]
pub struct Embedded {
    published: Arc<Published>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    limits: Limits,
    writer: Option<JoinHandle<()>>,
    /// Held as long as the store is open; the file of the store itself is closed and opened again to recover from errors.
    lock: Option<File>,
}

impl Embedded {
    /// Opens the store in the file `path`, or makes a new one there, with the directories that lead to it. What is made is
    /// readable by its owner alone. Beside it are a lock file, `PATH.lock`, and while a file is made, also to recover from a
    /// failed disk, `PATH.new`. Blocks while the file is read.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has it open, [`OpenError::Failed`] when it cannot be read or written, is
    /// not a store, or was written by an incompatible version.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (location, lock) = Location::claim(path)?;
        Self::start(Box::new(location), Some(lock), options)
            .map_err(|source| OpenError::Failed { path: path.to_owned(), source })
    }

    /// Writes the file `path` anew, with every value sealed by the first of [`Options::seal`], or with `plain` by none; says how many objects it has.
    /// The history that is kept is written anew as well, so that no other key is needed after that. After a crash
    /// the file is the old one or the new one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn rewrite(path: impl AsRef<Path>, options: &Options, plain: bool) -> Result<usize, OpenError> {
        let path = path.as_ref();
        let (location, lock) = Location::claim(path)?;
        let failed = |source: redb::Error| OpenError::Failed { path: path.to_owned(), source: source.into() };
        let count = disk::rewrite(&location, options, plain).map_err(failed)?;
        let _ = lock.unlock();
        Ok(count)
    }

    fn start(medium: Box<dyn Medium>, lock: Option<File>, options: Options) -> Result<Self, DiskError> {
        let (disk, loaded) = disk::open(&*medium, &options)?;
        let published =
            Published::new(loaded.snapshot, loaded.floor, loaded.records, options.history, options.retention);
        let published = Arc::new(published);
        let queue = Arc::new(Queue::new(&options));
        let counters = Arc::new(Counters::default());
        let writer = Writer::new(medium, disk, &options, &published, &queue, &counters, loaded.bases);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| DiskError::Thread(Arc::new(error)))?;
        Ok(Self { published, queue, counters, limits: options.limits, writer: Some(writer), lock })
    }

    async fn submit(&self, writes: Vec<Write>) -> Result<Committed, CommitError> {
        let bytes = self.limits.check(&writes)?;
        let (answer, answered) = oneshot::channel();
        self.queue.push(Request { writes, bytes, answer })?;
        answered.await.map_err(|_| CommitError::Unavailable(Unavailable::Closed))?
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.queue.close();
        if self.writer.take().is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the thread that writes the store had failed");
        }
        self.published.close();
        // Closing the file is not enough: a process that is being started at this moment holds a copy of its descriptor.
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }
}

impl Store for Embedded {
    fn snapshot(&self) -> Snapshot {
        self.published.snapshot()
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.published.snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        Box::pin(future::ready(Ok(self.snapshot())))
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(self.submit(writes))
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.published.watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn stats(&self) -> Stats {
        let (queue, queue_bytes) = self.queue.size();
        self.counters.stats(&self.published.snapshot(), self.published.extent(), queue, queue_bytes)
    }
}
