//! Conditions on objects that a commit does not write.

use std::collections::BTreeSet;

use backstay_store::{Change, CommitError, Expect, Prefix, Store};
use futures::future::join_all;

use crate::fixture::{Make, Setup, delete, done, guard, key, put, shown, until};

/// Whether a commit that writes another object happens under this condition on `a`.
async fn holds(store: &dyn Store, expect: Expect) -> bool {
    let before = store.snapshot();
    match store.commit(vec![put("other", Expect::Any, "x"), guard("a", expect)]).await {
        Ok(committed) => {
            assert_eq!(committed.revision, before.revision() + 1);
            true
        }
        Err(CommitError::Conflict { key: conflicting, current }) => {
            assert_eq!(conflicting, key("a"), "the guard is named");
            assert_eq!(current.as_ref(), before.get(&key("a")));
            assert_eq!(store.snapshot().revision(), before.revision());
            assert_eq!(store.snapshot().get(&key("other")), before.get(&key("other")));
            false
        }
        Err(other) => panic!("{other}"),
    }
}

pub(crate) async fn a_guard_holds_or_nothing_is_done(make: &Make) {
    let store = &*make(Setup::default());
    assert!(holds(store, Expect::Any).await);
    assert!(holds(store, Expect::Absent).await);
    assert!(!holds(store, Expect::Present).await);
    assert!(!holds(store, Expect::Modified(0)).await);
    let created = done(store, put("a", Expect::Absent, "1")).await;
    assert!(!holds(store, Expect::Absent).await);
    assert!(holds(store, Expect::Present).await);
    assert!(holds(store, Expect::Modified(created)).await);
    let changed = done(store, put("a", Expect::Present, "2")).await;
    assert!(!holds(store, Expect::Modified(created)).await);
    assert!(holds(store, Expect::Modified(changed)).await, "what the guard let through did not change it");
    done(store, delete("a", Expect::Any)).await;
    assert!(!holds(store, Expect::Present).await);
    assert!(holds(store, Expect::Absent).await);
}

pub(crate) async fn a_guard_leaves_no_trace(make: &Make) {
    let store = make(Setup::default());
    done(&*store, put("a", Expect::Absent, "1")).await;
    let writes = vec![guard("a", Expect::Present), put("b", Expect::Absent, "2"), guard("c", Expect::Absent)];
    let committed = store.commit(writes).await.unwrap();
    let expected = ("backends.test//b".to_owned(), "2".to_owned(), 2, 2);
    let written: Vec<_> = committed.entries.iter().map(|entry| shown(entry)).collect();
    assert_eq!(written, [expected], "of the writes, and of nothing else");
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get(&key("a")).unwrap().modified, 1);
    assert!(snapshot.get(&key("c")).is_none());
    let mut watch = store.watch(Prefix::all(), 1).unwrap();
    let events = until(&mut *watch, 2).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].change.entry().key, key("b"));
}

pub(crate) async fn guards_alone_are_no_commit(make: &Make) {
    let store = make(Setup::default());
    let refused = store.commit(vec![guard("a", Expect::Absent), guard("b", Expect::Any)]).await;
    assert!(matches!(refused, Err(CommitError::Refused(_))), "{refused:?}");
    assert_eq!(store.snapshot().revision(), 0);
}

pub(crate) async fn a_guarded_key_is_named_once(make: &Make) {
    let store = make(Setup::default());
    let twice = vec![guard("a", Expect::Absent), put("a", Expect::Any, "1")];
    assert!(matches!(store.commit(twice).await, Err(CommitError::Refused(reason)) if reason.contains("a twice")));
    assert!(store.snapshot().is_empty());
}

/// Many create below a parent that comes and goes: in no history is there a child that was made while there was none.
pub(crate) async fn what_is_guarded_holds_at_the_commit(make: &Make) {
    let store = &*make(Setup::default());
    let parent = async {
        for _ in 0..20 {
            done(store, put("parent", Expect::Absent, "p")).await;
            done(store, delete("parent", Expect::Present)).await;
        }
    };
    let child = |name: String| async move {
        for _ in 0..20 {
            match store.commit(vec![put(&name, Expect::Any, "c"), guard("parent", Expect::Present)]).await {
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    futures::join!(parent, join_all((0..8).map(|index| child(format!("child-{index}")))));
    let mut alive = BTreeSet::new();
    let mut watch = store.watch(Prefix::all(), 0).unwrap();
    for event in until(&mut *watch, store.snapshot().revision()).await {
        let name = event.change.entry().key.clone();
        match event.change {
            Change::Deleted(_) => drop(alive.remove(&name)),
            _ if name == key("parent") => drop(alive.insert(name)),
            _ => assert!(alive.contains(&key("parent")), "{name} was written at {} without its parent", event.revision),
        }
    }
}
