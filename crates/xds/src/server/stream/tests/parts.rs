use std::collections::BTreeSet;

use super::{Bench, TYPE, content, put, remove, request};
use crate::server::Options;
use crate::{ResourceChange, Snapshot};

/// Three of these fit into one response.
fn big(name: &str, letter: &str) -> ResourceChange {
    put(name, &letter.repeat(1000))
}

fn bench(snapshot: Snapshot) -> Bench {
    Bench::with_options(snapshot, Options { max_response_bytes: 3_500, ..Options::default() })
}

fn names(bench: &Bench, response: usize) -> Vec<String> {
    content(&bench.responses[response]).0.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_large_response_is_split_in_the_order_of_names_and_removals_come_last() {
    let snapshot = Snapshot::empty().apply(1, TYPE, ["d", "a", "e", "b", "c"].map(|name| big(name, "x")));
    let mut bench = bench(snapshot);
    bench.request(request(&[], &[], &[("gone", "1")])).unwrap();
    assert_eq!(bench.responses.len(), 1, "the second part waits for the answer to the first");
    assert_eq!(names(&bench, 0), ["a", "b", "c"]);
    assert!(bench.responses[0].removed_resources.is_empty());
    bench.answer_last(None);
    assert_eq!(names(&bench, 1), ["d", "e"]);
    assert_eq!(bench.responses[1].removed_resources, ["gone"]);
    bench.answer_last(None);
    assert_eq!(bench.responses.len(), 2);
}

#[test]
fn the_parts_of_a_first_state_are_of_one_snapshot_and_what_changed_since_follows() {
    let snapshot = Snapshot::empty().apply(1, TYPE, ["a", "b", "c", "d", "e"].map(|name| big(name, "x")));
    let mut bench = bench(snapshot);
    bench.request(request(&[], &[], &[])).unwrap();
    bench.apply([big("a", "y"), big("d", "y"), remove("b"), remove("e")]);
    bench.answer_last(None);
    let (resources, removed) = content(&bench.responses[1]);
    assert_eq!(resources, [("d".to_owned(), "x".repeat(1000)), ("e".to_owned(), "x".repeat(1000))]);
    assert!(removed.is_empty());
    bench.answer_last(None);
    let (resources, removed) = content(&bench.responses[2]);
    assert_eq!(resources, [("a".to_owned(), "y".repeat(1000)), ("d".to_owned(), "y".repeat(1000))]);
    assert_eq!(removed, ["b", "e"]);
    bench.answer_last(None);
    assert_eq!(bench.responses.len(), 3);
}

#[test]
fn a_resource_that_is_too_large_for_any_response_travels_alone() {
    let huge = put("b", &"x".repeat(10_000));
    let snapshot = Snapshot::empty().apply(1, TYPE, [big("a", "x"), huge, big("c", "x")]);
    let mut bench = bench(snapshot);
    bench.request(request(&[], &[], &[])).unwrap();
    bench.answer_last(None);
    bench.answer_last(None);
    bench.answer_last(None);
    let parts: Vec<_> = (0..bench.responses.len()).map(|part| names(&bench, part)).collect();
    assert_eq!(parts, [["a"], ["b"], ["c"]]);
}

#[test]
fn many_removals_are_split_too() {
    let names: Vec<String> = (0..200).map(|number| format!("{number:0>40}")).collect();
    let snapshot = Snapshot::empty().apply(1, TYPE, names.iter().map(|name| put(name, "1")));
    let mut bench = bench(snapshot);
    let held: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    bench.request(request(&[], &[], &held)).unwrap();
    bench.answer_last(None);
    bench.apply(names.iter().map(|name| remove(name)));
    bench.answer_last(None);
    bench.answer_last(None);
    bench.answer_last(None);
    let removed: Vec<_> = bench.responses.iter().flat_map(|response| &response.removed_resources).collect();
    assert!(bench.responses.len() > 2);
    assert_eq!(removed.len(), names.len());
    assert_eq!(removed.into_iter().collect::<BTreeSet<_>>(), names.iter().collect());
}

#[test]
fn a_snapshot_of_another_line_is_compared() {
    let first = Snapshot::empty().apply(7, TYPE, [put("a", "1"), put("b", "1"), put("c", "1")]);
    let mut bench = Bench::new(first);
    bench.request(request(&[], &[], &[])).unwrap();
    bench.answer_last(None);
    // Made anew, as a control plane may do when it loses its own state: same revision, other content.
    let second = Snapshot::empty().apply(7, TYPE, [put("b", "1"), put("c", "2"), put("d", "1")]);
    bench.stream.snapshot(second);
    bench.drain();
    let (resources, removed) = content(&bench.responses[1]);
    assert_eq!(resources, [("c".to_owned(), "2".to_owned()), ("d".to_owned(), "1".to_owned())]);
    assert_eq!(removed, ["a"]);
}

#[test]
fn a_reconnect_to_another_replica_costs_nothing() {
    let resources = || [put("a", "1"), put("b", "1")];
    let mut bench = Bench::new(Snapshot::empty().apply(3, TYPE, resources()));
    bench.request(request(&[], &[], &[])).unwrap();
    let held = bench.responses[0].resources.iter().map(|resource| (resource.name.clone(), resource.version.clone()));
    let mut resumed = request(&[], &[], &[]);
    resumed.initial_resource_versions = held.collect();

    let mut replica = Bench::new(Snapshot::empty().apply(900, TYPE, resources()));
    replica.request(resumed).unwrap();
    assert_eq!(content(&replica.responses[0]), (Vec::new(), Vec::new()));
}

#[test]
fn what_counts_as_bulk_is_the_size_of_what_is_due_and_in_flight() {
    let options = Options { bulk_bytes: 2_500, ..Options::default() };
    let snapshot = Snapshot::empty().apply(1, TYPE, ["a", "b", "c"].map(|name| big(name, "x")));
    let mut bench = Bench::with_options(snapshot.clone(), options);
    bench.stream.request(request(&[], &[], &[])).unwrap();
    assert!(bench.stream.is_bulk() && !bench.stream.is_bulk_in_flight());
    bench.drain();
    assert!(!bench.stream.is_bulk() && bench.stream.is_bulk_in_flight());
    bench.answer_last(None);
    assert!(!bench.stream.is_bulk() && !bench.stream.is_bulk_in_flight());
    bench.stream.snapshot(snapshot.apply(2, TYPE, [big("a", "y"), big("b", "y")]));
    assert!(!bench.stream.is_bulk(), "two of three are not bulk");
    bench.drain();
    assert!(bench.responses.len() == 2 && !bench.stream.is_bulk_in_flight());
}
