//! Stores to test, and short ways to say what is done with them.

use std::ops::Deref;

use backstay_store::{
    Embedded, Entry, Etcd, EtcdOptions, Event, Expect, History, Key, Keys, Limits, Memory, Operation, Options, Prefix,
    Retention, Revision, Store, Watch, Write,
};
use bytes::Bytes;
use tempfile::TempDir;

use crate::etcd_process::{self, Cluster};

/// What a promise needs the store to be limited to.
#[derive(Default, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) history: History,
    pub(crate) retention: Retention,
}

impl Setup {
    pub(crate) fn history(events: usize) -> Self {
        Self { history: History { events, ..History::default() }, ..Self::default() }
    }
}

/// A store, and what must be cleaned up after it.
pub(crate) struct Fixture {
    // Before the directory: it is closed first.
    store: Box<dyn Store>,
    _directory: Option<TempDir>,
    _cluster: Option<Cluster>,
}

impl Deref for Fixture {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

pub(crate) type Make = dyn Fn(Setup) -> Fixture + Sync;

pub(crate) fn memory(setup: Setup) -> Fixture {
    let store = Memory::with(setup.limits, setup.history, setup.retention);
    Fixture { store: Box::new(store), _directory: None, _cluster: None }
}

pub(crate) fn embedded(setup: Setup) -> Fixture {
    let directory = TempDir::new().unwrap();
    let Setup { limits, history, retention } = setup;
    let options = Options { limits, history, retention, ..Options::default() };
    let store = Embedded::open(directory.path().join("store.redb"), options).unwrap();
    Fixture { store: Box::new(store), _directory: Some(directory), _cluster: None }
}

/// A cluster of one member that nobody else uses, so that revisions have no gaps.
pub(crate) fn etcd_alone(setup: Setup) -> Fixture {
    on_etcd(setup, None)
}

/// The same, and all of it is sealed.
pub(crate) fn etcd_sealed(setup: Setup) -> Fixture {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("keys");
    std::fs::write(&file, format!("one:{}\n", "1".repeat(64))).unwrap();
    let store = on_etcd(setup, Some(Keys::of_file(&file).unwrap()));
    Fixture { _directory: Some(directory), ..store }
}

fn on_etcd(setup: Setup, seal: Option<Keys>) -> Fixture {
    let cluster = Cluster::of(1);
    let Setup { limits, history, retention } = setup;
    let compaction = std::time::Duration::ZERO;
    let options = EtcdOptions { limits, history, retention, compaction, seal, ..EtcdOptions::new(cluster.endpoints()) };
    let store = block_on(Etcd::open(options)).unwrap();
    Fixture { store: Box::new(store), _directory: None, _cluster: Some(cluster) }
}

/// Whether what an implementation needs is on this machine.
pub(crate) fn is_there(implementation: &str) -> bool {
    !implementation.starts_with("etcd_") || etcd_process::program().is_some()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    etcd_process::blocking(|| tokio::runtime::Handle::current().block_on(future))
}

pub(crate) fn key(name: &str) -> Key {
    Key::new("backends.test", "", name)
}

pub(crate) fn backends() -> Prefix {
    Prefix::resource("backends.test")
}

pub(crate) fn put(name: &str, expect: Expect, value: &str) -> Write {
    put_at(key(name), expect, value)
}

pub(crate) fn put_at(key: Key, expect: Expect, value: &str) -> Write {
    Write { key, expect, operation: Operation::Put(Bytes::copy_from_slice(value.as_bytes())) }
}

pub(crate) fn delete(name: &str, expect: Expect) -> Write {
    Write { key: key(name), expect, operation: Operation::Delete }
}

/// A condition on what is not written.
pub(crate) fn guard(name: &str, expect: Expect) -> Write {
    Write::guard(key(name), expect)
}

/// Commits one write that must succeed, and returns the revision.
pub(crate) async fn done(store: &dyn Store, write: Write) -> Revision {
    store.commit(vec![write]).await.unwrap().revision
}

/// Writes `count` commits to one object.
pub(crate) async fn busy(store: &dyn Store, count: usize) {
    for index in 0..count {
        done(store, put("busy", Expect::Any, &index.to_string())).await;
    }
}

/// All events until the watch has reached a revision.
pub(crate) async fn until(watch: &mut dyn Watch, revision: Revision) -> Vec<Event> {
    let mut events = Vec::new();
    while watch.revision() < revision {
        events.extend(watch.next().await.unwrap());
    }
    events
}

/// Everything about an entry, in a form that is easily compared and read.
pub(crate) fn shown(entry: &Entry) -> (String, String, Revision, Revision) {
    let value = String::from_utf8(entry.value.to_bytes().into()).unwrap();
    (entry.key.to_string(), value, entry.created, entry.modified)
}

pub(crate) fn names<'a>(entries: impl Iterator<Item = &'a std::sync::Arc<Entry>>) -> Vec<String> {
    entries.map(|entry| entry.key.name().to_owned()).collect()
}
