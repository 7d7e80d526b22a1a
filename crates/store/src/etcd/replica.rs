//! This process among those that share the store: what it tells, under a lease of etcd, and whether it leads.
//!
//! The lease is kept for as long as the process lives. When it ends nevertheless, since etcd was not told in time that the process is
//! there, what it has told is gone for the others: it takes another lease then, and tells everything again.

mod campaign;
mod hearing;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_proto::etcd::etcdserverpb::RequestOp;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::hearing::Heard;
use self::words::Own;
use super::client::{Client, Failure};
use super::keys::Keys;
use crate::replicas::{Replicas, Term, Words};

/// The pause after a failure, before another try.
const PAUSE: Duration = Duration::from_millis(200);

/// This process, as the others see it.
#[derive(Debug)]
pub(super) struct Replica {
    client: Arc<Client>,
    keys: Keys,
    name: Arc<str>,
    ttl: Duration,
    own: Own,
    term: watch::Sender<Option<Term>>,
    heard: Heard,
    lease: Mutex<Option<i64>>,
}

impl Replica {
    pub(super) fn new(client: Arc<Client>, keys: Keys, name: &str, ttl: Duration) -> Self {
        // A process that begins anew under its name must not be taken for the one before.
        let name = format!("{name}-{:08x}", rand::random::<u32>()).into();
        let (term, heard) = (watch::Sender::new(None), Heard::default());
        Self { client, keys, name, ttl, own: Own::default(), term, heard, lease: Mutex::new(None) }
    }

    /// Runs for as long as it is polled.
    pub(super) async fn run(&self) {
        tokio::join!(self.hear(), self.live());
    }

    /// One lease after another.
    async fn live(&self) {
        loop {
            match self.client.grant(self.ttl).await {
                Ok(lease) => {
                    self.set_lease(Some(lease));
                    self.own.all_again();
                    tokio::select! {
                        () = self.keep(lease) => (),
                        () = self.tell_others(lease) => (),
                        () = self.campaign(lease) => (),
                    }
                    self.set_lease(None);
                    self.set_term(None);
                }
                Err(Failure::Unknown(_) | Failure::LoggedOut(_)) => (),
                Err(failure) => {
                    let error = failure.into_error();
                    tracing::warn!(%error, "other control planes cannot be told of this one");
                    sleep(self.ttl).await;
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Keeps the lease, and returns when it is lost.
    async fn keep(&self, lease: i64) {
        let mut since = Instant::now();
        loop {
            sleep(self.ttl / 3).await;
            let asked = Instant::now();
            match self.client.keep_alive(lease).await {
                Ok(true) => since = asked,
                Ok(false) => {
                    tracing::warn!(
                        "etcd was not told in time that this process is there: others may have taken its place"
                    );
                    return;
                }
                Err(failure) if since.elapsed() >= self.ttl => {
                    let error = failure.into_error();
                    tracing::warn!(%error, "etcd cannot be told that this process is there: others may take its place");
                    return;
                }
                Err(_) => (),
            }
        }
    }

    fn lease(&self) -> MutexGuard<'_, Option<i64>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_lease(&self, lease: Option<i64>) {
        *self.lease() = lease;
    }

    fn set_term(&self, term: Option<Term>) {
        self.term.send_if_modified(|current| std::mem::replace(current, term) != term);
    }

    /// Ends the lease now: what was told is gone, and another process leads.
    pub(super) async fn leave(&self) {
        let lease = self.lease().take();
        self.set_term(None);
        if let Some(lease) = lease {
            let _ = self.client.revoke(lease).await;
        }
    }
}

impl Replicas for Replica {
    fn name(&self) -> &str {
        &self.name
    }

    fn term(&self) -> watch::Receiver<Option<Term>> {
        self.term.subscribe()
    }

    fn leader(&self) -> Option<Arc<str>> {
        self.heard.leader()
    }

    fn tell(&self, words: Vec<(String, Option<Bytes>)>) {
        self.own.set(words);
    }

    fn words(&self) -> Words {
        self.heard.words(&self.name)
    }

    fn heard(&self) -> watch::Receiver<u64> {
        self.heard.changes()
    }

    fn known(&self) -> BoxFuture<'_, ()> {
        self.heard.known().boxed()
    }
}

fn operation(request: backstay_proto::etcd::etcdserverpb::request_op::Request) -> RequestOp {
    RequestOp { request: Some(request) }
}
