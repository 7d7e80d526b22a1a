//! The store on an etcd v3 cluster, which any number of processes share.
//!
//! Each process has a view of all objects in memory: read once at one revision, and kept up by a watch. Reads are answered from
//! there; while etcd cannot be reached they go on, and commits fail. A commit is one transaction of etcd, with the expectations as
//! its comparisons; it returns once the view of this process has it. What is not known of a commit, since the member that it was
//! sent to died, is found out: an acknowledged commit is there, and none is done twice.
//!
//! With keys, objects are kept sealed, each for its key in etcd; what processes tell each other is not. A process that cannot unseal what
//! another has written stays where it is, and says so: it serves what it knows, and writes nothing.
//!
//! Revisions are etcd's less one. Others who use the same cluster move them on as well, so they rise and have gaps. A store that was set
//! back, such as from a backup, ends all watches and is read anew.
//!
//! # Layout
//!
//! - [`options`]: the settings, and how an address says them.
//! - `connect`: connections to members. `client`: calls, which member is asked, what failures mean.
//! - `keys`: what is where. `txn`: commits as transactions. `commits`: sending them.
//! - `load`: reading all there is. `follow`: what happens from then on. `view`: what this leads to.
//! - `replica`: this process among those that share the store.
//! - `compact`: forgetting what has been superseded.
//! - `rewrite`: having all that is kept sealed with another key.

mod client;
mod commits;
mod compact;
mod connect;
mod follow;
mod keys;
mod load;
pub mod options;
mod replica;
mod rewrite;
mod txn;
mod view;

use std::sync::Arc;

use backstay_proto::etcd::etcdserverpb::RangeRequest;
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use self::client::Client;
use self::commits::Commits;
use self::keys::Keys;
pub use self::options::EtcdOptions;
use self::replica::Replica;
use self::view::View;
use crate::published::Published;
use crate::replicas::{Replicas, Term};
use crate::stats::{Counters, Stats};
use crate::{
    CommitError, Committed, EtcdError, Limits, OpenError, Prefix, ReadError, Revision, Snapshot, Store, Unavailable,
    Watch, WatchError, Write,
};

/// A [`Store`] on etcd. Dropping it ends its watches; commits that are on their way may still be done. Other processes hold what
/// it told them for true until its lease ends, unless it was [released](Store::release).
#[derive(Debug)]
pub struct Etcd {
    client: Arc<Client>,
    keys: Keys,
    view: Arc<View>,
    commits: Arc<Commits>,
    counters: Arc<Counters>,
    options: EtcdOptions,
    tasks: Vec<JoinHandle<()>>,
    replica: Option<Joined>,
    /// Where this was opened: other threads that commit may have no timers.
    runtime: Handle,
}

/// This process among those that share the store, and what keeps it there.
#[derive(Debug)]
struct Joined {
    replica: Arc<Replica>,
    living: AbortHandle,
}

impl Etcd {
    /// Reads all there is, and follows it from then on, by tasks of the current runtime. With a [name](EtcdOptions::replica)
    /// it is one of those that share the store.
    ///
    /// # Errors
    /// [`OpenError::Etcd`] when no member answers within the deadline, or none lets this user read.
    pub async fn open(options: EtcdOptions) -> Result<Self, OpenError> {
        let client = Arc::new(Client::new(&options)?);
        let keys = Keys::new(&options.prefix, options.seal.clone());
        let loaded = load::load(&client, &keys, &options).await.map_err(|source| OpenError::Etcd { source })?;
        let load::Loaded { snapshot, at, bases } = loaded;
        let floor = snapshot.revision();
        let published = Published::new(snapshot, floor, Vec::new(), options.history, options.retention);
        let view = Arc::new(View::new(published, bases, at));
        let commits = Arc::new(Commits::new(client.clone(), keys.clone(), view.clone(), &options));
        let following = follow::follow(client.clone(), keys.clone(), view.clone(), options.clone());
        let compacting = compact::run(client.clone(), keys.clone(), options.clone());
        let mut tasks = vec![tokio::spawn(following), tokio::spawn(compacting)];
        let replica = options.replica.as_ref().map(|name| {
            let replica = Arc::new(Replica::new(client.clone(), keys.clone(), name, options.replica_ttl));
            let lives = replica.clone();
            let task = tokio::spawn(async move { lives.run().await });
            let living = task.abort_handle();
            tasks.push(task);
            Joined { replica, living }
        });
        let (counters, runtime) = (Arc::default(), Handle::current());
        Ok(Self { client, keys, view, commits, counters, options, tasks, replica, runtime })
    }

