//! Compare-and-swap, atomicity, revisions.

use backstay_store::{CommitError, Expect, Limits, Store, Write};
use futures::future::join_all;

use crate::fixture::{Make, Setup, busy, delete, done, guard, key, put, shown};

/// Does a commit of one write, and says whether it conflicted, and with which revision.
async fn attempt(store: &dyn Store, write: Write) -> Result<u64, Option<u64>> {
    match store.commit(vec![write]).await {
        Ok(committed) => Ok(committed.revision),
        Err(CommitError::Conflict { current, .. }) => Err(current.map(|entry| entry.modified)),
        Err(other) => panic!("{other}"),
    }
}

pub(crate) async fn a_write_happens_only_as_expected(make: &Make) {
    let store = &*make(Setup::default());
    assert_eq!(attempt(store, put("a", Expect::Present, "0")).await, Err(None));
    assert_eq!(attempt(store, put("a", Expect::Modified(0), "0")).await, Err(None));
    assert_eq!(attempt(store, put("a", Expect::Absent, "1")).await, Ok(1));
    assert_eq!(attempt(store, put("a", Expect::Absent, "0")).await, Err(Some(1)));
    assert_eq!(attempt(store, put("a", Expect::Modified(1), "2")).await, Ok(2));
    assert_eq!(attempt(store, put("a", Expect::Modified(1), "0")).await, Err(Some(2)));
    assert_eq!(attempt(store, put("a", Expect::Modified(3), "0")).await, Err(Some(2)));
    assert_eq!(attempt(store, put("a", Expect::Present, "3")).await, Ok(3));
    assert_eq!(attempt(store, put("a", Expect::Any, "4")).await, Ok(4));
    assert_eq!(attempt(store, put("b", Expect::Any, "5")).await, Ok(5));

    assert_eq!(attempt(store, delete("c", Expect::Any)).await, Err(None));
    assert_eq!(attempt(store, delete("c", Expect::Absent)).await, Err(None));
    assert_eq!(attempt(store, delete("a", Expect::Absent)).await, Err(Some(4)));
    assert_eq!(attempt(store, delete("a", Expect::Modified(3))).await, Err(Some(4)));
    assert_eq!(attempt(store, delete("a", Expect::Modified(4))).await, Ok(6));
    assert_eq!(attempt(store, delete("a", Expect::Present)).await, Err(None));
    assert_eq!(attempt(store, delete("b", Expect::Any)).await, Ok(7));
    assert!(store.snapshot().is_empty());
    assert_eq!(store.snapshot().revision(), 7);
}

pub(crate) async fn a_commit_happens_whole_or_not_at_all(make: &Make) {
    let store = make(Setup::default());
    done(&*store, put("b", Expect::Absent, "1")).await;
    let error = store
        .commit(vec![put("a", Expect::Absent, "2"), put("b", Expect::Absent, "2"), put("c", Expect::Present, "2")])
        .await
        .unwrap_err();
    let CommitError::Conflict { key: conflicting, current } = error else { panic!("{error}") };
    assert_eq!(conflicting, key("b"), "the first write that did not hold is named");
    assert_eq!(current.unwrap().value, *b"1");
    let snapshot = store.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (1, 1));
    assert!(snapshot.get(&key("a")).is_none());
}

pub(crate) async fn writes_of_a_commit_share_its_revision(make: &Make) {
    let store = make(Setup::default());
    done(&*store, put("gone", Expect::Absent, "before")).await;
    let writes =
        vec![put("z", Expect::Absent, "new"), delete("gone", Expect::Modified(1)), put("a", Expect::Any, "new")];
    let committed = store.commit(writes).await.unwrap();
    assert_eq!(committed.revision, 2);
    let shown: Vec<_> = committed.entries.iter().map(|entry| shown(entry)).collect();
    let expected = [
        ("backends.test//z".to_owned(), "new".to_owned(), 2, 2),
        ("backends.test//gone".to_owned(), "before".to_owned(), 1, 1),
        ("backends.test//a".to_owned(), "new".to_owned(), 2, 2),
    ];
    assert_eq!(shown, expected, "in the order given, a deleted object as it was");
    assert_eq!(store.snapshot().len(), 2);
}

pub(crate) async fn entries_say_when_they_were_made_and_changed(make: &Make) {
    let store = make(Setup::default());
    busy(&*store, 3).await;
    done(&*store, put("a", Expect::Absent, "x")).await;
    done(&*store, put("a", Expect::Present, "y")).await;
    let times = |name| store.snapshot().get(&key(name)).map(|entry| (entry.created, entry.modified));
    assert_eq!(times("busy"), Some((1, 3)));
    assert_eq!(times("a"), Some((4, 5)));
    done(&*store, delete("a", Expect::Any)).await;
    done(&*store, put("a", Expect::Absent, "z")).await;
    assert_eq!(times("a"), Some((7, 7)), "what is made again is new");
}

pub(crate) async fn a_commit_is_seen_once_it_is_acknowledged(make: &Make) {
    let store = make(Setup::default());
    for index in 0..50 {
        let value = index.to_string();
        let committed = store.commit(vec![put("a", Expect::Any, &value)]).await.unwrap();
        let seen = store.snapshot();
        assert_eq!(seen.revision(), committed.revision);
        assert_eq!(seen.get(&key("a")), committed.entries.first());
        assert_eq!(store.read().await.unwrap().revision(), committed.revision);
    }
}

pub(crate) async fn of_many_that_compare_and_swap_one_wins(make: &Make) {
    let store = &*make(Setup::default());
    let mut revision = done(store, put("a", Expect::Absent, "start")).await;
    for _ in 0..10 {
        let write = |index: usize| put("a", Expect::Modified(revision), &index.to_string());
        let results = join_all((0..20).map(|index| attempt(store, write(index)))).await;
        let winners: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(winners, [&(revision + 1)]);
        assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|seen| *seen == Some(revision + 1)));
        revision += 1;
    }
}

pub(crate) async fn what_is_too_large_is_refused(make: &Make) {
    let limits = Limits { key_bytes: 20, value_bytes: 10, operations: 3, commit_bytes: 70 };
    let store = make(Setup { limits, ..Setup::default() });
    let any = |name, value| put(name, Expect::Any, value);
    let long = "a-name-that-is-too-long";
    for refused in [
        vec![any("a", "01234567890")],
        vec![any(long, "")],
        vec![any("a", ""), any("b", ""), any("c", ""), any("d", "")],
        vec![any("a", ""), any("b", ""), any("c", ""), guard("d", Expect::Any)],
        vec![any("a", "0123456789"), any("b", "0123456789"), any("c", "0123456789")],
    ] {
        assert!(matches!(store.commit(refused).await, Err(CommitError::Refused(_))));
    }
    assert_eq!(store.snapshot().revision(), 0);
    assert_eq!(store.limits(), limits, "whoever writes much asks first");
    store.commit(vec![any("a", "0123456789"), any("b", "0123456789"), any("c", "")]).await.unwrap();
}

pub(crate) async fn a_key_is_named_once(make: &Make) {
    let store = make(Setup::default());
    let twice = vec![put("a", Expect::Any, "1"), put("b", Expect::Any, "1"), delete("a", Expect::Any)];
    assert!(matches!(store.commit(twice).await, Err(CommitError::Refused(reason)) if reason.contains("a twice")));
    assert!(store.snapshot().is_empty());
}

pub(crate) async fn a_commit_has_writes(make: &Make) {
    let store = make(Setup::default());
    assert!(matches!(store.commit(Vec::new()).await, Err(CommitError::Refused(_))));
    assert_eq!(store.snapshot().revision(), 0);
}
