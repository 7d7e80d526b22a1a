//! A store on etcd that is sealed: what is kept, whose keys are needed, and how they are changed while processes use it.

use std::time::Duration;

use backstay_store::{CommitError, Etcd, EtcdOptions, Expect, Keys, OpenError, ReadError, RewriteError, Store};

use crate::etcd_process::{Cluster, blocking, program};
use crate::fixture::{backends, busy, delete, done, key, put, until};

const ONE: &str = "one:1111111111111111111111111111111111111111111111111111111111111111\n";
const TWO: &str = "two:2222222222222222222222222222222222222222222222222222222222222222\n";

/// A file of keys.
struct File(tempfile::TempDir);

impl File {
    fn of(text: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.set(text);
        file
    }

    /// In one step, as whoever changes keys should.
    fn set(&self, text: &str) {
        let new = self.0.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("keys")
    }

    fn keys(&self) -> Keys {
        Keys::of_file(&self.path()).unwrap()
    }
}

fn options(cluster: &Cluster, seal: Option<Keys>) -> EtcdOptions {
    EtcdOptions { compaction: Duration::ZERO, seal, ..EtcdOptions::new(cluster.endpoints()) }
}

async fn open(cluster: &Cluster, file: &File) -> Etcd {
    Etcd::open(options(cluster, Some(file.keys()))).await.unwrap()
}

/// Where an object is in etcd.
fn place(name: &str) -> String {
    format!("/backstay/objects/{}", key(name))
}

fn is_sealed_with(cluster: &Cluster, name: &str, by: &str) -> bool {
    blocking(|| cluster.kept(&place(name))).starts_with(format!("bs1:{by}:").as_bytes())
}

