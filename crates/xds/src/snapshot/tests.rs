use bytes::Bytes;

use super::Snapshot;
use crate::{Resource, ResourceChange};

const TYPE: &str = "type.example/Thing";

fn put(name: &str, value: &'static str) -> ResourceChange {
    ResourceChange::Put(Resource::new(name, Bytes::from_static(value.as_bytes())))
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.resources(TYPE).map(|resource| &**resource.name()).collect()
}

fn changed(new: &Snapshot, old: &Snapshot) -> Vec<String> {
    new.changed_since(old, TYPE).into_iter().map(|name| name.to_string()).collect()
}

#[test]
fn a_version_is_the_hash_of_the_content_alone() {
    let resource = |name: &str, value| Resource::new(name, Bytes::from_static(value));
    assert_eq!(resource("a", b"content").version(), resource("b", b"content").version());
    assert_ne!(resource("a", b"content").version(), resource("a", b"other").version());
    // XXH3-128 of nothing, as its specification has it: the version does not depend on the build.
    assert_eq!(&**resource("a", b"").version(), "99aa06d3014798d86001c324468d497f");
}

#[test]
fn a_snapshot_does_not_change_when_another_is_made_from_it() {
    let first = Snapshot::empty().apply(1, TYPE, [put("b", "1"), put("a", "1")]);
    let second = first.apply(2, TYPE, [ResourceChange::Remove("a".into()), put("c", "1"), put("b", "2")]);
    assert_eq!((first.revision(), names(&first)), (1, vec!["a", "b"]));
    assert_eq!((second.revision(), names(&second), second.len(TYPE)), (2, vec!["b", "c"], 2));
    assert_eq!(first.get(TYPE, "b").unwrap().value(), "1");
    assert_eq!(second.get(TYPE, "b").unwrap().value(), "2");
    assert!(second.get(TYPE, "a").is_none() && second.get("type.example/Other", "b").is_none());
    assert!(!second.is_empty() && Snapshot::empty().is_empty());
}

#[test]
fn changes_that_change_nothing_are_dropped() {
    let first = Snapshot::empty().apply(1, TYPE, [put("a", "1")]);
    let kept = first.get(TYPE, "a").unwrap().clone();
    let second = first.apply(2, TYPE, [put("a", "1"), ResourceChange::Remove("never".into())]);
    assert!(std::sync::Arc::ptr_eq(&kept, second.get(TYPE, "a").unwrap()));
    assert!(changed(&second, &first).is_empty());
    assert_eq!(second.revision(), 2);
}

#[test]
fn a_type_is_not_known_for_changes_that_change_nothing() {
    let snapshot = Snapshot::empty().apply(1, TYPE, [ResourceChange::Remove("a".into())]);
    assert!(snapshot.kind(TYPE).is_none());
}

#[test]
fn the_last_of_several_changes_to_a_name_counts() {
    let snapshot = Snapshot::empty().apply(
        1,
        TYPE,
        [put("a", "1"), put("a", "2"), put("b", "1"), ResourceChange::Remove("b".into())],
    );
    assert_eq!(names(&snapshot), ["a"]);
    assert_eq!(snapshot.get(TYPE, "a").unwrap().value(), "2");
}

#[test]
fn what_changed_since_an_older_snapshot_is_found_in_the_log_or_without_it() {
    for capacity in [0, 1, 2, 3, 100] {
        let mut line = vec![Snapshot::with_log_capacity(capacity)];
        let steps = [
            vec![put("a", "1"), put("b", "1")],
            vec![put("b", "2")],
            vec![ResourceChange::Remove("a".into())],
            vec![put("c", "1")],
        ];
        for (revision, step) in (1..).zip(steps) {
            let next = line.last().unwrap().apply(revision, TYPE, step);
            line.push(next);
        }
        let since = |step: usize| changed(&line[4], &line[step]);
        assert_eq!((since(1), since(2)), (vec!["a".into(), "b".into(), "c".into()], vec!["a".into(), "c".into()]));
        assert_eq!((since(3), since(4)), (vec!["c".to_owned()], Vec::<String>::new()));
        assert!(since(0).contains(&"c".to_owned()) && since(0).contains(&"b".to_owned()));
    }
}

#[test]
fn several_steps_may_have_one_revision() {
    let first = Snapshot::empty().apply(9, TYPE, [put("a", "1")]);
    let second = first.apply(9, TYPE, [put("b", "1")]);
    let third = second.apply(9, "type.example/Other", [put("x", "1")]);
    assert_eq!(changed(&second, &first), ["b"]);
    assert!(changed(&third, &second).is_empty());
    assert_eq!((third.len(TYPE), third.len("type.example/Other")), (2, 1));
}

#[test]
fn the_log_answers_without_a_look_at_what_did_not_change() {
    let many = (0..1000).map(|number| put(&format!("{number:04}"), "1"));
    let first = Snapshot::empty().apply(1, TYPE, many);
    let second = first.apply(2, TYPE, [put("0500", "2")]);
    // A name that changed and changed back tells the log from a comparison.
    let third = second.apply(3, TYPE, [put("0500", "1")]);
    assert_eq!(changed(&third, &first), ["0500"]);
}
