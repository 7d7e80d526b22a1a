//! The rules of state of the world, one script each.

mod envoys;

use backstay_proto::discovery::{DiscoveryRequest, DiscoveryResponse, Node, Status};

use super::super::{Output, Stream};
use super::{nack, put, remove, strings, version};
use crate::server::{Event, Options, StreamId, TypeRule, Violation};
use crate::{ResourceChange, Snapshot, Variant};

/// Of this type a response holds everything.
const FULL: &str = "type.example/Full";
/// Of this one it holds what changed.
const PART: &str = "type.example/Part";
/// Of this one, too, and clients wait for it after a change of [`FULL`].
const TAIL: &str = "type.example/Tail";

struct World {
    stream: Stream,
    snapshot: Snapshot,
    responses: Vec<DiscoveryResponse>,
    events: Vec<Event>,
    looked_at: usize,
}

impl World {
    fn of(type_url: &str, resources: &[(&str, &str)]) -> Self {
        let types = vec![
            TypeRule { full_state: true, ..TypeRule::of(FULL) },
            TypeRule { resend_after: Some(FULL.into()), ..TypeRule::of(TAIL) },
        ];
        Self::with(types, type_url, resources)
    }

    fn with(types: Vec<TypeRule>, type_url: &str, resources: &[(&str, &str)]) -> Self {
        let options = Options { types, ..Options::default() };
        let puts = resources.iter().map(|(name, value)| put(name, value));
        let snapshot = Snapshot::empty().apply(1, type_url, puts);
        let stream = Stream::new(StreamId(1), Variant::StateOfTheWorld, options.into(), snapshot.clone());
        Self { stream, snapshot, responses: Vec::new(), events: Vec::new(), looked_at: 0 }
    }

    fn send(&mut self, request: DiscoveryRequest) -> Result<(), Violation> {
        self.stream.request(request)?;
        self.drain();
        Ok(())
    }

    fn ask(&mut self, type_url: &str, nonce: &str, names: &[&str]) {
        self.send(request(type_url, nonce, names, None)).unwrap();
    }

    fn last(&self, type_url: &str) -> &DiscoveryResponse {
        self.responses.iter().rev().find(|response| response.type_url == type_url).unwrap()
    }

    /// The client accepts the last response of a type, and repeats its names.
    fn ack(&mut self, type_url: &str, names: &[&str]) {
        let nonce = self.last(type_url).nonce.clone();
        self.ask(type_url, &nonce, names);
    }

    fn nack(&mut self, type_url: &str, names: &[&str]) {
        let nonce = self.last(type_url).nonce.clone();
        self.send(request(type_url, &nonce, names, nack("no"))).unwrap();
    }

    fn set(&mut self, type_url: &str, changes: impl IntoIterator<Item = ResourceChange>) {
        self.snapshot = self.snapshot.apply(self.snapshot.revision() + 1, type_url, changes);
        self.stream.snapshot(self.snapshot.clone());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.stream.output() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Response(response, event) => {
                    self.events.push(event);
                    self.responses.push(response.state_of_the_world().unwrap());
                }
            }
        }
    }

    /// The values of each response since the last look.
    fn got(&mut self) -> Vec<Vec<String>> {
        let new = &self.responses[self.looked_at..];
        self.looked_at = self.responses.len();
        new.iter().map(values).collect()
    }
}

fn values(response: &DiscoveryResponse) -> Vec<String> {
    let value = |any: &backstay_proto::discovery::Any| {
        assert_eq!(any.type_url, response.type_url);
        String::from_utf8(any.value.to_vec()).unwrap()
    };
    response.resources.iter().map(value).collect()
}

fn request(type_url: &str, nonce: &str, names: &[&str], error_detail: Option<Status>) -> DiscoveryRequest {
    DiscoveryRequest {
        node: Some(Node { id: "node".to_owned(), ..Node::default() }),
        type_url: type_url.to_owned(),
        resource_names: strings(names),
        response_nonce: nonce.to_owned(),
        error_detail,
        ..DiscoveryRequest::default()
    }
}

const NOTHING: Vec<Vec<String>> = Vec::new();

fn responses(expected: &[&[&str]]) -> Vec<Vec<String>> {
    expected.iter().map(|values| strings(values)).collect()
}

const AB: &[(&str, &str)] = &[("a", "a1"), ("b", "b1")];

#[test]
fn w1_the_first_request_is_answered_whatever_version_it_names() {
    for version_info in [String::new(), "of another replica".to_owned()] {
        let mut world = World::of(FULL, AB);
        world.send(DiscoveryRequest { version_info, ..request(FULL, "", &[], None) }).unwrap();
        assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    }
}

#[test]
fn w2_an_acknowledgement_provokes_nothing() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, AB);
        world.ask(type_url, "", &["a", "b"]);
        assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
        world.ack(type_url, &["a", "b"]);
        world.ack(type_url, &["b", "a"]);
        assert_eq!(world.got(), NOTHING);
        let acknowledged = world.events.iter().filter(|event| matches!(event, Event::Acknowledged { .. })).count();
        assert_eq!(acknowledged, 1);
    }
}

