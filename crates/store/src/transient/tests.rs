use std::time::{Duration, Instant};

use super::{Bounds, Forgotten, Transient};
use crate::{Change, CommitError, Expect, Key, Operation, Prefix, Store, Write};

fn key(name: &str) -> Key {
    Key::new("events", "default", name)
}

fn put(name: &str, bytes: usize) -> Vec<Write> {
    vec![Write { key: key(name), expect: Expect::Any, operation: Operation::Put(vec![b'x'; bytes].into()) }]
}

fn names(store: &Transient) -> Vec<String> {
    store.snapshot().list(&Prefix::all()).map(|entry| entry.key.name().to_owned()).collect()
}

#[test]
fn the_oldest_make_room_for_what_is_one_too_many() {
    let store = Transient::new(Bounds { objects: 2, ..Bounds::default() });
    let now = Instant::now();
    for name in ["a", "b", "a", "c"] {
        store.commit_at(put(name, 1), now).unwrap();
    }
    assert_eq!(names(&store), ["a", "c"], "what was written again is not the oldest");
    assert_eq!(store.forgotten(), Forgotten { objects: 1, ..Forgotten::default() });
}

#[test]
fn the_oldest_make_room_for_what_is_too_large() {
    let store = Transient::new(Bounds { bytes: 100, value_bytes: 60, ..Bounds::default() });
    let now = Instant::now();
    store.commit_at(put("a", 40), now).unwrap();
    store.commit_at(put("a", 50), now).unwrap();
    store.commit_at(put("b", 50), now).unwrap();
    assert_eq!(names(&store), ["b"]);
    assert_eq!(store.forgotten().bytes, 1);
    assert_eq!(store.bytes(), 50 + "events/default/b".len());
    assert!(matches!(store.commit_at(put("c", 61), now), Err(CommitError::Refused(_))));
}

#[test]
fn what_is_old_goes() {
    let store = Transient::new(Bounds { age: Duration::from_secs(60), ..Bounds::default() });
    let begin = Instant::now();
    let at = |second: u64| begin + Duration::from_secs(second);
    store.commit_at(put("a", 1), at(0)).unwrap();
    store.commit_at(put("b", 1), at(10)).unwrap();
    store.commit_at(put("a", 1), at(30)).unwrap();
    assert_eq!(store.expire(at(69)), Some(at(70)));
    assert_eq!(store.expire(at(75)), Some(at(90)));
    assert_eq!(names(&store), ["a"]);
    assert_eq!(store.expire(at(90)), None);
    assert_eq!(names(&store), [""; 0]);
    assert_eq!((store.forgotten().age, store.bytes()), (2, 0));
}

#[tokio::test]
async fn a_watch_is_told_of_what_is_forgotten() {
    let store = Transient::new(Bounds { objects: 1, ..Bounds::default() });
    let mut watch = store.watch(Prefix::all(), store.snapshot().revision()).unwrap();
    for name in ["a", "b"] {
        store.commit_at(put(name, 1), Instant::now()).unwrap();
    }
    let events = watch.next().await.unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| (matches!(event.change, Change::Deleted(_)), event.change.entry().key.name().to_owned()))
        .collect();
    assert_eq!(told, [(false, "a".to_owned()), (false, "b".to_owned()), (true, "a".to_owned())]);
}

#[test]
fn what_is_written_again_and_again_takes_one_place() {
    let store = Transient::new(Bounds::default());
    for _ in 0..10_000 {
        store.commit_at(put("a", 1), Instant::now()).unwrap();
    }
    assert!(store.lock().order.len() <= 66);
    let delete = Write { key: key("a"), expect: Expect::Present, operation: Operation::Delete };
    store.commit_at(vec![delete], Instant::now()).unwrap();
    assert_eq!((store.bytes(), store.expire(Instant::now())), (0, None));
}

#[test]
fn revisions_of_earlier_processes_are_in_the_past() {
    let store = Transient::new(Bounds::default());
    let revision = store.snapshot().revision();
    assert!(revision > 1_700_000_000_000_000, "they are microseconds since 1970");
    assert!(store.watch(Prefix::all(), revision - 1).is_err(), "that is too old");
}