    async fn commit_counted(
        commits: Arc<Commits>,
        counters: Arc<Counters>,
        term: Option<Term>,
        writes: Vec<Write>,
    ) -> Result<Committed, CommitError> {
        use std::sync::atomic::Ordering::Relaxed;

        let result = commits.commit(term, writes).await;
        match &result {
            Ok(_) => {
                Counters::add(&counters.commits, 1);
                Counters::add(&counters.groups, 1);
                counters.failed.store(false, Relaxed);
            }
            Err(CommitError::Conflict { .. }) => Counters::add(&counters.conflicts, 1),
            Err(CommitError::Refused(_)) => (),
            Err(CommitError::Unavailable(why)) => {
                Counters::add(&counters.unavailable, 1);
                if matches!(why, Unavailable::Etcd(_)) {
                    counters.failed.store(true, Relaxed);
                }
            }
        }
        result
    }

    /// A view that has the newest commit of anyone.
    async fn newest(
        client: Arc<Client>,
        view: Arc<View>,
        key: Bytes,
        deadline: Instant,
    ) -> Result<Snapshot, ReadError> {
        let range = RangeRequest { key, ..RangeRequest::default() };
        let unavailable = |error| ReadError::Unavailable(Unavailable::Etcd(error));
        let answer = client.range(range, deadline).await.map_err(|failure| unavailable(failure.into_error()))?;
        let newest = answer.kvs.first().map_or(0, |kept| txn::revision(kept.mod_revision));
        if let Some(error) = view.stuck().filter(|_| view.published.snapshot().revision() < newest) {
            return Err(unavailable(error));
        }
        if !view.reached(newest, deadline).await {
            return Err(unavailable(EtcdError::new("", "what happens there is not heard of".to_owned())));
        }
        Ok(view.published.snapshot())
    }

    fn commit_where(&self, term: Option<Term>, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        let (commits, counters) = (self.commits.clone(), self.counters.clone());
        Box::pin(async move {
            self.options.limits.check(&writes)?;
            let done = self.there(Self::commit_counted(commits, counters, term, writes)).await;
            done.unwrap_or(Err(CommitError::Unavailable(Unavailable::Closed)))
        })
    }

    /// Runs where there are timers and sockets, whichever thread waits for it.
    async fn there<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        self.runtime.spawn(work).await.ok()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.view.published.close();
    }
}

impl Store for Etcd {
    fn snapshot(&self) -> Snapshot {
        self.view.published.snapshot()
    }

    fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, ReadError> {
        self.view.published.snapshot_at(revision)
    }

    fn read(&self) -> BoxFuture<'_, Result<Snapshot, ReadError>> {
        let (client, view, key) = (self.client.clone(), self.view.clone(), self.keys.newest.clone());
        let deadline = Instant::now() + self.options.deadline;
        Box::pin(async move {
            let read = self.there(Self::newest(client, view, key, deadline)).await;
            read.unwrap_or(Err(ReadError::Unavailable(Unavailable::Closed)))
        })
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.commit_where(None, writes)
    }

    fn commit_in_term(&self, term: Term, writes: Vec<Write>) -> BoxFuture<'_, Result<Committed, CommitError>> {
        self.commit_where(Some(term), writes)
    }

    fn replicas(&self) -> Option<Arc<dyn Replicas>> {
        self.replica.as_ref().map(|joined| joined.replica.clone() as Arc<dyn Replicas>)
    }

    fn watch(&self, prefix: Prefix, after: Revision) -> Result<Box<dyn Watch>, WatchError> {
        self.view.published.watch(prefix, after)
    }

    fn limits(&self) -> Limits {
        self.options.limits
    }

    fn stats(&self) -> Stats {
        let published = &self.view.published;
        let stats = self.counters.stats(&published.snapshot(), published.extent(), self.commits.waiting(), 0);
        Stats { writable: stats.writable && self.view.stuck().is_none(), ..stats }
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(Joined { replica, living }) = &self.replica {
                // Or it would take another lease, and perhaps the lead, for as long as the process has yet to live.
                living.abort();
                let replica = replica.clone();
                self.there(async move { replica.leave().await }).await;
            }
        })
    }
}
