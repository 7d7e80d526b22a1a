//! What a store on disk keeps when it is closed and opened again.

use std::path::Path;

use backstay_store::{DiskError, Embedded, Expect, History, OpenError, Options, Prefix, Snapshot, Store, WatchError};
use tempfile::TempDir;

use crate::fixture::{backends, busy, delete, done, key, put, shown, until};

fn open(directory: &TempDir, options: Options) -> Embedded {
    Embedded::open(directory.path().join("store.redb"), options).unwrap()
}

fn contents(snapshot: &Snapshot) -> Vec<(String, String, u64, u64)> {
    snapshot.list(&Prefix::all()).map(|entry| shown(entry)).collect()
}

#[tokio::test]
async fn everything_is_kept() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    done(&store, put("a", Expect::Absent, "1")).await;
    done(&store, put("b", Expect::Absent, "2")).await;
    done(&store, put("a", Expect::Any, "3")).await;
    done(&store, delete("b", Expect::Any)).await;
    let before = store.snapshot();
    drop(store);
    for _ in 0..2 {
        let store = open(&directory, Options::default());
        assert_eq!(store.snapshot().revision(), 4, "a deletion counts");
        assert_eq!(contents(&store.snapshot()), contents(&before));
    }
    let store = open(&directory, Options::default());
    assert_eq!(done(&store, put("c", Expect::Absent, "")).await, 5, "revisions go on");
    assert!(store.commit(vec![put("a", Expect::Modified(3), "4")]).await.is_ok(), "expectations hold over a restart");
}

#[tokio::test]
async fn a_watch_resumes() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    let mut before = store.watch(backends(), 0).unwrap();
    done(&store, put("a", Expect::Absent, "1")).await;
    store.commit(vec![put("b", Expect::Absent, "2"), put("a", Expect::Any, "2")]).await.unwrap();
    busy(&store, 3).await;
    store.commit(vec![delete("a", Expect::Any), put("b", Expect::Any, "6"), put("c", Expect::Any, "6")]).await.unwrap();
    done(&store, put("a", Expect::Absent, "7")).await;
    let told = until(&mut *before, 7).await;
    drop(store);
    let store = open(&directory, Options::default());
    for after in 0..=7 {
        let mut resumed = store.watch(backends(), after).unwrap();
        let rest: Vec<_> = told.iter().filter(|event| event.revision > after).cloned().collect();
        assert_eq!(until(&mut *resumed, 7).await, rest, "after {after}");
    }
    assert_eq!(store.snapshot_at(1).unwrap().len(), 1, "a paged list goes on, too");
}

#[tokio::test]
async fn a_shorter_history_is_kept_from_then_on() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    busy(&store, 20).await;
    drop(store);
    let options = Options { history: History { events: 5, ..History::default() }, ..Options::default() };
    let store = open(&directory, options);
    assert!(matches!(store.watch(backends(), 10), Err(WatchError::Compacted { .. })));
    let oldest = store.stats().compacted;
    let mut watch = store.watch(backends(), oldest).unwrap();
    assert!(until(&mut *watch, 20).await.len() >= 5);
    assert_eq!(store.snapshot().revision(), 20);
}

#[tokio::test]
async fn history_on_disk_is_trimmed() {
    let directory = TempDir::new().unwrap();
    let options = Options { history: History { events: 10, ..History::default() }, ..Options::default() };
    let store = open(&directory, options);
    for name in ["kept", "removed", "again"] {
        done(&store, put(name, Expect::Absent, "1")).await;
    }
    for write in [put("kept", Expect::Any, "2"), delete("removed", Expect::Any), delete("again", Expect::Any)] {
        done(&store, write).await;
    }
    done(&store, put("again", Expect::Absent, "3")).await;
    busy(&store, 1_093).await;
    assert_eq!(store.stats().compacted, 1_090);
    let before = store.snapshot();
    drop(store);
    // Opened with room for all: what is missing is missing on disk.
    let store = open(&directory, Options::default());
    assert_eq!(contents(&store.snapshot()), contents(&before), "what is older than the history is as it was");
    let compacted = store.stats().compacted;
    assert!((1_000..=1_090).contains(&compacted), "{compacted}");
    let mut watch = store.watch(backends(), compacted).unwrap();
    assert_eq!(until(&mut *watch, 1_100).await.len(), usize::try_from(1_100 - compacted).unwrap());
}

#[tokio::test]
async fn a_file_is_opened_once() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    let again = Embedded::open(directory.path().join("store.redb"), Options::default());
    assert!(matches!(again, Err(OpenError::InUse { .. })), "{again:?}");
    busy(&store, 1).await;
    drop(store);
    open(&directory, Options::default());
}

#[tokio::test]
async fn what_was_queued_is_done_before_it_closes() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    for index in 0..50 {
        let name = format!("b{index}");
        // The client goes away as soon as the commit is queued.
        let _ = futures::FutureExt::now_or_never(store.commit(vec![put(&name, Expect::Absent, "")]));
    }
    drop(store);
    assert_eq!(open(&directory, Options::default()).snapshot().len(), 50);
}

#[test]
fn what_is_not_a_store_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.redb");
    std::fs::write(&path, "a letter to a friend").unwrap();
    let error = Embedded::open(&path, Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::Failed { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a letter to a friend");
}

#[test]
fn a_place_that_cannot_be_is_named() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let error = Embedded::open(directory.path().join("file/store.redb"), Options::default()).unwrap_err();
    assert!(error.to_string().contains("file/store.redb"), "{error}");
    let OpenError::Failed { source: DiskError::Io(cause), .. } = &error else { panic!("{error:?}") };
    assert!(cause.raw_os_error().is_some(), "the error is the system's own");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = TempDir::new().unwrap();
    let inner = directory.path().join("made/here");
    let store = Embedded::open(inner.join("store.redb"), Options::default()).unwrap();
    busy(&store, 1).await;
    assert_eq!(mode(&inner), 0o700);
    assert_eq!(mode(&directory.path().join("made")), 0o700);
    for file in std::fs::read_dir(&inner).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn commits_that_wait_share_a_disk_transaction() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    let commits = (0..200).map(|index| {
        let write = put(&format!("b{index}"), Expect::Absent, "");
        async { done(&store, write).await }
    });
    let mut revisions = futures::future::join_all(commits).await;
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=200).collect::<Vec<_>>(), "each has a revision of its own");
    let stats = store.stats();
    assert_eq!((stats.commits, stats.objects, stats.revision, stats.events), (200, 200, 200, 200));
    assert!(stats.groups < 200, "{} transactions", stats.groups);
    assert!(stats.writable);
    assert!(store.snapshot().get(&key("b7")).is_some());
}

#[tokio::test]
async fn objects_that_are_alike_are_as_they_were() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, Options::default());
    for number in 0..50 {
        let value = format!("{number} {} {number}", "and what they have in common, ".repeat(10));
        done(&store, put(&format!("b{number}"), Expect::Any, &value)).await;
        done(&store, put("a", Expect::Any, &value)).await;
    }
    let before = contents(&store.snapshot());
    drop(store);
    for _ in 0..2 {
        assert_eq!(contents(&open(&directory, Options::default()).snapshot()), before);
    }
}
