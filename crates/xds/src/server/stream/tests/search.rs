//! A client that refuses without saying what gets what it refused in smaller parts, until it has all but what is at fault.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::btree_set;
use proptest::prelude::*;

use super::{Bench, TYPE, content, nack, put, remove, request};
use crate::Snapshot;
use crate::server::{Event, Options, TypeRule};

/// A bench whose type isolates what is refused, with `a` to `d`.
fn bench(max_search_responses: usize) -> Bench {
    let types = vec![TypeRule { isolates: true, ..TypeRule::of(TYPE) }];
    let snapshot = Snapshot::empty().apply(1, TYPE, ["a", "b", "c", "d"].map(|name| put(name, "1")));
    let mut bench = Bench::with_options(snapshot, Options { types, max_search_responses, ..Options::default() });
    bench.request(request(&[], &[], &[])).unwrap();
    bench
}

/// Names of the last response.
fn last(bench: &Bench) -> Vec<String> {
    content(bench.responses.last().unwrap()).0.into_iter().map(|(name, _)| name).collect()
}

/// The names told to be refused.
fn refused(bench: &Bench) -> Vec<String> {
    let told = bench.events.iter().filter_map(|event| match event {
        Event::Rejected { rejected, .. } => Some(rejected.iter().map(|one| one.name.to_string())),
        _ => None,
    });
    told.flatten().collect()
}

fn is_synchronized(bench: &Bench) -> bool {
    matches!(bench.events.last(), Some(Event::Synchronized { .. }))
}

#[test]
fn what_is_at_fault_is_found_and_the_rest_is_in_place() {
    let mut bench = bench(256);
    let mut sent = Vec::new();
    for bad in [true, false, true, false, true] {
        assert!(!is_synchronized(&bench));
        sent.push(last(&bench).concat());
        bench.answer_last(bad.then(|| nack("no").unwrap()));
    }
    assert_eq!(sent, ["abcd", "ab", "cd", "c", "d"]);
    assert_eq!(refused(&bench), ["d"]);
    let searching = bench.events.iter().filter(|event| matches!(event, Event::Searching { .. })).count();
    assert_eq!((searching, bench.responses.len()), (2, 5));
    assert!(is_synchronized(&bench));
    // Once it is known, it is not sent again.
    bench.apply([put("e", "1")]);
    assert_eq!(last(&bench), ["e"]);
}

#[test]
fn what_has_changed_meanwhile_is_sent_as_it_is_now_and_what_is_gone_is_not() {
    let mut bench = bench(256);
    bench.answer_last(nack("no"));
    assert_eq!(last(&bench), ["a", "b"]);
    bench.apply([put("c", "2"), remove("d")]);
    bench.answer_last(None);
    let next = content(bench.responses.last().unwrap());
    assert_eq!(next, (vec![("c".to_owned(), "2".to_owned())], vec!["d".to_owned()]));
    bench.answer_last(None);
    assert_eq!(refused(&bench), Vec::<String>::new());
    assert!(is_synchronized(&bench));
}

#[test]
fn what_is_wanted_no_more_is_not_looked_into() {
    let types = vec![TypeRule { isolates: true, ..TypeRule::of(TYPE) }];
    let snapshot = Snapshot::empty().apply(1, TYPE, ["a", "b", "c", "d"].map(|name| put(name, "1")));
    let mut bench = Bench::with_options(snapshot, Options { types, ..Options::default() });
    bench.request(request(&["a", "b", "c", "d"], &[], &[])).unwrap();
    bench.answer_last(nack("no"));
    bench.request(request(&[], &["c", "d"], &[])).unwrap();
    bench.answer_last(None);
    assert!(is_synchronized(&bench), "{:?}", bench.events);
    assert_eq!(bench.responses.len(), 2);
}

#[test]
fn a_search_costs_no_more_responses_than_it_may() {
    for most in 0..8 {
        let mut bench = bench(most);
        let mut answered = 0;
        while answered < bench.responses.len() {
            answered = bench.responses.len();
            bench.answer_last(nack("no"));
        }
        assert!(bench.responses.len() <= 1 + most, "{most}: {}", bench.responses.len());
        // Found or not, what was refused is told, each once.
        let mut names = refused(&bench);
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c", "d"], "{most}");
        assert!(is_synchronized(&bench));
    }
}

#[test]
fn a_type_that_does_not_isolate_counts_all_as_refused() {
    let mut bench = Bench::new(Snapshot::empty().apply(1, TYPE, [put("a", "1"), put("b", "1")]));
    bench.request(request(&[], &[], &[])).unwrap();
    bench.answer_last(nack("no"));
    assert_eq!((refused(&bench).concat().as_str(), bench.responses.len()), ("ab", 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A client that applies nothing of a response of which it refuses anything.
    #[test]
    fn exactly_what_is_bad_is_refused(
        count in 1_usize..40,
        bad in btree_set(0_usize..40, 0..6),
        max_response_bytes in prop_oneof![Just(100_usize), Just(400), Just(1 << 20)],
    ) {
        let name = |number: usize| format!("r{number:02}");
        let types = vec![TypeRule { isolates: true, ..TypeRule::of(TYPE) }];
        let snapshot = Snapshot::empty().apply(1, TYPE, (0..count).map(|number| put(&name(number), "1")));
        let mut bench = Bench::with_options(snapshot, Options { types, max_response_bytes, ..Options::default() });
        let bad: BTreeSet<String> = bad.into_iter().filter(|number| *number < count).map(name).collect();
        bench.request(request(&[], &[], &[])).unwrap();
        let (mut answered, mut held) = (0, BTreeMap::new());
        while answered < bench.responses.len() {
            answered = bench.responses.len();
            let (resources, _) = content(bench.responses.last().unwrap());
            let refuses = resources.iter().any(|(name, _)| bad.contains(name));
            if !refuses {
                held.extend(resources);
            }
            bench.answer_last(refuses.then(|| nack("no").unwrap()));
        }
        let wanted: Vec<String> = (0..count).map(name).filter(|name| !bad.contains(name)).collect();
        prop_assert_eq!(held.into_keys().collect::<Vec<_>>(), wanted);
        prop_assert_eq!(refused(&bench).into_iter().collect::<BTreeSet<_>>(), bad);
        prop_assert!(is_synchronized(&bench));
    }
}
