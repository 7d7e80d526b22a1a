use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_compiler::{ObjectKey, ObjectStatus, Report};
use backstay_resources::{Timestamp, apoxy};
use backstay_store::replicas::Words;
use backstay_xds::server::StreamId;
use backstay_xds::{Resource, ResourceChange};
use bytes::Bytes;

use super::super::{Programmed, Refusal, Stream, Subscription, Tracker};
use super::{Acknowledgement, PROXIES};

const FLEET: &str = "edge";
const TYPE: &str = backstay_proto::RESOURCE_TYPE_URL;

fn name(text: &str) -> Arc<str> {
    text.into()
}

fn key() -> ObjectKey {
    ObjectKey { kind: &apoxy::BACKEND, namespace: "".into(), name: "api".into() }
}

/// A control plane: what it tells is heard by the others.
#[derive(Default)]
struct Plane {
    tracker: Tracker,
    compiled: u64,
}

impl Plane {
    fn connect(&mut self, id: u64, node: &str) {
        let stream = Stream {
            fleet: name(FLEET),
            node_id: node.to_owned(),
            address: "127.0.0.1:1".to_owned(),
            version: "0".to_owned(),
            connected: Timestamp::from_second(0),
            replica: None,
            types: [(name(TYPE), Subscription::default())].into(),
        };
        self.tracker.opened(StreamId(id), stream);
    }

    /// Has read commits up to one in which the Backend has changed, and some that changed nothing.
    fn compile(&mut self, generation: i64, changed: u64, compiled: u64) {
        let change = ResourceChange::Put(Resource::new(name("backend/api"), Bytes::from(generation.to_string())));
        self.tracker.published(&name(FLEET), &name(TYPE), changed, &[change]);
        let programs = vec![(name(FLEET), name("backend/api"))];
        self.tracker.reported(ObjectStatus { key: key(), generation, report: Report::of(Vec::new()).into(), programs });
        self.compiled = compiled;
    }

    fn acknowledge(&mut self, id: u64, revision: u64) {
        self.tracker.synchronised(StreamId(id), &name(TYPE), revision);
    }

    fn words(&self) -> BTreeMap<String, Bytes> {
        self.tracker.words(self.compiled)
    }

    fn hear(&mut self, others: &[(&str, BTreeMap<String, Bytes>)]) {
        let words: Words = others.iter().map(|(replica, words)| ((*replica).into(), words.clone())).collect();
        self.tracker.heard(&words);
    }

    fn programmed(&self) -> Programmed {
        let tracked = self.tracker.object(&key()).expect("a tracked object");
        self.tracker.programmed(tracked, &tracked.status.programs)
    }
}

fn waits() -> Programmed {
    Programmed::Pending { fleets: FLEET.into(), nobody: false }
}

#[test]
fn programmed_waits_for_proxies_of_other_control_planes() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    other.connect(1, "a");
    leader.hear(&[("other", other.words())]);
    leader.compile(1, 10, 10);
    assert_eq!(leader.programmed(), waits(), "the other has not compiled it yet");
    other.compile(1, 10, 10);
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), waits(), "its proxy has not answered");
    other.acknowledge(1, 10);
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), Programmed::Yes);
}

#[test]
fn commits_may_be_read_in_other_batches() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    other.connect(1, "a");
    // It reads the change at 10 alone; the leader with another one of another fleet, at 12.
    other.compile(1, 10, 10);
    other.acknowledge(1, 10);
    leader.compile(1, 12, 12);
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), waits());
    other.compiled = 12;
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), Programmed::Yes);
}

#[test]
fn who_is_behind_is_not_taken_to_be_level() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    other.connect(1, "a");
    other.connect(2, "b");
    other.compile(1, 10, 20);
    other.acknowledge(1, 10);
    leader.compile(1, 10, 20);
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), waits());
}

