//! What happens when the disk is full, fails, or loses power.

mod simulated;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;

use self::simulated::{Machine, Random};
use super::medium::Failures;
use super::*;
use crate::log::Record;
use crate::value::Bases;
use crate::{Expect, Key, Operation, transition};

/// Tries to recover with every commit.
fn options() -> Options {
    Options { recovery_interval: std::time::Duration::ZERO, ..Options::default() }
}

fn open(machine: &Machine) -> Embedded {
    Embedded::start(Box::new(machine.clone()), None, options()).unwrap()
}

fn write(name: &str, expect: Expect, value: usize) -> Write {
    let value = Bytes::from(format!("{value} {}", "x".repeat(value * 977 % 6000)));
    Write { key: Key::new("backends.test", "", name), expect, operation: Operation::Put(value) }
}

fn put(name: &str, value: usize) -> Vec<Write> {
    vec![write(name, Expect::Any, value)]
}

fn contents(snapshot: &Snapshot) -> Vec<Arc<crate::Entry>> {
    snapshot.list(&Prefix::all()).cloned().collect()
}

async fn events(store: &Embedded, after: Revision) -> Vec<crate::Event> {
    let mut watch = store.watch(Prefix::all(), after).unwrap();
    let mut events = Vec::new();
    while watch.revision() < store.snapshot().revision() {
        events.extend(watch.next().await.unwrap());
    }
    events
}

/// What is in memory is what a process that opens the disk now finds.
async fn assert_same_on_disk(store: Embedded, machine: &Machine) {
    let (memory, told) = (store.snapshot(), events(&store, 0).await);
    drop(store);
    let store = open(machine);
    assert_eq!(store.snapshot().revision(), memory.revision());
    assert_eq!(contents(&store.snapshot()), contents(&memory));
    assert_eq!(events(&store, 0).await, told);
}

#[tokio::test]
async fn a_full_disk_refuses_commits_until_there_is_space() {
    for writes in 0.. {
        let machine = Machine::default();
        let store = open(&machine);
        for value in 1..=5 {
            store.commit(put(&format!("b{value}"), value)).await.unwrap();
        }
        let before = store.snapshot();
        let mut watch = store.watch(Prefix::all(), before.revision()).unwrap();
        machine.space_for(writes);
        let large = (0..20).map(|index| write(&format!("large{index}"), Expect::Absent, 6)).collect();
        if store.commit(large).await.is_ok() {
            assert!(writes > 3, "the disk was full {writes} times");
            return;
        }
        for _ in 0..3 {
            let error = store.commit(put("b1", 9)).await.unwrap_err();
            assert!(
                matches!(&error, CommitError::Unavailable(reason) if reason.to_string().contains("space")),
                "{error}"
            );
        }
        assert!(!store.stats().writable);
        assert_eq!(store.snapshot().revision(), before.revision());
        assert_eq!(contents(&store.snapshot()), contents(&before));
        assert!(watch.next().now_or_never().is_none(), "nothing has happened");

        machine.space_for(usize::MAX);
        assert_eq!(store.commit(put("b1", 10)).await.unwrap().revision, before.revision() + 1);
        assert!(store.stats().writable);
        assert_eq!(machine.installs(), 1, "recovering takes no more space");
        assert_eq!(watch.next().await.unwrap().len(), 1);
        assert_same_on_disk(store, &machine).await;
    }
}

#[tokio::test]
async fn a_failed_sync_moves_the_store_to_a_new_file() {
    let machine = Machine::default();
    let store = open(&machine);
    for value in 1..=5 {
        store.commit(put(&format!("b{value}"), value)).await.unwrap();
    }
    machine.fail_syncs(true);
    for _ in 0..3 {
        assert!(matches!(store.commit(put("b1", 9)).await, Err(CommitError::Unavailable(_))));
    }
    assert_eq!(store.snapshot().revision(), 5);
    machine.fail_syncs(false);
    assert_eq!(store.commit(put("b1", 10)).await.unwrap().revision, 6);
    assert_eq!(machine.installs(), 2, "what the page cache shows of the old file may not be on the disk");
    store.commit(put("b7", 7)).await.unwrap();
    let (memory, told) = (store.snapshot(), events(&store, 0).await);
    let after_power_cut = open(&machine.power_cut(machine.operations(), &mut Random(1)));
    assert_eq!(contents(&after_power_cut.snapshot()), contents(&memory));
    assert_eq!(events(&after_power_cut, 0).await, told);
    assert_same_on_disk(store, &machine).await;
}

