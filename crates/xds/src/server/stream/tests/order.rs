//! Make before break, across the types of one stream, in both variants.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DiscoveryRequest, Node};
use bytes::Bytes;

use super::super::{Output, Stream};
use super::{put, remove, strings};
use crate::server::{Event, Options, StreamId, envoy};
use crate::{Resource, ResourceChange, Snapshot, Variant};

const CLUSTER: &str = envoy::CLUSTER;
const ENDPOINTS: &str = envoy::ENDPOINTS;
const LISTENER: &str = envoy::LISTENER;
const ROUTES: &str = envoy::ROUTES;
const HOSTS: &str = envoy::VIRTUAL_HOST;

/// A response as the tests see it: type, names with values (in state of the world, values alone), removed names.
type Seen = (&'static str, Vec<String>, Vec<String>);

struct World {
    variant: Variant,
    stream: Stream,
    snapshot: Snapshot,
    /// The last nonce of each type.
    nonces: BTreeMap<&'static str, String>,
    names: BTreeMap<&'static str, Vec<String>>,
    seen: Vec<Seen>,
    late: usize,
}

fn known(type_url: &str) -> &'static str {
    [CLUSTER, ENDPOINTS, LISTENER, ROUTES, HOSTS, envoy::SECRET].into_iter().find(|known| *known == type_url).unwrap()
}

impl World {
    /// A client that has a cluster, its endpoints, a listener and a route, all called `a`.
    fn settled(variant: Variant) -> Self {
        let mut snapshot = Snapshot::empty();
        for type_url in [CLUSTER, ENDPOINTS, LISTENER, ROUTES] {
            snapshot = snapshot.apply(1, type_url, [put("a", "a1")]);
        }
        let stream = Stream::new(StreamId(1), variant, Arc::new(Options::default()), snapshot.clone());
        let (nonces, names) = (BTreeMap::new(), BTreeMap::new());
        let mut world = Self { variant, stream, snapshot, nonces, names, seen: Vec::new(), late: 0 };
        world.subscribe(CLUSTER, &[]);
        world.subscribe(ENDPOINTS, &["a"]);
        world.ack(ENDPOINTS);
        world.ack(CLUSTER);
        world.subscribe(LISTENER, &[]);
        world.ack(LISTENER);
        world.subscribe(ROUTES, &["a"]);
        world.ack(ROUTES);
        world.seen.clear();
        world
    }

    fn subscribe(&mut self, type_url: &'static str, names: &[&str]) {
        let node = Some(Node::default());
        let type_url_owned = type_url.to_owned();
        self.names.insert(type_url, strings(names));
        match self.variant {
            Variant::Incremental => self.stream.request(DeltaDiscoveryRequest {
                node,
                type_url: type_url_owned,
                resource_names_subscribe: strings(names),
                ..DeltaDiscoveryRequest::default()
            }),
            Variant::StateOfTheWorld => self.stream.request(DiscoveryRequest {
                node,
                type_url: type_url_owned,
                resource_names: strings(names),
                response_nonce: self.nonces.get(type_url).cloned().unwrap_or_default(),
                ..DiscoveryRequest::default()
            }),
        }
        .unwrap();
        self.drain();
    }

    fn ack(&mut self, type_url: &'static str) {
        let (nonce, type_url_owned) = (self.nonces[type_url].clone(), type_url.to_owned());
        match self.variant {
            Variant::Incremental => self.stream.request(DeltaDiscoveryRequest {
                type_url: type_url_owned,
                response_nonce: nonce,
                ..DeltaDiscoveryRequest::default()
            }),
            Variant::StateOfTheWorld => self.stream.request(DiscoveryRequest {
                type_url: type_url_owned,
                response_nonce: nonce,
                resource_names: self.names[type_url].clone(),
                ..DiscoveryRequest::default()
            }),
        }
        .unwrap();
        self.drain();
    }

