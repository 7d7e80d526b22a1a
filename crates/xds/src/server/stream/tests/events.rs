use std::collections::BTreeSet;

use backstay_proto::config;
use backstay_proto::discovery::{Any, DeltaDiscoveryRequest, Status};

use super::{Bench, TYPE, nack, pairs, put, remove, request, version};
use crate::server::{Event, Options, Rejection, Stream, StreamId};
use crate::{Snapshot, Variant, refusal};

fn bench() -> Bench {
    let mut bench = Bench::new(Snapshot::empty().apply(5, TYPE, [put("a", "1"), put("b", "1")]));
    bench.request(request(&[], &[], &[("gone", "1")])).unwrap();
    bench
}

fn refusing(rejections: &[(&str, &str, &str)]) -> Option<Status> {
    let rejection = |&(name, field, message): &(&str, &str, &str)| config::Rejection {
        name: name.to_owned(),
        version: String::new(),
        field: field.to_owned(),
        message: message.to_owned(),
    };
    let details = refusal::details(rejections.iter().map(rejection).collect());
    Some(Status { code: 3, message: "some are bad".to_owned(), details: vec![details] })
}

fn rejection(name: &str, value: &str, field: &str, message: &str) -> Rejection {
    let (name, version) = (name.into(), version(value).into());
    Rejection { name, version, field: field.to_owned(), message: message.to_owned() }
}

