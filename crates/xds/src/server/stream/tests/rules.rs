//! The rules of the incremental protocol, one script each. What their names begin with is the part of the protocol: `s` streams, `d` the
//! incremental variant, `o` order and load.

use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};

use super::{Bench, Content, answer, content, nack, put, remove, request};
use crate::Snapshot;

enum Step {
    /// The control plane changes resources: name and value, or nothing to remove it.
    Set(&'static [(&'static str, Option<&'static str>)]),
    /// The client sends a request: subscribe, unsubscribe.
    Ask(&'static [&'static str], &'static [&'static str]),
    /// The first request, with what the client holds from before.
    Resume(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// The client accepts the last response.
    Ack,
    /// The client refuses the last response, without details.
    Nack,
    /// The client accepts the last response and changes the subscription in the same request.
    AckAnd(&'static [&'static str], &'static [&'static str]),
    /// The client subscribes with a nonce nobody gave it.
    StaleAnd(&'static [&'static str]),
    /// Exactly one response came since the last expectation: resources in order, removed names.
    Get(&'static [(&'static str, &'static str)], &'static [&'static str]),
    /// No response came since the last expectation.
    Silence,
}

use Step::{Ack, AckAnd, Ask, Get, Nack, Resume, Set, Silence, StaleAnd};

const AB: Step = Set(&[("a", Some("1")), ("b", Some("1"))]);
const GET_AB: Step = Get(&[("a", "1"), ("b", "1")], &[]);

#[rustfmt::skip]
const RULES: &[(&str, &[Step])] = &[
    ("d1 a subscription is honoured whatever the nonce", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Silence,
        StaleAnd(&["b"]), Get(&[("b", "1")], &[])]),
    ("d2 a stale nonce does not answer the response in flight", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), StaleAnd(&["b"]), Silence, Ack, Get(&[("b", "1")], &[])]),
    ("s5 a nonce of an old stream is a first request", &[
        AB, StaleAnd(&["a"]), Get(&[("a", "1")], &[])]),
    ("d1 one request answers and subscribes", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), AckAnd(&["b"], &[]), Get(&[("b", "1")], &[])]),
    ("d1 one request answers and unsubscribes", &[
        AB, Ask(&["a", "b"], &[]), GET_AB, AckAnd(&[], &["a"]), Silence,
        Set(&[("a", Some("2")), ("b", Some("2"))]), Get(&[("b", "2")], &[])]),
    ("d2 a request without a nonce is spontaneous: it answers nothing", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ask(&["b"], &[]), Silence, Ack, Get(&[("b", "1")], &[])]),
    ("d3 every subscribed name is answered, also when the client has it", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Ask(&["a"], &[]), Get(&[("a", "1")], &[])]),
    ("d3 every subscribed name is answered, also after letting it go", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Ask(&[], &["a"]), Silence,
        Ask(&["a"], &[]), Get(&[("a", "1")], &[])]),
    ("d3 a subscribed name under a wildcard is answered", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Ask(&["a"], &[]), Get(&[("a", "1")], &[])]),
    ("d4 what the client holds at its current version is not resent", &[
        AB, Resume(&["a", "b"], &[("a", "1"), ("b", "0")]), Get(&[("b", "1")], &[])]),
    ("d4 a client that holds all it names is not answered", &[
        AB, Resume(&["a", "b"], &[("a", "1"), ("b", "1")]), Silence, Set(&[("a", Some("2"))]), Get(&[("a", "2")], &[])]),
    ("d5 held names are no subscriptions", &[
        AB, Resume(&["a"], &[("b", "0"), ("c", "0")]), Get(&[("a", "1")], &[]), Ack,
        Set(&[("b", Some("2"))]), Silence]),
    ("d5 a held name that does not exist is removed", &[
        AB, Resume(&["a", "c"], &[("a", "1"), ("c", "1")]), Get(&[], &["c"])]),
    ("d5 a wildcard covers held names", &[
        AB, Resume(&[], &[("a", "1"), ("b", "0"), ("c", "1")]), Get(&[("b", "1")], &["c"]), Ack, Silence,
        Set(&[("c", Some("1"))]), Get(&[("c", "1")], &[])]),
    ("d7 a wildcard client that holds everything gets an empty answer", &[
        AB, Resume(&[], &[("a", "1"), ("b", "1")]), Get(&[], &[]), Ack, Silence]),
    ("d5 an explicit wildcard covers held names, too", &[
        AB, Resume(&["*"], &[("a", "1"), ("b", "1"), ("z", "1")]), Get(&[], &["z"])]),
    ("d5 held versions count only in the first request", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Resume(&[], &[("a", "0"), ("z", "1")]), Silence]),
    ("d7 a wildcard is answered when there is nothing", &[
        Ask(&[], &[]), Get(&[], &[]), Ack, Set(&[("a", Some("1"))]), Get(&[("a", "1")], &[])]),
    ("d7 an explicit wildcard is answered when there is nothing", &[
        Ask(&["*"], &[]), Get(&[], &[])]),
    ("d8 an implicit wildcard stays when names are added", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack,
        Set(&[("b", Some("2"))]), Get(&[("b", "2")], &[])]),
    ("d8 letting the wildcard go leaves the names", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack,
        Ask(&[], &["*"]), Silence, Set(&[("a", Some("2")), ("b", Some("2"))]), Get(&[("a", "2")], &[])]),
    ("d8 an emptied subscription is no wildcard", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Ask(&[], &["a"]), Ask(&[], &[]), Silence,
        Set(&[("a", Some("2")), ("c", Some("1"))]), Silence]),
    ("d8 an emptied wildcard is no wildcard", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Ask(&[], &["*"]), Ask(&[], &[]), Silence, Set(&[("a", Some("2"))]), Silence]),
    ("d8 a wildcard and names together", &[
        AB, Ask(&["*", "a", "c"], &[]), Get(&[("a", "1"), ("b", "1")], &["c"])]),
    ("d8 a wildcard can be added to names, and brings everything", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Ask(&["*"], &[]), Get(&[("b", "1")], &[]), Ack,
        Set(&[("b", None)]), Get(&[], &["b"])]),
    ("d8 a wildcard added to names does not forget what is gone", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Set(&[("a", None)]), Ask(&["*"], &[]), Silence, Ack,
        Get(&[("b", "1")], &["a"])]),
    ("d8 a wildcard may find the client with what was in flight before, and takes it back", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ask(&[], &["a"]), Set(&[("a", None)]), Ask(&["*"], &[]), Ack,
        Get(&[("b", "1")], &["a"])]),
    ("d8 a wildcard that was let go brings everything again", &[
        AB, Ask(&["*"], &[]), GET_AB, Ack, Ask(&[], &["*"]), Silence, Ask(&["*"], &[]), GET_AB]),
    ("d9 subscribing to and letting go of the wildcard at once is no subscription", &[
        AB, Ask(&["*"], &["*"]), Silence, Set(&[("a", Some("2"))]), Silence,
        Ask(&["a"], &[]), Get(&[("a", "2")], &[])]),
    ("d10 a removed resource is told to who named it, and the subscription stays", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Set(&[("a", None)]), Get(&[], &["a"]), Ack,
        Set(&[("a", Some("1"))]), Get(&[("a", "1")], &[])]),
    ("d10 a removed resource is told to a wildcard, and comes back", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Set(&[("a", None)]), Get(&[], &["a"]), Ack,
        Set(&[("a", Some("1"))]), Get(&[("a", "1")], &[])]),
    ("d11 a name that does not exist is answered at once, and sent when it appears", &[
        Ask(&["a"], &[]), Get(&[], &["a"]), Ack, Silence, Set(&[("a", Some("1"))]), Get(&[("a", "1")], &[])]),
    ("d11 asking again for a name that does not exist is answered again", &[
        Ask(&["a"], &[]), Get(&[], &["a"]), Ack, Ask(&["a"], &[]), Get(&[], &["a"])]),
    ("d12 letting go of names needs no answer, and unknown names are ignored", &[
        AB, Ask(&["a", "b"], &[]), GET_AB, Ack, Ask(&[], &["a", "never"]), Silence]),
    ("d12 a name that falls back to the wildcard is sent", &[
        AB, Ask(&["*", "a"], &[]), GET_AB, Ack, Ask(&[], &["a"]), Get(&[("a", "1")], &[]), Ack,
        Set(&[("a", Some("2"))]), Get(&[("a", "2")], &[])]),
    ("d12 a name that falls back to the wildcard and does not exist is removed", &[
        AB, Ask(&["*", "c"], &[]), Get(&[("a", "1"), ("b", "1")], &["c"]), Ack, Ask(&[], &["c"]), Get(&[], &["c"])]),
    ("d12 a name covered by the wildcard alone cannot be let go", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Ask(&[], &["a"]), Silence, Set(&[("a", Some("2"))]), Get(&[("a", "2")], &[])]),
    ("d13 a name in both lists is let go", &[
        AB, Ask(&["a", "b"], &["a"]), Get(&[("b", "1")], &[])]),
    ("d13 a name asked for twice in one request is sent once", &[
        AB, Ask(&["a", "a"], &[]), Get(&[("a", "1")], &[])]),
    ("d14 only what changed is sent", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Set(&[("b", Some("2")), ("a", Some("1"))]), Get(&[("b", "2")], &[])]),
    ("d14 changes to what nobody asked for are not sent", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Ack, Set(&[("b", Some("2")), ("c", Some("1"))]), Silence]),
    ("d14 an answer provokes nothing", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Silence, Ack, Silence]),
    ("d15 a refused response is not sent again, its successor is", &[
        AB, Ask(&[], &[]), GET_AB, Nack, Silence, Set(&[("c", Some("1"))]),
        Get(&[("c", "1")], &[]), Ack, Silence, Set(&[("a", Some("2"))]), Get(&[("a", "2")], &[])]),
    ("d15 a refused resource that is put back to the older version is sent", &[
        AB, Ask(&[], &[]), GET_AB, Ack, Set(&[("a", Some("2"))]), Get(&[("a", "2")], &[]), Nack,
        Set(&[("a", Some("1"))]), Get(&[("a", "1")], &[])]),
    ("d15 a refused resource is sent again when the client asks for it", &[
        AB, Ask(&["a"], &[]), Get(&[("a", "1")], &[]), Nack, Silence, Ask(&["a"], &[]), Get(&[("a", "1")], &[])]),
    ("o7 changes coalesce while a response is in flight", &[
        AB, Ask(&[], &[]), GET_AB, Set(&[("a", Some("2"))]), Set(&[("a", Some("3"))]),
        Set(&[("b", None)]), Set(&[("c", Some("1"))]), Silence, Ack, Get(&[("a", "3"), ("c", "1")], &["b"])]),
    ("o7 what changed and changed back while a response was in flight is not sent", &[
        AB, Ask(&[], &[]), GET_AB, Set(&[("a", Some("2")), ("c", Some("1"))]),
        Set(&[("a", Some("1")), ("c", None)]), Ack, Silence]),
    ("o7 what was let go while a response is in flight is not sent", &[
        AB, Ask(&["a", "b"], &[]), GET_AB, Set(&[("a", Some("2")), ("b", Some("2"))]),
        Ask(&[], &["a"]), Silence, Ack, Get(&[("b", "2")], &[])]),
    ("d8 letting the wildcard go keeps in mind what was told under it", &[
        AB, Ask(&["*", "a"], &[]), GET_AB, Set(&[("a", Some("2"))]), Ask(&[], &["*"]), Silence,
        Ack, Get(&[("a", "2")], &[]), Ack, Silence]),
];