    /// Changes of several types that are published at once.
    fn set(&mut self, changes: Vec<(&str, Vec<ResourceChange>)>) {
        let revision = self.snapshot.revision() + 1;
        for (type_url, changes) in changes {
            self.snapshot = self.snapshot.apply(revision, type_url, changes);
        }
        self.stream.snapshot(self.snapshot.clone());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.stream.output() {
            match output {
                Output::Event(event) => self.late += usize::from(matches!(event, Event::Late { .. })),
                Output::Response(response, _) => {
                    let text = |value: &Bytes| String::from_utf8(value.to_vec()).unwrap();
                    let (seen, nonce) = match self.variant {
                        Variant::Incremental => {
                            let response = response.incremental().unwrap();
                            let value =
                                |one: &backstay_proto::discovery::Resource| text(&one.resource.as_ref().unwrap().value);
                            let values = response.resources.iter().map(value).collect();
                            ((known(&response.type_url), values, response.removed_resources), response.nonce)
                        }
                        Variant::StateOfTheWorld => {
                            let response = response.state_of_the_world().unwrap();
                            let values = response.resources.iter().map(|any| text(&any.value)).collect();
                            ((known(&response.type_url), values, Vec::new()), response.nonce)
                        }
                    };
                    self.nonces.insert(seen.0, nonce);
                    self.seen.push(seen);
                }
            }
        }
    }

    fn got(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }
}

fn response(type_url: &'static str, values: &[&str], removed: &[&str]) -> Seen {
    (type_url, strings(values), strings(removed))
}

const BOTH: [Variant; 2] = [Variant::Incremental, Variant::StateOfTheWorld];

/// Everything moves from `a` to `b`.
fn replace_all(world: &mut World) {
    let moved = || vec![put("b", "b1"), remove("a")];
    world.set(vec![
        (ROUTES, vec![put("a", "to b")]),
        (LISTENER, vec![put("a", "a2")]),
        (ENDPOINTS, moved()),
        (CLUSTER, moved()),
    ]);
}

#[test]
fn o1_what_is_referred_to_comes_first_and_goes_last() {
    let mut world = World::settled(Variant::Incremental);
    replace_all(&mut world);
    assert_eq!(world.got(), [response(CLUSTER, &["b1"], &[])], "what is gone stays, and the rest waits for the answer");
    world.subscribe(ENDPOINTS, &["b"]);
    assert_eq!(world.got(), [response(ENDPOINTS, &["b1"], &[])], "endpoints do not wait for the cluster's answer");
    world.ack(ENDPOINTS);
    assert_eq!(world.got(), []);
    world.ack(CLUSTER);
    assert_eq!(world.got(), [response(LISTENER, &["a2"], &[]), response(ROUTES, &["to b"], &[])]);
    world.ack(LISTENER);
    assert_eq!(world.got(), [], "the route may still be the old one");
    world.ack(ROUTES);
    assert_eq!(world.got(), [response(CLUSTER, &[], &["a"]), response(ENDPOINTS, &[], &["a"])]);
}

#[test]
fn o1_of_a_full_type_what_is_gone_stays_in_responses_until_it_may_go() {
    let mut world = World::settled(Variant::StateOfTheWorld);
    replace_all(&mut world);
    assert_eq!(world.got(), [response(CLUSTER, &["a1", "b1"], &[])]);
    world.subscribe(ENDPOINTS, &["a", "b"]);
    assert_eq!(world.got(), [response(ENDPOINTS, &["b1"], &[])]);
    world.ack(ENDPOINTS);
    world.ack(CLUSTER);
    assert_eq!(world.got(), [response(LISTENER, &["a2"], &[]), response(ROUTES, &["to b"], &[])]);
    world.ack(LISTENER);
    world.ack(ROUTES);
    assert_eq!(world.got(), [response(CLUSTER, &["b1"], &[])]);
}

#[test]
fn o1_what_comes_back_before_it_may_go_is_not_taken_away() {
    for variant in BOTH {
        let mut world = World::settled(variant);
        world.set(vec![(CLUSTER, vec![remove("a")]), (ROUTES, vec![put("a", "to nothing")])]);
        assert_eq!(world.got(), [response(ROUTES, &["to nothing"], &[])]);
        world.set(vec![(CLUSTER, vec![put("a", "a1")]), (ROUTES, vec![put("a", "a1")])]);
        world.ack(ROUTES);
        assert_eq!(world.got(), [response(ROUTES, &["a1"], &[])]);
        world.ack(ROUTES);
        assert_eq!(world.got(), [], "{variant:?}");
    }
}

