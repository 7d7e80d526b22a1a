use bytes::Bytes;

use super::*;
use crate::{Entry, Key};

fn record(revision: Revision, events: usize) -> Record {
    let event = |index| {
        let key = Key::new("backends.test", "", &format!("b{index}"));
        let entry =
            Entry { key, value: Bytes::from_static(b"0123456789").into(), created: revision, modified: revision };
        Event { revision, change: Change::Created(Arc::new(entry)) }
    };
    Record { revision, events: (0..events).map(event).collect() }
}

fn log(limits: History) -> Log {
    Log::new(0, 0, Vec::new(), limits)
}

fn revisions(records: &[Record]) -> Vec<Revision> {
    records.iter().map(|record| record.revision).collect()
}

#[test]
fn a_batch_is_bounded_but_never_splits_a_commit() {
    let log = log(History::default());
    log.append(vec![record(1, 2), record(2, 2), record(3, 50), record(4, 1)]);
    assert_eq!(revisions(&log.read(0, 4, 3).unwrap()), [1]);
    assert_eq!(revisions(&log.read(0, 4, 4).unwrap()), [1, 2]);
    assert_eq!(revisions(&log.read(2, 4, 3).unwrap()), [3]);
    assert_eq!(revisions(&log.read(3, 4, 3).unwrap()), [4]);
    assert_eq!(revisions(&log.read(4, 4, 3).unwrap()), [0; 0]);
}

#[test]
fn nothing_is_read_before_it_is_announced() {
    let log = log(History::default());
    log.append(vec![record(1, 1), record(2, 1)]);
    assert_eq!(revisions(&log.read(0, 1, 10).unwrap()), [1]);
}

#[test]
fn revisions_may_have_gaps() {
    let log = Log::new(10, 10, Vec::new(), History::default());
    log.append(vec![record(14, 1), record(20, 1)]);
    assert_eq!(revisions(&log.read(12, 20, 10).unwrap()), [14, 20]);
    assert_eq!(revisions(&log.read(14, 20, 10).unwrap()), [20]);
}

#[test]
fn the_oldest_go_when_there_are_too_many_events() {
    let log = log(History { events: 3, ..History::default() });
    log.append(vec![record(1, 1), record(2, 2)]);
    assert_eq!(log.extent().floor, 0);
    log.append(vec![record(3, 1)]);
    assert_eq!(log.extent().floor, 1);
    assert_eq!(log.read(0, 3, 10).unwrap_err(), 1);
    assert_eq!(revisions(&log.read(1, 3, 10).unwrap()), [2, 3]);
}

#[test]
fn the_oldest_go_when_they_hold_too_many_bytes() {
    let one = record(1, 1).bytes();
    let log = log(History { bytes: 2 * one, ..History::default() });
    log.append(vec![record(1, 1), record(2, 1), record(3, 1)]);
    let extent = log.extent();
    assert_eq!((extent.floor, extent.events, extent.bytes), (1, 2, 2 * one));
}

#[test]
fn the_newest_commit_stays_however_large() {
    let log = log(History { events: 1, bytes: 1 });
    log.append(vec![record(1, 1), record(2, 5)]);
    assert_eq!(revisions(&log.read(1, 2, 10).unwrap()), [2]);
}