#[test]
fn w3_what_was_refused_is_not_sent_again_until_it_changes() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, &[("a", "a1")]);
        world.ask(type_url, "", &["a"]);
        world.nack(type_url, &["a"]);
        assert_eq!(world.got(), responses(&[&["a1"]]));
        let Some(Event::Rejected { rejected, partial: false, message, .. }) = world.events.get(1) else {
            panic!("{:?}", world.events)
        };
        assert_eq!((&*rejected[0].name, rejected[0].version.to_string(), &**message), ("a", version("a1"), "no"));
        world.set(type_url, [put("other", "o1")]);
        assert_eq!(world.got(), NOTHING);
        world.set(type_url, [put("a", "a2")]);
        assert_eq!(world.got(), responses(&[&["a2"]]));
    }
}

#[test]
fn w4_a_request_with_a_stale_nonce_is_ignored() {
    let mut world = World::of(PART, AB);
    world.ask(PART, "", &["a"]);
    let first = world.last(PART).nonce.clone();
    world.ack(PART, &["a"]);
    world.set(PART, [put("a", "a2")]);
    assert_eq!(world.got(), responses(&[&["a1"], &["a2"]]));
    world.ask(PART, &first, &["a", "b"]);
    assert_eq!(world.got(), NOTHING);
    // The client repeats it with the nonce that it has now.
    world.ack(PART, &["a", "b"]);
    assert_eq!(world.got(), responses(&[&["b1"]]));
}

#[test]
fn w5_an_empty_nonce_on_a_known_type_is_honoured() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, AB);
        world.ask(type_url, "", &["a"]);
        world.ack(type_url, &["a"]);
        world.got();
        world.ask(type_url, "", &["a"]);
        assert_eq!(world.got(), responses(&[&["a1"]]), "the client has forgotten what it had");
        // Also while a response is unanswered.
        world.ask(type_url, "", &["b"]);
        assert_eq!(world.got(), responses(&[&["b1"]]));
        let abandoned = world.events.iter().filter(|event| matches!(event, Event::Abandoned { .. })).count();
        assert_eq!(abandoned, 1, "what it will not answer is told");
        world.ack(type_url, &["b"]);
        world.set(type_url, [put("a", "a2"), put("b", "b2")]);
        assert_eq!(world.got(), responses(&[&["b2"]]));
    }
}

#[test]
fn w6_each_request_replaces_the_names() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, AB);
        world.ask(type_url, "", &["a"]);
        world.ack(type_url, &["b"]);
        assert_eq!(world.got(), responses(&[&["a1"], &["b1"]]));
        world.ack(type_url, &["b"]);
        world.set(type_url, [put("a", "a2")]);
        assert_eq!(world.got(), NOTHING);
        world.set(type_url, [put("b", "b2")]);
        assert_eq!(world.got(), responses(&[&["b2"]]));
    }
}

#[test]
fn w6_what_was_given_up_before_it_was_sent_is_not_sent() {
    let mut world = World::of(PART, AB);
    world.ask(PART, "", &["a", "b"]);
    world.set(PART, [put("a", "a2"), put("b", "b2")]);
    world.got();
    world.ack(PART, &["b"]);
    assert_eq!(world.got(), responses(&[&["b2"]]));
}

