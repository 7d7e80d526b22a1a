//! Events without gap or duplicate.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_store::{Change, CommitError, Entry, Event, Expect, Key, Prefix, Revision, Store, Watch, WatchError};
use futures::FutureExt;
use futures::future::{join, join_all};

use crate::fixture::{Make, Setup, backends, busy, delete, done, key, put, put_at, until};

fn told(events: &[Event]) -> Vec<String> {
    let value = |entry: &Entry| String::from_utf8(entry.value.to_bytes().into()).unwrap();
    let text = |event: &Event| match &event.change {
        Change::Created(entry) => format!("{} created {} {}", event.revision, entry.key.name(), value(entry)),
        Change::Updated { entry, previous } => {
            format!("{} updated {} {} was {}", event.revision, entry.key.name(), value(entry), value(previous))
        }
        Change::Deleted(entry) => format!("{} deleted {} {}", event.revision, entry.key.name(), value(entry)),
    };
    events.iter().map(text).collect()
}

pub(crate) async fn events_tell_what_was(make: &Make) {
    let store = make(Setup::default());
    let mut watch = store.watch(Prefix::all(), 0).unwrap();
    done(&*store, put("a", Expect::Absent, "1")).await;
    done(&*store, put("a", Expect::Any, "2")).await;
    store.commit(vec![delete("a", Expect::Any), put("b", Expect::Absent, "3")]).await.unwrap();
    let events = until(&mut *watch, 3).await;
    assert_eq!(told(&events), ["1 created a 1", "2 updated a 2 was 1", "3 deleted a 2", "3 created b 3"]);
    let Change::Updated { entry, previous } = &events[1].change else { panic!("{events:?}") };
    assert_eq!((entry.created, entry.modified, previous.created, previous.modified), (1, 2, 1, 1));
    let Change::Deleted(last) = &events[2].change else { panic!("{events:?}") };
    assert_eq!((last.created, last.modified), (1, 2), "the last state, not the deletion");
}

/// A replica that is kept by watching, and objects to every event that does not follow from what it has.
struct Replica {
    entries: BTreeMap<Key, Arc<Entry>>,
    revision: Revision,
}

impl Replica {
    fn follow(&mut self, events: &[Event]) {
        for Event { revision, change } in events {
            assert!(*revision >= self.revision, "events are in order");
            self.revision = *revision;
            let entry = change.entry();
            let had = match change {
                Change::Created(_) | Change::Updated { .. } => {
                    assert_eq!(entry.modified, *revision);
                    self.entries.insert(entry.key.clone(), Arc::clone(entry))
                }
                Change::Deleted(_) => self.entries.remove(&entry.key),
            };
            let expected = match change {
                Change::Created(_) => None,
                Change::Updated { previous, .. } => Some(previous),
                Change::Deleted(last) => Some(last),
            };
            assert_eq!(had.as_ref(), expected, "no gap, no duplicate");
        }
    }
}

