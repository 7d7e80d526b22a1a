//! A revisioned store of resources.
//!
//! One counter, the [`Revision`], orders everything that ever happened in a store. Every commit takes the next one, every
//! object carries the revision that last changed it, and a [`Watch`] replays what happened after a revision without gap or
//! duplicate. A commit returns after its writes are durable.
//!
//! # Layout
//!
//! - [`key`]: what an object is called.
//! - `entry`: an object as stored. `value`: how it is kept in memory. `write`: what a commit asks for. `event`: what happened, and following it.
//! - [`snapshot`]: an immutable view of all objects at one revision; reads never block writes.
//! - `transition`: the pure step from one view to the next: expectations are checked here.
//! - [`limits`]: how large a commit may be.
//! - [`log`]: the recent events, and the watches that follow them.
//! - `published`: what readers see: the newest view, the log, earlier views on demand.
//! - [`memory`]: the store without a disk.
//! - [`transient`]: one that forgets: what is old, and what there is too much of.
//! - [`embedded`]: the store in one file, on redb.
//! - [`etcd`]: the store on an etcd cluster, which several processes share.
//! - [`replicas`]: the processes that share a store, and which of them leads.
//! - `delegate`: a store that is another one, but for a little.
//! - [`origin`]: what a commit comes from, for whoever stands between it and the store.
//! - [`stats`]: what a store tells of itself, for metrics.

mod delegate;
pub mod embedded;
mod entry;
mod error;
pub mod etcd;
mod event;
pub mod key;
pub mod limits;
pub mod log;
pub mod memory;
pub mod origin;
mod published;
pub mod replicas;
pub mod snapshot;
pub mod stats;
pub mod transient;
mod transition;
mod value;
mod write;

use std::fmt;
use std::sync::Arc;

pub use backstay_seal::{Keys, KeysError};
use futures::future::BoxFuture;

pub use self::delegate::Delegate;
pub use self::embedded::{Embedded, Options};
pub use self::entry::{Entry, Revision};
pub use self::error::{CommitError, DiskError, EtcdError, OpenError, ReadError, RewriteError, Unavailable, WatchError};
pub use self::etcd::{Etcd, EtcdOptions};
pub use self::event::{Change, Event, Watch};
pub use self::key::{Key, Prefix};
pub use self::limits::Limits;
pub use self::log::History;
pub use self::memory::Memory;
pub use self::published::Retention;
pub use self::replicas::{Replicas, Term};
pub use self::snapshot::Snapshot;
pub use self::stats::Stats;
pub use self::transient::Transient;
pub use self::value::Value;
pub use self::write::{Committed, Expect, Operation, Write};

/// A store of resources. Implementations are held to one test suite, `tests/suite`.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// The newest view that this process has. In a clustered store it may lag behind other members.
    fn snapshot(&self) -> Snapshot;

    /// A view at an earlier revision, to continue a paged list that began there.
    ///
    /// # Errors
    /// [`ReadError::Compacted`] when that view can no longer be had, [`ReadError::Future`] when it does not exist yet.
    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError>;

    /// A view that contains every write acknowledged anywhere before this call.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`] when a clustered store cannot be reached.
    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>>;

    /// Does all writes or none, and returns once they are durable. No two writes, guards included, may name the same key.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] names the first write whose expectation did not hold; others as they say.
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>>;

    /// As [`Store::commit`], and only while this process leads in that term. Where nobody else can, it does.
    ///
    /// # Errors
    /// Those of [`Store::commit`]; [`CommitError::Unavailable`] when another process leads.
    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        let _ = term;
        self.commit(writes)
    }

    /// The processes that share the store. None where this one has it to itself.
    fn replicas(&self) -> Option<Arc<dyn Replicas>> {
        None
    }

    /// Follows all changes under `prefix` after revision `after`.
    ///
    /// # Errors
    /// [`WatchError::Compacted`] when events after `after` have been forgotten already, [`WatchError::Future`] when
    /// `after` is not reached yet.
    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError>;

    /// How large a commit this store takes. Whoever has more to write than one commit may hold divides it by these.
    fn limits(&self) -> Limits;

    /// The sizes and counts that metrics show.
    fn stats(&self) -> Stats;

    /// Tells the other processes that share the store that this one is going.
    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(futures::future::ready(()))
    }
}