#[test]
fn w7_a_name_that_is_new_is_sent_even_if_it_did_not_change() {
    let mut world = World::of(PART, AB);
    world.ask(PART, "", &["a", "b"]);
    world.ack(PART, &["b"]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    world.ack(PART, &["a", "b"]);
    assert_eq!(world.got(), responses(&[&["a1"]]));
    let mut world = World::of(FULL, AB);
    world.ask(FULL, "", &["a", "b"]);
    world.ack(FULL, &["b"]);
    world.got();
    world.ack(FULL, &["a", "b"]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
}

#[test]
fn w8_of_a_full_type_each_response_holds_everything_and_of_others_what_changed() {
    let mut world = World::of(FULL, AB);
    world.ask(FULL, "", &["a", "b", "c"]);
    world.ack(FULL, &["a", "b", "c"]);
    world.set(FULL, [put("b", "b2")]);
    world.ack(FULL, &["a", "b", "c"]);
    world.set(FULL, [remove("a")]);
    world.ack(FULL, &["a", "b", "c"]);
    world.set(FULL, [remove("b")]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"], &["a1", "b2"], &["b2"], &[]]));
    let Some(Event::Sent { removed, .. }) = world.events.iter().rev().find(|event| matches!(event, Event::Sent { .. }))
    else {
        panic!("{:?}", world.events)
    };
    assert_eq!(removed.iter().map(|name| &**name).collect::<Vec<_>>(), ["b"]);

    let mut world = World::of(PART, AB);
    world.ask(PART, "", &["a", "b"]);
    world.ack(PART, &["a", "b"]);
    world.set(PART, [put("b", "b2")]);
    world.ack(PART, &["a", "b"]);
    world.set(PART, [remove("a")]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"], &["b2"]]));
}

#[test]
fn w9_names_that_do_not_exist_are_remembered() {
    let mut world = World::of(PART, &[]);
    world.ask(PART, "", &["a"]);
    assert_eq!(world.got(), NOTHING, "nothing says that a resource does not exist");
    world.set(PART, [put("a", "a1")]);
    world.ack(PART, &["a"]);
    world.set(PART, [remove("a")]);
    world.set(PART, [put("a", "a1")]);
    assert_eq!(world.got(), responses(&[&["a1"], &["a1"]]));
    // Of a full type, what is missing does not exist: the client learns it at once.
    let mut world = World::of(FULL, &[]);
    world.ask(FULL, "", &["a"]);
    assert_eq!(world.got(), responses(&[&[]]));
}

#[test]
fn w10_versions_are_those_of_the_content_on_every_replica() {
    let version = |resources: &[(&str, &str)], revision: u64| {
        let mut world = World::of(FULL, resources);
        world.snapshot = world.snapshot.apply(revision, "type.example/Other", [put("x", "x")]);
        world.stream.snapshot(world.snapshot.clone());
        world.ask(FULL, "", &[]);
        world.last(FULL).version_info.clone()
    };
    let one = version(AB, 7);
    assert_eq!(one, version(&[("b", "b1"), ("a", "a1")], 900));
    assert!(!one.is_empty() && !version(&[], 7).is_empty());
    assert_ne!(one, version(&[("a", "a1"), ("b", "b2")], 7));
    assert_ne!(one, version(&[("a", "a1")], 7));
}

#[test]
fn w11_no_name_at_all_stands_for_everything_until_something_was_named() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, AB);
        world.ask(type_url, "", &[]);
        world.ack(type_url, &[]);
        world.set(type_url, [put("c", "c1")]);
        let whole: &[&str] = if type_url == FULL { &["a1", "b1", "c1"] } else { &["c1"] };
        assert_eq!(world.got(), responses(&[&["a1", "b1"], whole]));
        world.ack(type_url, &["a"]);
        world.got();
        world.ack(type_url, &["a"]);
        world.ack(type_url, &[]);
        world.set(type_url, [put("a", "a2"), put("d", "d1")]);
        assert_eq!(world.got(), NOTHING, "after a name, no name means nothing");
    }
}

#[test]
fn w12_the_explicit_wildcard_goes_with_names() {
    let mut world = World::of(PART, AB);
    world.ask(PART, "", &["*", "a"]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    world.ack(PART, &["*"]);
    assert_eq!(world.got(), NOTHING, "the wildcard covers the name that was given up");
    world.ack(PART, &["*", "a"]);
    world.got();
    world.ack(PART, &["a"]);
    world.set(PART, [put("b", "b2")]);
    assert_eq!(world.got(), NOTHING, "without the wildcard the name is left");
    world.set(PART, [put("a", "a2")]);
    assert_eq!(world.got(), responses(&[&["a2"]]));
}

#[test]
fn w13_a_name_that_is_asked_for_twice_is_sent_once() {
    for type_url in [FULL, PART] {
        let mut world = World::of(type_url, AB);
        world.ask(type_url, "", &["a", "a", "*"]);
        assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    }
}

#[test]
fn w14_who_repeats_what_it_has_answered_gets_its_names_again_where_clients_wait_for_them() {
    let mut world = World::of(TAIL, AB);
    world.ask(TAIL, "", &["a", "b"]);
    world.ack(TAIL, &["a", "b"]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    world.ack(TAIL, &["b", "a"]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
    world.ack(TAIL, &["a", "b"]);
    assert_eq!(world.got(), NOTHING);
}

#[test]
fn s3_a_request_without_a_type_is_refused() {
    let mut world = World::of(FULL, AB);
    assert_eq!(world.send(request("", "", &[], None)), Err(Violation::NoType));
}

#[test]
fn s4_an_unknown_type_leaves_the_others_alone() {
    let mut world = World::of(FULL, AB);
    world.ask("type.example/Unknown", "", &["x"]);
    world.ask(FULL, "", &[]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
}

#[test]
fn s5_a_nonce_of_another_stream_begins_anew() {
    let mut world = World::of(FULL, AB);
    world.ask(FULL, "of another stream", &[]);
    assert_eq!(world.got(), responses(&[&["a1", "b1"]]));
}

#[test]
fn a_response_of_a_type_that_changes_in_parts_is_split_and_a_full_one_is_not() {
    for (type_url, parts) in [(PART, 2), (FULL, 1)] {
        let mut world = World::of(type_url, &[]);
        let big = |name: &str| put(name, &name.repeat(600_000));
        world.set(type_url, [big("a"), big("b")]);
        world.ask(type_url, "", &[]);
        world.ack(type_url, &[]);
        assert_eq!(world.responses.len(), parts, "{type_url}");
        world.ack(type_url, &[]);
        assert_eq!(world.responses.iter().map(|response| response.resources.len()).sum::<usize>(), 2);
    }
}