async fn write_randomly(store: &dyn Store, writer: u64) {
    let mut random = writer + 1;
    for step in 0..150 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = format!("b{}", (random >> 33) % 12);
        let other = format!("b{}", 12 + (random >> 40) % 5);
        let value = format!("{writer}.{step}");
        let writes = match (random >> 50) % 4 {
            0 => vec![delete(&name, Expect::Any)],
            1 => vec![put(&name, Expect::Any, &value), put(&other, Expect::Any, &value)],
            2 => vec![put(&name, Expect::Absent, &value)],
            _ => vec![put(&name, Expect::Present, &value)],
        };
        match store.commit(writes).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// Lists and watches until an object named `end` is there.
async fn replicate(store: &dyn Store, after: Revision) -> Replica {
    // Lists begin at different moments of the load.
    let mut moment = store.watch(Prefix::all(), 0).unwrap();
    until(&mut *moment, after).await;
    let list = store.snapshot();
    let entries = list.list(&Prefix::all()).map(|entry| (entry.key.clone(), Arc::clone(entry))).collect();
    let mut replica = Replica { entries, revision: list.revision() };
    let mut watch = store.watch(Prefix::all(), list.revision()).unwrap();
    while !replica.entries.contains_key(&key("end")) {
        replica.follow(&watch.next().await.unwrap());
        assert!(watch.revision() <= store.snapshot().revision(), "a view is never behind a watch");
    }
    replica
}

pub(crate) async fn list_and_watch_add_up_under_load(make: &Make) {
    let store = &*make(Setup::default());
    let writers = async {
        join_all((0..16).map(|writer| write_randomly(store, writer))).await;
        done(store, put("end", Expect::Absent, "")).await;
    };
    let replicas = join_all((0..8).map(|index| replicate(store, index * 40)));
    let ((), replicas) = join(writers, replicas).await;
    let newest = store.snapshot();
    let expected: Vec<_> = newest.list(&Prefix::all()).cloned().collect();
    for replica in replicas {
        assert_eq!(replica.entries.into_values().collect::<Vec<_>>(), expected);
        assert_eq!(replica.revision, newest.revision());
    }
}

pub(crate) async fn only_the_prefix_is_seen_but_revisions_move_on(make: &Make) {
    let store = make(Setup::default());
    let at = |resource, namespace, name| Key::new(resource, namespace, name);
    let mut team = store.watch(Prefix::namespace("routes.test", "team"), 0).unwrap();
    let mut routes = store.watch(Prefix::resource("routes.test"), 0).unwrap();
    done(&*store, put_at(at("routes.test", "team", "a"), Expect::Any, "1")).await;
    done(&*store, put_at(at("routes.test", "team-2", "b"), Expect::Any, "2")).await;
    let both = vec![
        put_at(at("routes.test", "", "c"), Expect::Any, "3"),
        put_at(at("routes.testing", "team", "d"), Expect::Any, "3"),
    ];
    store.commit(both).await.unwrap();
    assert_eq!(told(&until(&mut *team, 3).await), ["1 created a 1"]);
    assert_eq!(told(&until(&mut *routes, 3).await), ["1 created a 1", "2 created b 2", "3 created c 3"]);
    done(&*store, put("elsewhere", Expect::Any, "4")).await;
    assert_eq!(team.next().await.unwrap(), [], "nothing to tell, but time has passed");
    assert_eq!(team.revision(), 4);
}

pub(crate) async fn a_watch_waits_and_may_be_cancelled(make: &Make) {
    let store = make(Setup::default());
    let mut watch = store.watch(backends(), 0).unwrap();
    assert!(watch.next().now_or_never().is_none(), "there is nothing yet");
    let (events, _) = join(watch.next(), done(&*store, put("a", Expect::Any, "1"))).await;
    assert_eq!(told(&events.unwrap()), ["1 created a 1"]);
    assert!(watch.next().now_or_never().is_none(), "and nothing is told twice");
    assert_eq!(watch.revision(), 1);
}

pub(crate) async fn a_watch_begins_in_the_past(make: &Make) {
    let store = make(Setup::default());
    busy(&*store, 5).await;
    let mut watch = store.watch(backends(), 3).unwrap();
    assert_eq!(watch.revision(), 3);
    assert_eq!(told(&until(&mut *watch, 5).await), ["4 updated busy 3 was 2", "5 updated busy 4 was 3"]);
}

pub(crate) async fn a_watch_in_the_future_is_refused(make: &Make) {
    let store = make(Setup::default());
    busy(&*store, 2).await;
    assert!(store.watch(backends(), 2).is_ok());
    let error = store.watch(backends(), 3).unwrap_err();
    assert_eq!(error, WatchError::Future { requested: 3, current: 2 });
}

pub(crate) async fn a_forgotten_past_is_refused(make: &Make) {
    let store = make(Setup::history(4));
    busy(&*store, 10).await;
    let error = store.watch(backends(), 3).unwrap_err();
    let WatchError::Compacted { requested: 3, oldest } = error else { panic!("{error}") };
    let mut watch = store.watch(backends(), oldest).unwrap();
    assert_eq!(until(&mut *watch, 10).await.len(), usize::try_from(10 - oldest).unwrap());
    assert!(store.watch(backends(), oldest - 1).is_err());
}

pub(crate) async fn a_slow_watch_stops_nobody(make: &Make) {
    let store = make(Setup::history(4));
    let mut slow = store.watch(backends(), 0).unwrap();
    let mut quick = store.watch(backends(), 0).unwrap();
    for revision in 1..=50 {
        busy(&*store, 1).await;
        assert_eq!(until(&mut *quick, revision).await.len(), 1);
    }
    let error = slow.next().await.unwrap_err();
    assert!(matches!(error, WatchError::Compacted { requested: 0, oldest } if oldest > 0), "{error}");
    assert!(slow.next().await.is_err(), "it does not go on after a gap");
}

pub(crate) async fn a_commit_arrives_whole(make: &Make) {
    const WRITES: usize = 2_500;
    let store = make(Setup::default());
    busy(&*store, 3).await;
    let writes = (0..WRITES).map(|index| put(&format!("b{index}"), Expect::Absent, "")).collect();
    store.commit(writes).await.unwrap();
    let mut watch = store.watch(backends(), 0).unwrap();
    let mut sizes = Vec::new();
    while watch.revision() < 4 {
        let before = watch.revision();
        let events = watch.next().await.unwrap();
        let of_the_last = events.iter().filter(|event| event.revision == 4).count();
        assert!(of_the_last == 0 || of_the_last == WRITES, "all or none");
        assert_eq!(events.last().unwrap().revision, watch.revision());
        assert!(watch.revision() > before);
        sizes.push(events.len());
    }
    assert_eq!(sizes.iter().sum::<usize>(), WRITES + 3);
}

pub(crate) async fn batches_are_bounded(make: &Make) {
    let store = make(Setup::default());
    for commit in 0..6 {
        let writes = (0..500).map(|index| put(&format!("b{commit}-{index}"), Expect::Absent, "")).collect();
        store.commit(writes).await.unwrap();
    }
    let mut watch = store.watch(backends(), 0).unwrap();
    let mut events = 0;
    while watch.revision() < 6 {
        let batch = watch.next().await.unwrap().len();
        assert!(batch <= 1_000, "{batch} events at once");
        events += batch;
    }
    assert_eq!(events, 3_000);
}

pub(crate) async fn many_narrow_watches_see_their_own(make: &Make) {
    let store = &*make(Setup::default());
    let namespace = |index: usize| format!("team-{index}");
    let watches: Vec<_> =
        (0..300).map(|index| store.watch(Prefix::namespace("routes.test", &namespace(index)), 0).unwrap()).collect();
    let follow = |mut watch: Box<dyn Watch>| async move { until(&mut *watch, 300).await };
    let writes = join_all(
        (0..300).map(|index| done(store, put_at(Key::new("routes.test", &namespace(index), "r"), Expect::Absent, ""))),
    );
    let (followed, _) = join(join_all(watches.into_iter().map(follow)), writes).await;
    for (index, events) in followed.iter().enumerate() {
        let seen: Vec<_> = events.iter().map(|event| event.change.entry().key.namespace().to_owned()).collect();
        assert_eq!(seen, [namespace(index)]);
    }
}

pub(crate) async fn a_watch_ends_with_the_store(make: &Make) {
    let store = make(Setup::default());
    let mut waiting = store.watch(backends(), 0).unwrap();
    busy(&*store, 2).await;
    let mut behind = store.watch(backends(), 1).unwrap();
    until(&mut *waiting, 2).await;
    assert!(waiting.next().now_or_never().is_none());
    drop(store);
    assert_eq!(waiting.next().await, Err(WatchError::Closed));
    assert_eq!(behind.next().await.unwrap().len(), 1, "what has happened is still told");
    assert_eq!(behind.next().await, Err(WatchError::Closed));
}