#[tokio::test]
async fn a_new_file_that_cannot_be_made_takes_no_space() {
    let machine = Machine::default();
    let store = open(&machine);
    machine.fail_syncs(true);
    store.commit(put("a", 1)).await.unwrap_err();
    machine.fail_syncs(false);
    machine.space_for(2);
    let error = store.commit(put("a", 1)).await.unwrap_err();
    assert!(matches!(&error, CommitError::Unavailable(reason) if reason.to_string().contains("space")), "{error}");
    assert!(!machine.has_replacement());
    machine.space_for(usize::MAX);
    store.commit(put("a", 1)).await.unwrap();
    assert_eq!(machine.installs(), 2);
    assert_same_on_disk(store, &machine).await;
}

#[tokio::test]
async fn a_group_fails_together() {
    let machine = Machine::default();
    let store = open(&machine);
    machine.hold_syncs();
    let mut first = store.commit(put("first", 1));
    assert!((&mut first).now_or_never().is_none());
    machine.wait_for_sync();
    let absent = |name| vec![write(name, Expect::Absent, 1)];
    let mut others: Vec<_> = ["a", "b", "a"].map(|name| store.commit(absent(name))).into();
    others.iter_mut().for_each(|commit| assert!(commit.now_or_never().is_none()));
    assert_eq!(store.stats().queue, 3);
    machine.release_one_sync_and_fill_up();
    first.await.unwrap();
    for result in join_all(others).await {
        // Also the second `a`: the first, with which it would conflict, was not done.
        assert!(matches!(result, Err(CommitError::Unavailable(_))), "{result:?}");
    }
    assert_eq!(store.stats().unavailable, 3);
    machine.space_for(usize::MAX);
    store.commit(absent("a")).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_one_disk_transaction() {
    let machine = Machine::default();
    let store = open(&machine);
    machine.hold_syncs();
    let mut first = store.commit(put("first", 1));
    assert!((&mut first).now_or_never().is_none());
    machine.wait_for_sync();
    let names: Vec<_> = (0..100).map(|index| format!("b{index}")).collect();
    let mut others: Vec<_> = names.iter().map(|name| store.commit(put(name, 1))).collect();
    others.iter_mut().for_each(|commit| assert!(commit.now_or_never().is_none()));
    assert_eq!(store.snapshot().revision(), 0, "nothing is shown that is not durable");
    machine.release_syncs();
    assert_eq!(first.await.unwrap().revision, 1);
    let revisions: Vec<_> = join_all(others).await.into_iter().map(|done| done.unwrap().revision).collect();
    assert_eq!(revisions, (2..=101).collect::<Vec<_>>());
    let stats = store.stats();
    assert_eq!((stats.commits, stats.groups, stats.queue), (101, 2, 0));
}

#[tokio::test]
async fn after_a_power_cut_every_acknowledged_commit_is_there() {
    let machine = Machine::default();
    let store = open(&machine);
    // What each revision is, and how far the disk was when it was acknowledged.
    let mut history = vec![(store.snapshot(), machine.operations())];
    for step in 1..=16_usize {
        let passing = write("passing", Expect::Any, step);
        let passing = match step % 2 {
            0 => Write { operation: Operation::Delete, ..passing },
            _ => passing,
        };
        let writes = vec![write(&format!("b{}", step % 5), Expect::Any, step), passing];
        store.commit(writes).await.unwrap();
        history.push((store.snapshot(), machine.operations()));
    }
    let told = events(&store, 0).await;
    let mut random = Random(7);
    for cut in history[0].1..=machine.operations() {
        for _ in 0..3 {
            let store = open(&machine.power_cut(cut, &mut random));
            let found = store.snapshot();
            let acknowledged = history.iter().filter(|(_, operations)| *operations <= cut).count() - 1;
            let revision = usize::try_from(found.revision()).unwrap();
            assert!(revision >= acknowledged, "{revision} of {acknowledged} at {cut}");
            assert_eq!(contents(&found), contents(&history[revision].0));
            let until = told.iter().filter(|event| event.revision <= found.revision()).cloned();
            assert_eq!(events(&store, 0).await, until.collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_power_cut_while_history_is_trimmed_loses_nothing() {
    let machine = Machine::default();
    let short = Options { history: crate::History { events: 2, ..crate::History::default() }, ..options() };
    let store = Embedded::start(Box::new(machine.clone()), None, short).unwrap();
    let mut history = vec![(store.snapshot(), machine.operations())];
    for step in 1..=14_usize {
        // Created, changed, removed, and created again: with each trimming in another order.
        let write = write(["a", "b", "c"][step % 3], Expect::Any, step);
        let exists = store.snapshot().get(&write.key).is_some();
        let operation = if exists && step % 4 == 0 { Operation::Delete } else { write.operation };
        store.commit(vec![Write { operation, ..write }]).await.unwrap();
        history.push((store.snapshot(), machine.operations()));
    }
    let mut random = Random(11);
    let mut oldest = Vec::new();
    for cut in history[0].1..=machine.operations() {
        let store = open(&machine.power_cut(cut, &mut random));
        let found = store.snapshot();
        let acknowledged = history.iter().filter(|(_, operations)| *operations <= cut).count() - 1;
        let revision = usize::try_from(found.revision()).unwrap();
        assert!(revision >= acknowledged, "{revision} of {acknowledged} at {cut}");
        assert_eq!(contents(&found), contents(&history[revision].0));
        let compacted = store.stats().compacted;
        let earlier = store.snapshot_at(compacted).unwrap();
        assert_eq!(contents(&earlier), contents(&history[usize::try_from(compacted).unwrap()].0));
        oldest.push(compacted);
    }
    assert!(oldest.is_sorted());
    oldest.dedup();
    assert!(oldest.len() > 3, "trimmed once only: {oldest:?}");
}

#[tokio::test]
async fn a_new_file_has_its_name_once_it_is_whole() {
    let machine = Machine::default();
    drop(open(&machine));
    let mut random = Random(3);
    for cut in machine.installed_at()..=machine.operations() {
        let store = open(&machine.power_cut(cut, &mut random));
        assert_eq!(store.commit(put("a", 1)).await.unwrap().revision, 1);
    }
}

#[test]
fn commits_on_disk_that_were_not_shown_are_taken_back() {
    let machine = Machine::default();
    let failures = Failures::default();
    let mut entries = transition::Entries::new();
    let mut record = |revision, writes| {
        let (_, events) = transition::apply(&mut entries, &mut Bases::default(), revision, writes).unwrap();
        (Record { revision, events }, entries.clone())
    };
    let delete = |name| Write { operation: Operation::Delete, ..write(name, Expect::Any, 0) };
    let (first, shown) = record(1, vec![write("a", Expect::Any, 1), write("b", Expect::Any, 1)]);
    let (second, _) = record(2, vec![write("a", Expect::Any, 2), delete("b"), write("c", Expect::Any, 2)]);
    let (third, _) = record(3, vec![write("a", Expect::Any, 3), write("b", Expect::Any, 3), delete("c")]);

    let (mut disk, _) = disk::open(&machine, &options()).unwrap();
    disk.append(&[first.clone(), second, third], 0).unwrap();
    drop(disk);
    let shown = Snapshot::new(1, shown);
    let published =
        Published::new(shown.clone(), 0, vec![first], crate::History::default(), crate::Retention::default());
    drop(disk::reopen(&machine, &options(), &failures, &published).unwrap());
    let (_disk, loaded) = disk::open(&machine, &options()).unwrap();
    assert_eq!(loaded.snapshot.revision(), 1);
    assert_eq!(contents(&loaded.snapshot), contents(&shown));
    assert_eq!(loaded.records.len(), 1);
}

#[test]
fn another_format_is_refused() {
    let machine = Machine::default();
    let database = redb::Database::builder().create_with_backend(machine.replacement().unwrap()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table::META).unwrap().insert(table::FORMAT, 99).unwrap();
    transaction.commit().unwrap();
    drop(database);
    machine.install().unwrap();
    let reason = Embedded::start(Box::new(machine), None, options()).unwrap_err();
    assert_eq!(reason.to_string(), "it has format 99, this version reads format 2");
}

#[tokio::test]
async fn objects_of_the_first_format_are_kept() {
    let machine = Machine::default();
    let database = redb::Database::builder().create_with_backend(machine.replacement().unwrap()).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut objects = transaction.open_table(table::OBJECTS).unwrap();
        objects.insert("backends.test//a", (3, 7, &b"seven"[..])).unwrap();
        let undo = redb::TableDefinition::<(u64, u32), (u8, &str, u64, u64, &[u8])>::new("events");
        let six = (1, "backends.test//a", 3, 6, &b"six"[..]);
        transaction.open_table(undo).unwrap().insert((7, 0), six).unwrap();
        let mut meta = transaction.open_table(table::META).unwrap();
        for (name, number) in [(table::FORMAT, 1), ("revision", 7), (table::COMPACTED, 2)] {
            meta.insert(name, number).unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(database);
    machine.install().unwrap();
    for revision in [8, 9] {
        let store = open(&machine);
        let stored = store.snapshot().get(&Key::new("backends.test", "", "a")).cloned().unwrap();
        assert_eq!((stored.created, stored.modified, &*stored.value.bytes()), (3, 7, &b"seven"[..]));
        assert_eq!(store.watch(Prefix::all(), 6).unwrap_err(), WatchError::Compacted { requested: 6, oldest: 7 });
        assert_eq!(store.commit(put("b", 1)).await.unwrap().revision, revision);
        assert_eq!(events(&store, 7).await.len(), usize::try_from(revision - 7).unwrap());
    }
}