#[test]
fn every_rule_holds_with_the_log_and_without_it() {
    for (rule, steps) in RULES {
        for snapshot in [Snapshot::empty(), Snapshot::with_log_capacity(0)] {
            play(rule, steps, Bench::new(snapshot));
        }
    }
}

fn play(rule: &str, steps: &[Step], mut bench: Bench) {
    let mut expected = 0;
    let ask = |bench: &mut Bench, request: DeltaDiscoveryRequest| bench.request(request).unwrap();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Set(changes) => bench.apply(changes.iter().map(|(name, value)| match value {
                Some(value) => put(name, value),
                None => remove(name),
            })),
            Ask(subscribe, unsubscribe) => ask(&mut bench, request(subscribe, unsubscribe, &[])),
            Resume(subscribe, held) => ask(&mut bench, request(subscribe, &[], held)),
            Ack => bench.answer_last(None),
            Nack => bench.answer_last(nack("no")),
            AckAnd(subscribe, unsubscribe) => {
                let nonce = answer(bench.responses.last().unwrap(), None).response_nonce;
                ask(
                    &mut bench,
                    DeltaDiscoveryRequest { response_nonce: nonce, ..request(subscribe, unsubscribe, &[]) },
                );
            }
            StaleAnd(subscribe) => {
                let response_nonce = "of another stream".to_owned();
                ask(&mut bench, DeltaDiscoveryRequest { response_nonce, ..request(subscribe, &[], &[]) });
            }
            Get(..) | Silence => {
                let came: Vec<_> = bench.responses[expected..].iter().map(content).collect();
                assert_eq!(came, expectation(step), "{rule}, step {number}");
                expected = bench.responses.len();
            }
        }
    }
    let unexpected: &[DeltaDiscoveryResponse] = &bench.responses[expected..];
    assert!(unexpected.is_empty(), "{rule}: {unexpected:?}");
}

fn expectation(step: &Step) -> Vec<Content> {
    let Get(resources, removed) = step else { return Vec::new() };
    let resources = resources.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    vec![(resources, removed.iter().map(|&name| name.to_owned()).collect())]
}
