use bytes::Bytes;

use super::*;

fn key(name: &str) -> Key {
    Key::new("backends.test", "", name)
}

fn put(name: &str, expect: Expect, value: &str) -> Write {
    Write { key: key(name), expect, operation: Operation::Put(Bytes::copy_from_slice(value.as_bytes())) }
}

fn delete(name: &str, expect: Expect) -> Write {
    Write { key: key(name), expect, operation: Operation::Delete }
}

#[test]
fn undoing_every_event_newest_first_gives_back_what_was() {
    let mut entries = Entries::new();
    apply(&mut entries, &mut Bases::default(), 1, vec![put("a", Expect::Absent, "1"), put("b", Expect::Absent, "1")])
        .unwrap();
    let before = entries.clone();
    let mut done = Vec::new();
    for (revision, writes) in [
        (2, vec![put("a", Expect::Any, "2"), delete("b", Expect::Any), put("c", Expect::Absent, "2")]),
        (3, vec![put("b", Expect::Absent, "3"), delete("c", Expect::Modified(2)), put("a", Expect::Present, "3")]),
    ] {
        done.push(apply(&mut entries, &mut Bases::default(), revision, writes).unwrap().1);
    }
    for event in done.iter().rev().flat_map(|events| events.iter().rev()) {
        undo(&mut entries, &event.change);
    }
    assert_eq!(entries, before);
}

#[test]
fn a_refused_commit_changes_nothing() {
    let mut entries = Entries::new();
    apply(&mut entries, &mut Bases::default(), 1, vec![put("a", Expect::Absent, "1")]).unwrap();
    let before = entries.clone();
    let error =
        apply(&mut entries, &mut Bases::default(), 2, vec![put("b", Expect::Any, "2"), put("a", Expect::Absent, "2")])
            .unwrap_err();
    assert!(matches!(error, CommitError::Conflict { current: Some(entry), .. } if entry.modified == 1));
    assert_eq!(entries, before);
}

#[test]
fn a_delete_that_expects_absence_never_holds() {
    let mut entries = Entries::new();
    assert!(apply(&mut entries, &mut Bases::default(), 1, vec![delete("a", Expect::Absent)]).is_err());
    apply(&mut entries, &mut Bases::default(), 1, vec![put("a", Expect::Absent, "1")]).unwrap();
    assert!(apply(&mut entries, &mut Bases::default(), 2, vec![delete("a", Expect::Absent)]).is_err());
}