#[test]
fn o1_a_removal_alone_waits_for_nothing() {
    for (variant, removed) in [(Variant::Incremental, &["a"][..]), (Variant::StateOfTheWorld, &[])] {
        let mut world = World::settled(variant);
        world.set(vec![(CLUSTER, vec![remove("a")])]);
        assert_eq!(world.got(), [response(CLUSTER, &[], removed)]);
    }
}

#[test]
fn o1_who_comes_back_loses_nothing_before_it_has_asked_for_what_may_refer_to_it() {
    let held = |type_url: &str| DeltaDiscoveryRequest {
        type_url: type_url.to_owned(),
        initial_resource_versions: [("gone".to_owned(), "1".to_owned())].into(),
        ..DeltaDiscoveryRequest::default()
    };
    let resume = || {
        let mut world = World::settled(Variant::Incremental);
        let (snapshot, options) = (world.snapshot.clone(), Arc::new(Options::default()));
        world.stream = Stream::new(StreamId(2), Variant::Incremental, options, snapshot);
        world.stream.request(held(CLUSTER)).unwrap();
        world.drain();
        assert_eq!(world.got(), [response(CLUSTER, &["a1"], &[])], "and nothing is taken away");
        world.ack(CLUSTER);
        world
    };
    let mut world = resume();
    world.subscribe(LISTENER, &[]);
    world.subscribe(ROUTES, &["a"]);
    world.got();
    world.ack(LISTENER);
    assert_eq!(world.got(), []);
    world.ack(ROUTES);
    assert_eq!(world.got(), [response(CLUSTER, &[], &["gone"])]);
    // One that asks for nothing else has what is gone taken away later.
    let mut world = resume();
    let awaited = world.stream.waits().expect("other types may come");
    world.stream.late(&awaited);
    world.drain();
    assert_eq!((world.got(), world.stream.waits()), (vec![response(CLUSTER, &[], &["gone"])], None));
}

#[test]
fn o3_who_waits_for_an_answer_does_not_wait_for_ever() {
    for variant in BOTH {
        let mut world = World::settled(variant);
        world.set(vec![(CLUSTER, vec![put("b", "b1")]), (ROUTES, vec![put("a", "to b")])]);
        assert_eq!(world.got().len(), 1);
        let awaited = world.stream.waits().expect("the route waits");
        assert_eq!(*awaited, *world.nonces[CLUSTER]);
        world.stream.late("of another response");
        world.drain();
        assert_eq!((world.got(), world.late), (vec![], 0));
        world.stream.late(&awaited);
        world.drain();
        assert_eq!((world.got(), world.late), (vec![response(ROUTES, &["to b"], &[])], 1));
        assert_eq!(world.stream.waits(), None);
        world.ack(ROUTES);
        world.ack(CLUSTER);
        assert_eq!(world.got(), []);
    }
}

#[test]
fn o3_who_refuses_has_answered() {
    let mut world = World::settled(Variant::Incremental);
    world.set(vec![(CLUSTER, vec![put("b", "b1")]), (ROUTES, vec![put("a", "to b")])]);
    world.got();
    let refused = DeltaDiscoveryRequest {
        type_url: CLUSTER.to_owned(),
        response_nonce: world.nonces[CLUSTER].clone(),
        error_detail: super::nack("no"),
        ..DeltaDiscoveryRequest::default()
    };
    world.stream.request(refused).unwrap();
    world.drain();
    assert_eq!(world.got(), [response(ROUTES, &["to b"], &[])]);
}

#[test]
fn e1_after_a_cluster_its_endpoints_are_sent_again() {
    for variant in BOTH {
        let mut world = World::settled(variant);
        world.set(vec![(CLUSTER, vec![put("a", "a2")])]);
        assert_eq!(world.got(), [response(CLUSTER, &["a2"], &[]), response(ENDPOINTS, &["a1"], &[])], "{variant:?}");
        world.ack(ENDPOINTS);
        world.ack(CLUSTER);
        assert_eq!(world.got(), [], "once");
        world.set(vec![(ENDPOINTS, vec![put("a", "a3")])]);
        assert_eq!(world.got(), [response(ENDPOINTS, &["a3"], &[])], "and they change alone");
    }
}

