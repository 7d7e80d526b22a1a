//! The processes that share a store, as one of them sees them.
//!
//! Each tells the others what only it knows, under names of its own: what it has told goes when it does. One of them leads, so that what
//! is to be done once is not done by each; a commit that the leader alone may do says in which [`Term`] it was begun.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

/// The time during which a process leads: later terms have higher numbers, whoever they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term(pub u64);

/// What each of the other processes tells, by the process and the name it has given it.
pub type Words = BTreeMap<Arc<str>, BTreeMap<String, Bytes>>;

/// The other processes that share a store.
pub trait Replicas: Send + Sync + fmt::Debug + 'static {
    /// What this process is called. No other is, nor was.
    fn name(&self) -> &str;

    /// The term in which this process leads; `None` while another does, or nobody.
    fn term(&self) -> watch::Receiver<Option<Term>>;

    /// Who leads, as far as this process has heard.
    fn leader(&self) -> Option<Arc<str>>;

    /// Tells the others: each word takes the place of what was told under its name before, and `None` takes that back. Words of one
    /// call are heard in the order given, and at once unless they are very many. Until etcd can be reached they wait, the newest of each name.
    fn tell(&self, words: Vec<(String, Option<Bytes>)>);

    /// What the others tell now.
    fn words(&self) -> Words;

    /// Changes with [`Replicas::words`] and [`Replicas::leader`].
    fn heard(&self) -> watch::Receiver<u64>;

    /// Waits until what the others have told and who leads has been heard of once.
    fn known(&self) -> BoxFuture<'_, ()>;
}