#[test]
fn a_refusal_elsewhere_is_told_in_the_words_of_its_proxy_until_it_is_taken_back() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    other.connect(1, "a");
    other.connect(2, "b");
    other.compile(1, 10, 10);
    let refusal = Refusal { version: name("v"), field: "tls".to_owned(), message: "no such secret".to_owned() };
    other.tracker.refused(StreamId(2), &name(TYPE), name("backend/api"), refusal);
    other.acknowledge(1, 10);
    other.acknowledge(2, 10);
    leader.compile(1, 10, 10);
    let mut words = other.words();
    leader.hear(&[("other", words.clone())]);
    let message = "proxy b refused backend/api: tls: no such secret".to_owned();
    assert_eq!(leader.programmed(), Programmed::Refused { message: message.clone() });
    // Which proxies there are is told less often.
    words.retain(|name, _| !name.starts_with(PROXIES));
    leader.hear(&[("other", words)]);
    assert_eq!(leader.programmed(), Programmed::Refused { message });
    other.tracker.accepted(StreamId(2), &name(TYPE), [&name("backend/api")].into_iter());
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.programmed(), Programmed::Yes);
}

#[test]
fn a_control_plane_that_is_gone_takes_its_proxies_along() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    leader.connect(1, "here");
    other.connect(1, "there");
    leader.hear(&[("other", other.words())]);
    leader.compile(1, 10, 10);
    leader.acknowledge(1, 10);
    assert_eq!(leader.programmed(), waits());
    leader.hear(&[]);
    assert_eq!(leader.programmed(), Programmed::Yes);
    let mut names: Vec<_> = leader.tracker.streams().map(|stream| stream.node_id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["here"]);
}

#[test]
fn nobody_tells_of_the_proxies_of_others() {
    let (mut one, mut other) = (Plane::default(), Plane::default());
    other.connect(1, "a");
    one.hear(&[("other", other.words())]);
    assert_eq!(one.words().into_keys().collect::<Vec<_>>(), ["at"]);
    other.tracker.closed(StreamId(1));
    one.hear(&[("other", other.words())]);
    assert_eq!(one.tracker.streams().count(), 0);
}

#[test]
fn proxies_that_are_not_named_count_as_well() {
    let (mut leader, mut other) = (Plane::default(), Plane::default());
    for id in 0..700 {
        other.connect(id, &format!("proxy-{id:03}"));
    }
    leader.hear(&[("other", other.words())]);
    assert_eq!(leader.tracker.streams().count(), 501);
    assert!(leader.tracker.streams().any(|stream| stream.node_id == "200 more at other"));
}

#[test]
fn the_word_of_another_version_is_no_word() {
    let mut leader = Plane::default();
    leader.compile(1, 10, 10);
    let told = |text: &str| BTreeMap::from([(format!("acknowledged/{FLEET}"), Bytes::from(text.to_owned()))]);
    leader.hear(&[("other", told("{}"))]);
    assert_eq!(leader.tracker.streams().count(), 0);
    let word = serde_json::to_string(&Acknowledgement { proxies: 1, ..Acknowledgement::default() }).expect("JSON");
    leader.hear(&[("other", told(&word))]);
    assert_eq!(leader.programmed(), waits());
}

#[test]
fn who_takes_over_believes_what_was_told_of_an_object() {
    let mut tracker = Plane::default();
    tracker.compile(3, 10, 10);
    let told = |generation| {
        let object = tracker.tracker.object(&key()).expect("a tracked object");
        super::super::Acknowledged { generation, version: tracker.tracker.version(object) }
    };
    let (old, now) = (told(2), told(3));
    tracker.tracker.taken_over(&key(), Some(&old));
    assert_ne!(tracker.programmed(), Programmed::Yes);
    tracker.tracker.taken_over(&key(), Some(&now));
    assert_eq!(tracker.programmed(), Programmed::Yes);
    assert!(tracker.tracker.take_dirty(Timestamp::from_second(0)).contains(&key()));
}