#[test]
fn e1_a_cluster_may_have_its_endpoints_under_another_name() {
    for variant in BOTH {
        let mut world = World::settled(variant);
        let linked = Resource::new("b", Bytes::from_static(b"b1")).with_dependent("a");
        world.set(vec![(CLUSTER, vec![ResourceChange::Put(linked)])]);
        let clusters: &[&str] = if variant == Variant::Incremental { &["b1"] } else { &["a1", "b1"] };
        assert_eq!(world.got(), [response(CLUSTER, clusters, &[]), response(ENDPOINTS, &["a1"], &[])], "{variant:?}");
    }
}

#[test]
fn d11_that_a_secret_does_not_exist_is_not_said() {
    let mut world = World::settled(Variant::Incremental);
    world.subscribe(envoy::SECRET, &["s"]);
    assert_eq!(world.got(), []);
    world.set(vec![(envoy::SECRET, vec![put("s", "s1")])]);
    world.ack(envoy::SECRET);
    world.set(vec![(envoy::SECRET, vec![remove("s")])]);
    assert_eq!(world.got(), [response(envoy::SECRET, &["s1"], &[])]);
    world.subscribe(CLUSTER, &["never"]);
    assert_eq!(world.got(), [response(CLUSTER, &[], &["never"])], "of others it is said at once");
}

#[test]
fn o4_virtual_hosts_follow_routes_that_the_client_did_not_know() {
    let mut world = World::settled(Variant::Incremental);
    let hosts = ["a/one", "a/x/one", "b/one", "bb/one"].map(|name| put(name, "1"));
    world.set(vec![(HOSTS, hosts.into())]);
    // Envoy asks for all that there are, once, and takes those of the routes that it knows.
    world.subscribe(HOSTS, &[]);
    assert_eq!(world.got(), [response(HOSTS, &["1", "1", "1", "1"], &[])]);
    world.ack(HOSTS);
    world.set(vec![(ROUTES, vec![put("b", "b1")]), (HOSTS, vec![put("b/two", "2")])]);
    assert_eq!(world.got(), [response(HOSTS, &["2"], &[])]);
    world.ack(HOSTS);
    world.subscribe(ROUTES, &["b"]);
    assert_eq!(world.got(), [response(ROUTES, &["b1"], &[]), response(HOSTS, &["1", "2"], &[])]);
    world.ack(ROUTES);
    world.ack(HOSTS);
    world.set(vec![(HOSTS, vec![put("b/one", "3"), remove("b/two")])]);
    assert_eq!(world.got(), [response(HOSTS, &["3"], &["b/two"])]);
    world.ack(HOSTS);
    // Requests that have begun with routes that are gone are still served by them.
    world.set(vec![(ROUTES, vec![remove("b")]), (HOSTS, vec![remove("b/one")])]);
    assert_eq!(world.got(), [response(ROUTES, &[], &["b"])]);
}

#[test]
fn o1_a_removal_does_not_wait_for_virtual_hosts_that_there_are_not() {
    let mut world = World::settled(Variant::Incremental);
    let options = Arc::new(Options::default());
    world.stream = Stream::new(StreamId(2), Variant::Incremental, options, world.snapshot.clone());
    let held = DeltaDiscoveryRequest {
        type_url: CLUSTER.to_owned(),
        initial_resource_versions: [("gone".to_owned(), "1".to_owned())].into(),
        ..DeltaDiscoveryRequest::default()
    };
    world.stream.request(held).unwrap();
    world.drain();
    world.ack(CLUSTER);
    world.subscribe(LISTENER, &[]);
    world.ack(LISTENER);
    world.subscribe(ROUTES, &["a"]);
    world.got();
    world.ack(ROUTES);
    assert_eq!(world.got(), [response(CLUSTER, &[], &["gone"])]);
}