fn said<T>(result: Result<T, OpenError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

/// Waits until a store has met what it cannot read, and says so of a commit.
async fn says(store: &Etcd, text: &str) {
    while store.stats().writable {
        tokio::task::yield_now().await;
    }
    let error = store.commit(vec![put("never", Expect::Any, "")]).await.unwrap_err();
    assert!(matches!(&error, CommitError::Unavailable(why) if why.to_string().contains(text)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_lacks_the_key_does_not_open_and_says_which() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let (one, two) = (File::of(ONE), File::of(TWO));
    let store = open(&cluster, &one).await;
    done(&store, put("a", Expect::Absent, "secret value")).await;
    let kept = blocking(|| cluster.kept(&place("a")));
    assert!(kept.starts_with(b"bs1:one:") && !kept.windows(6).any(|part| part == b"secret"), "{kept:?}");
    for keys in [None, Some(two.keys())] {
        let error = said(Etcd::open(options(&cluster, keys)).await);
        assert!(
            error.contains(&format!("{}: it is sealed with the key \"one\", which is not given", key("a"))),
            "{error}"
        );
    }
    // Of the same name, and another key.
    two.set(&TWO.replace("two", "one"));
    let error = said(Etcd::open(options(&cluster, Some(two.keys()))).await);
    assert!(error.contains("it was not sealed here with the key \"one\""), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_moved_to_another_place_is_not_taken() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let one = File::of(ONE);
    let store = open(&cluster, &one).await;
    let before = done(&store, put("a", Expect::Absent, "1")).await;
    blocking(|| cluster.put(&place("b"), cluster.kept(&place("a"))));
    says(&store, &format!("{}: it was not sealed here", key("b"))).await;
    assert!(!store.stats().writable);
    assert_eq!(store.snapshot().revision(), before, "what is known is served");
    // In another store of the cluster it is elsewhere as well.
    blocking(|| cluster.put(&place("a").replace("/backstay", "/other"), cluster.kept(&place("a"))));
    let other = EtcdOptions { prefix: "/other".to_owned(), ..options(&cluster, Some(one.keys())) };
    assert!(said(Etcd::open(other).await).contains("it was not sealed here"));
    // Once it is put right, the store goes on, with what came after as well.
    let fresh = File::of(ONE);
    blocking(|| cluster.put(&place("b"), "plain"));
    let second = open(&cluster, &fresh).await;
    done(&second, put("c", Expect::Absent, "3")).await;
    while store.commit(vec![put("d", Expect::Any, "4")]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(store.stats().writable);
    assert_eq!(store.snapshot().list(&backends()).count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_key_is_changed_while_two_processes_write() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let files = [File::of(ONE), File::of(ONE)];
    let stores = [open(&cluster, &files[0]).await, open(&cluster, &files[1]).await];
    let mut watch = stores[1].watch(backends(), stores[1].snapshot().revision()).unwrap();
    done(&stores[0], put("old", Expect::Absent, "1")).await;
    // Everybody reads it before anybody seals with it.
    files.iter().for_each(|file| file.set(&format!("{ONE}{TWO}")));
    files.iter().for_each(|file| file.set(&format!("{TWO}{ONE}")));
    for store in &stores {
        done(store, put("new", Expect::Any, "0")).await;
        let mut count = 0;
        while !is_sealed_with(&cluster, "new", "two") {
            count += 1;
            done(store, put("new", Expect::Any, &count.to_string())).await;
        }
        done(store, delete("new", Expect::Present)).await;
    }
    // The other has read all of it, in order, whatever it was sealed with.
    let last = done(&stores[0], put("last", Expect::Absent, "")).await;
    let events = until(&mut *watch, last).await;
    assert_eq!(events.first().unwrap().change.entry().value, "1");
    assert_eq!(stores[1].read().await.unwrap().get(&key("old")).unwrap().value, "1");

    // What is left of the old key goes while both run, and so does the key.
    assert!(is_sealed_with(&cluster, "old", "one"));
    let rewritten = Etcd::rewrite(options(&cluster, Some(files[0].keys())), false).await.unwrap();
    assert_eq!(rewritten, 2);
    assert!(is_sealed_with(&cluster, "old", "two"));
    files.iter().for_each(|file| file.set(TWO));
    let revision = done(&stores[1], put("old", Expect::Present, "2")).await;
    assert_eq!(stores[0].read().await.unwrap().get(&key("old")).unwrap().modified, revision);
    let anew = open(&cluster, &files[0]).await;
    assert_eq!(anew.snapshot().get(&key("old")).unwrap().value, "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_given_the_key_too_late_waits_and_goes_on_where_it_was() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let (late, early) = (File::of(ONE), File::of(&format!("{TWO}{ONE}")));
    let (behind, ahead) = (open(&cluster, &late).await, open(&cluster, &early).await);
    let before = done(&behind, put("a", Expect::Absent, "1")).await;
    let mut watch = behind.watch(backends(), before).unwrap();
    done(&ahead, put("a", Expect::Present, "2")).await;
    says(&behind, "it is sealed with the key \"two\", which is not given").await;
    assert_eq!(behind.snapshot().get(&key("a")).unwrap().value, "1");
    let error = behind.read().await.unwrap_err();
    assert!(matches!(&error, ReadError::Unavailable(why) if why.to_string().contains("the key \"two\"")), "{error}");
    let last = done(&ahead, put("a", Expect::Present, "3")).await;
    late.set(&format!("{ONE}{TWO}"));
    let events = until(&mut *watch, last).await;
    let values: Vec<_> = events.iter().map(|event| event.change.entry().value.clone()).collect();
    assert!(values.ends_with(&["2".into(), "3".into()]), "none is left out: {values:?}");
    done(&behind, put("a", Expect::Present, "4")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_is_sealed_and_unsealed_again() {
    if program().is_none() {
        return;
    }
    let cluster = blocking(|| Cluster::of(1));
    let file = File::of(ONE);
    let plain = Etcd::open(options(&cluster, None)).await.unwrap();
    for index in 0..250 {
        done(&plain, put(&format!("b{index:03}"), Expect::Absent, "x")).await;
    }
    drop(plain);
    let sealed = options(&cluster, Some(file.keys()));
    assert_eq!(Etcd::rewrite(sealed.clone(), false).await.unwrap(), 250);
    assert!(is_sealed_with(&cluster, "b000", "one") && is_sealed_with(&cluster, "b249", "one"));
    let revision = open(&cluster, &file).await.snapshot().revision();
    assert_eq!(Etcd::rewrite(sealed.clone(), false).await.unwrap(), 250);
    assert_eq!(open(&cluster, &file).await.snapshot().revision(), revision, "what is as it should be is left alone");
    // Whoever goes on to write without a key is found out.
    let Err(RewriteError::Open(_)) = Etcd::rewrite(options(&cluster, None), false).await else {
        panic!("it is not opened without a key")
    };
    assert_eq!(Etcd::rewrite(sealed, true).await.unwrap(), 250);
    let plain = Etcd::open(options(&cluster, None)).await.unwrap();
    assert_eq!(plain.snapshot().list(&backends()).filter(|entry| entry.value == "x").count(), 250);
    assert_eq!(blocking(|| cluster.kept(&place("b100"))), b"x");
    busy(&plain, 1).await;
}
