#![allow(clippy::unwrap_used)]

use backstay_store::{Expect, Key, Memory, Operation, Write, origin};
use http::HeaderMap;

use super::*;

const PARENT: &str = "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01";

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::new(pairs.iter().map(|(name, value)| (format!("OTEL_{name}"), (*value).to_owned())))
}

fn told(pairs: &[(&str, &str)]) -> (Changes, Option<Queue<v1::Span>>) {
    let endpoint = [("EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")];
    let changes = Changes::new(&environment(&[&endpoint[..], pairs].concat())).unwrap();
    let spans = changes.spans(&Arc::default());
    (changes, spans)
}

fn headers(parent: &str) -> HeaderMap {
    [(http::HeaderName::from_static("traceparent"), parent.parse().unwrap())].into_iter().collect()
}

/// Commits something in the name of a request, and tells its revision.
async fn commit(changes: &Changes, parent: &str) -> u64 {
    let store = Commits::of(Arc::new(Memory::default()), changes);
    let request = Arc::new(Request::begin(changes, &headers(parent)).unwrap());
    let key = Key::new("things.example", "", "one");
    let write = Write { key, expect: Expect::Absent, operation: Operation::Put("{}".into()) };
    // As a request that is done to its end in another task.
    let work = async { tokio::spawn(origin::carry(async move { store.commit(vec![write]).await })).await };
    origin::within(request, work).await.unwrap().unwrap().revision
}

fn names(spans: &Queue<v1::Span>) -> Vec<String> {
    spans.waiting().into_iter().map(|span| span.name).collect()
}

fn fleets(names: &[&str]) -> impl Iterator<Item = Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>().into_iter()
}

#[tokio::test]
async fn a_change_is_followed_to_the_proxies_that_it_concerns() {
    let (changes, spans) = told(&[]);
    let spans = spans.unwrap();
    let revision = commit(&changes, PARENT).await;
    let (now, edge, other) = (Instant::now(), Arc::from("edge"), Arc::from("other"));
    changes.compiled(revision, (now, now), fleets(&["edge"]));
    changes.sent(revision, StreamId(1), &edge, "a");
    changes.sent(revision, StreamId(2), &other, "b");
    changes.sent(revision + 1, StreamId(3), &edge, "c");
    changes.refused(revision, StreamId(1), "no such port");
    changes.answered(revision, StreamId(1));
    changes.answered(revision, StreamId(2));
    changes.answered(revision + 1, StreamId(1));
    changes.answered(revision + 1, StreamId(3));
    assert_eq!(names(&spans), ["commit", "compile", "send", "send", "acknowledge", "acknowledge"]);
    let all = spans.waiting();
    assert!(
        all.iter()
            .all(|span| span.trace_id[..] == *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10")
    );
    assert!(all[1..].iter().all(|span| span.parent_span_id == all[0].span_id));
    let errors: Vec<_> = all.iter().filter_map(|span| span.status.as_ref()).map(|status| &*status.message).collect();
    assert_eq!(errors, ["no such port"]);
}

#[tokio::test]
async fn what_is_compiled_before_its_commit_is_heard_of_is_not_missed() {
    let (changes, spans) = told(&[]);
    let (now, edge) = (Instant::now(), Arc::from("edge"));
    changes.compiled(1, (now, now), fleets(&["edge"]));
    changes.sent(1, StreamId(1), &edge, "a");
    assert_eq!(commit(&changes, PARENT).await, 1);
    changes.answered(1, StreamId(1));
    assert_eq!(names(&spans.unwrap()), ["commit", "compile", "send", "acknowledge"]);
}

#[tokio::test]
async fn what_concerns_no_fleet_is_over_and_old_changes_are_given_up() {
    let (changes, _) = told(&[]);
    let pending = || changes.0.as_ref().unwrap().lock().pending.len();
    let revision = commit(&changes, PARENT).await;
    assert_eq!(pending(), 1);
    let now = Instant::now();
    changes.compiled(revision, (now, now), fleets(&[]));
    assert_eq!(pending(), 0);
    let request = Arc::new(Request::begin(&changes, &headers(PARENT)).unwrap());
    (10..1000).for_each(|revision| changes.committed(&request, revision, (now, now)));
    assert_eq!(pending(), MOST);
}

#[test]
fn who_is_not_sampled_pays_nothing() {
    let unsampled = PARENT.replace("-01", "-00");
    let (changes, _) = told(&[]);
    assert!(Request::begin(&changes, &headers(&unsampled)).is_none());
    assert!(Request::begin(&changes, &HeaderMap::new()).is_some(), "without a caller each change is followed");
    for pairs in [("TRACES_EXPORTER", "none"), ("TRACES_SAMPLER", "always_off"), ("SDK_DISABLED", "true")] {
        assert!(told(&[pairs]).1.is_none(), "{pairs:?}");
    }
    assert!(Changes::new(&environment(&[])).unwrap().0.is_none());
    assert!(Changes::new(&environment(&[("TRACES_SAMPLER", "no")])).is_err());
}