/// The rejections told last, and whether the rest was applied.
fn rejected(bench: &Bench) -> (Vec<Rejection>, bool) {
    let told = bench.events.iter().rev().find_map(|event| match event {
        Event::Rejected { rejected, partial, .. } => Some((rejected.clone(), *partial)),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn what_is_sent_and_acknowledged_is_told_with_its_revision() {
    let mut bench = bench();
    let all = vec![("a".to_owned(), version("1")), ("b".to_owned(), version("1"))];
    let [Event::Sent { type_url, revision: 5, nonce, resources, removed }] = &bench.events[..] else {
        panic!("{:?}", bench.events)
    };
    assert_eq!((&**type_url, pairs(resources)), (TYPE, all.clone()));
    assert_eq!(removed.iter().map(|name| &**name).collect::<Vec<_>>(), ["gone"]);
    assert_eq!(**nonce, bench.responses[0].nonce);

    bench.answer_last(None);
    let [_, Event::Acknowledged { revision: 5, nonce, resources, removed, .. }, synchronized] = &bench.events[..]
    else {
        panic!("{:?}", bench.events)
    };
    assert_eq!((&**nonce, pairs(resources), removed.len()), (bench.responses[0].nonce.as_str(), all, 1));
    assert!(matches!(synchronized, Event::Synchronized { revision: 5, .. }), "{synchronized:?}");
}

#[test]
fn a_revision_that_does_not_concern_a_stream_is_told_as_synchronized() {
    let mut bench = bench();
    bench.answer_last(None);
    bench.events.clear();
    bench.apply([]);
    bench.apply([put("a", "1"), remove("never")]);
    let revision = |event: &Event| match event {
        Event::Synchronized { revision, .. } => *revision,
        other => panic!("{other:?}"),
    };
    assert_eq!(bench.events.iter().map(revision).collect::<Vec<_>>(), [6, 7]);
}

#[test]
fn nothing_is_synchronized_while_a_response_is_in_flight_or_more_is_to_come() {
    let options = Options { max_response_bytes: 1, ..Options::default() };
    let mut bench = Bench::with_options(Snapshot::empty().apply(5, TYPE, [put("a", "1"), put("b", "1")]), options);
    bench.request(request(&[], &[], &[])).unwrap();
    bench.answer_last(None);
    bench.apply([]);
    let synchronized = |bench: &Bench| bench.events.iter().any(|event| matches!(event, Event::Synchronized { .. }));
    assert!(!synchronized(&bench), "the second part is in flight: {:?}", bench.events);
    bench.answer_last(None);
    assert!(matches!(bench.events.last(), Some(Event::Synchronized { revision: 6, .. })));
}

#[test]
fn named_rejections_leave_the_rest_applied() {
    let mut bench = bench();
    bench.answer_last(refusing(&[
        ("b", "tls.secrets[0]", "no such secret"),
        ("not sent", "", "?"),
        ("b", "", "again"),
    ]));
    let told = vec![rejection("b", "1", "tls.secrets[0]", "no such secret"), rejection("b", "1", "", "again")];
    assert_eq!(rejected(&bench), (told, true));
    let Some(Event::Rejected { message, resources, removed, details, revision: 5, .. }) = bench.events.get(1) else {
        panic!("{:?}", bench.events)
    };
    assert_eq!((message.as_str(), resources.len(), removed.len(), details.len()), ("some are bad", 2, 1, 1));

    bench.apply([put("a", "2")]);
    let names: Vec<_> = bench.responses[1].resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["a"], "what was refused is not sent again until it changes");
    bench.answer_last(None);
    bench.apply([put("b", "2")]);
    assert_eq!(bench.responses[2].resources[0].name, "b");
}

#[test]
fn of_a_resource_no_more_faults_are_heard_than_a_proxy_names() {
    let mut bench = bench();
    let faults: Vec<_> = (0..100).map(|number| ("b", if number == 16 { "last" } else { "" }, "no")).collect();
    bench.answer_last(refusing(&[faults, vec![("a", "", "no")]].concat()));
    let (told, partial) = rejected(&bench);
    assert_eq!((told.len(), told[16].field.as_str(), &*told[17].name, partial), (18, "last", "a", true));
}

#[test]
fn a_refusal_that_names_nothing_of_the_response_refuses_all_of_it() {
    let whole = |message| (vec![rejection("a", "1", "", message), rejection("b", "1", "", message)], false);
    let garbage = Any { type_url: refusal::REJECTIONS_TYPE_URL.to_owned(), value: vec![0xff, 0xff].into() };
    let garbage = Status { code: 3, message: "garbage".to_owned(), details: vec![garbage] };
    let foreign = Any { type_url: "type.example/Foreign".to_owned(), value: vec![1].into() };
    let foreign = Status { code: 13, message: "foreign".to_owned(), details: vec![foreign] };
    let cases = [
        (nack("plain"), "plain"),
        // It is the presence of an error that refuses, not its code.
        (Some(Status::default()), ""),
        (Some(garbage), "garbage"),
        (Some(foreign), "foreign"),
        (refusing(&[]), "some are bad"),
        (refusing(&[("not sent", "", "?")]), "some are bad"),
    ];
    for (error, message) in cases {
        let mut bench = bench();
        bench.answer_last(error);
        assert_eq!(rejected(&bench), whole(message));
        assert_eq!(bench.responses.len(), 1);
    }
}

#[test]
fn the_words_of_a_client_are_cut_at_a_character() {
    let options = Options { max_message_bytes: 5, ..Options::default() };
    let mut bench = Bench::with_options(Snapshot::empty().apply(1, TYPE, [put("a", "1")]), options);
    bench.request(request(&[], &[], &[])).unwrap();
    bench.answer_last(refusing(&[("a", "field too long", "ääää")]));
    assert_eq!(rejected(&bench).0, [rejection("a", "1", "field", "ää")]);
}

#[test]
fn nonces_are_never_reused_and_differ_between_streams() {
    let snapshot = Snapshot::empty().apply(1, TYPE, [put("a", "1")]);
    let mut nonces = BTreeSet::new();
    let mut total = 0;
    for id in [1, 2] {
        let mut bench = Bench::new(snapshot.clone());
        bench.stream = Stream::new(StreamId(id), Variant::Incremental, Options::default().into(), snapshot.clone());
        for type_url in [TYPE, "type.example/Other"] {
            let of_type = |request| DeltaDiscoveryRequest { type_url: type_url.to_owned(), ..request };
            bench.request(of_type(request(&[], &[], &[]))).unwrap();
            bench.answer_last(None);
            bench.request(of_type(request(&["a"], &[], &[]))).unwrap();
            bench.answer_last(None);
        }
        total += bench.responses.len();
        nonces.extend(bench.responses.into_iter().map(|response| response.nonce));
    }
    assert_eq!((nonces.len(), total), (8, 8));
}

#[test]
fn an_answer_counts_once_and_only_for_its_type() {
    let mut bench = bench();
    let response_nonce = bench.responses[0].nonce.clone();
    let type_url = "type.example/Other".to_owned();
    bench.request(DeltaDiscoveryRequest { type_url, response_nonce, ..request(&["x"], &[], &[]) }).unwrap();
    let acknowledged =
        |bench: &Bench| bench.events.iter().filter(|event| matches!(event, Event::Acknowledged { .. })).count();
    assert_eq!(acknowledged(&bench), 0);
    let first = super::answer(&bench.responses[0], None);
    bench.request(first.clone()).unwrap();
    bench.request(first).unwrap();
    assert_eq!(acknowledged(&bench), 1);
}
