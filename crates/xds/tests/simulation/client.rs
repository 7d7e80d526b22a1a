//! A client that behaves as Envoy does: clusters and listeners are all wanted, endpoints and routes as these name them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DiscoveryRequest, Node, Status};
use backstay_xds::server::envoy::{CLUSTER, ENDPOINTS, LISTENER, ROUTES};
use backstay_xds::server::{Demand, Event, Options, Output, Response, Stream, StreamId};
use backstay_xds::{Resource, Variant};
use bytes::Bytes;
use rand::RngExt;
use rand::rngs::SmallRng;

use super::store::{Content, Replica, TYPES};

/// What may go wrong.
#[derive(Clone, Copy)]
pub(crate) struct Mood {
    pub(crate) loses: bool,
}

impl Mood {
    pub(crate) const CALM: Self = Self { loses: false };
    pub(crate) const BAD: Self = Self { loses: true };
}

pub(crate) struct Client {
    variant: Variant,
    held: Content,
    link: Option<Link>,
    streams: u64,
}

/// A stream, and what is under way on it.
struct Link {
    replica: usize,
    stream: Stream,
    up: VecDeque<Demand>,
    down: VecDeque<Response>,
    /// By type: what was asked for, and the nonce of what came last.
    wanted: BTreeMap<&'static str, BTreeSet<String>>,
    nonces: BTreeMap<&'static str, String>,
    synchronized: BTreeMap<String, u64>,
}

fn known(type_url: &str) -> &'static str {
    TYPES.into_iter().find(|known| *known == type_url).unwrap()
}

/// Name and value of a resource's content.
fn read(content: &[u8]) -> (String, String) {
    let (name, value) = std::str::from_utf8(content).unwrap().split_once('|').unwrap();
    (name.to_owned(), value.to_owned())
}

/// The version that a control plane gives to what is held.
fn version(name: &str, value: &str) -> String {
    Resource::new(name, Bytes::from(format!("{name}|{value}"))).version().to_string()
}

impl Client {
    pub(crate) fn new(variant: Variant) -> Self {
        let held = TYPES.into_iter().map(|type_url| (type_url, BTreeMap::new())).collect();
        Self { variant, held, link: None, streams: 0 }
    }

    pub(crate) fn variant(&self) -> Variant {
        self.variant
    }

    pub(crate) fn held(&self) -> Content {
        self.held.clone()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    pub(crate) fn is_with(&self, replica: usize) -> bool {
        self.link.as_ref().is_some_and(|link| link.replica == replica)
    }

    pub(crate) fn disconnect(&mut self) {
        self.link = None;
    }

    pub(crate) fn connect(&mut self, replica: usize, replicas: &[Replica]) {
        self.streams += 1;
        let snapshot = replicas[replica].snapshot.clone();
        let stream = Stream::new(StreamId(self.streams), self.variant, Arc::new(Options::default()), snapshot);
        self.link = Some(Link {
            replica,
            stream,
            up: VecDeque::new(),
            down: VecDeque::new(),
            wanted: BTreeMap::new(),
            nonces: BTreeMap::new(),
            synchronized: BTreeMap::new(),
        });
        for type_url in TYPES {
            self.ask(type_url);
        }
    }

    /// What is wanted of a type: everything, or what others name.
    fn wants(&self, type_url: &'static str) -> BTreeSet<String> {
        match type_url {
            ENDPOINTS => self.held[CLUSTER].keys().cloned().collect(),
            ROUTES => self.held[LISTENER].keys().cloned().collect(),
            _ => ["*".to_owned()].into(),
        }
    }

    /// Subscribes to what is wanted now, if it is not what was asked for.
    fn ask(&mut self, type_url: &'static str) {
        let wants = self.wants(type_url);
        let held = &self.held[type_url];
        let Some(link) = &mut self.link else { return };
        let before = link.wanted.insert(type_url, wants.clone());
        // Whom nothing names, nobody subscribes to.
        if before.as_ref() == Some(&wants) || (before.is_none() && wants.is_empty()) {
            if wants.is_empty() {
                link.wanted.remove(type_url);
            }
            return;
        }
        let node = Some(Node::default());
        let type_url_owned = type_url.to_owned();
        let demand = match self.variant {
            Variant::Incremental => {
                let first = before.is_none();
                let before = before.unwrap_or_default();
                let held = held.iter().filter(|_| first);
                Demand::from(DeltaDiscoveryRequest {
                    node,
                    type_url: type_url_owned,
                    resource_names_subscribe: wants.difference(&before).cloned().collect(),
                    resource_names_unsubscribe: before.difference(&wants).cloned().collect(),
                    initial_resource_versions: held.map(|(name, value)| (name.clone(), version(name, value))).collect(),
                    ..DeltaDiscoveryRequest::default()
                })
            }
            Variant::StateOfTheWorld => Demand::from(DiscoveryRequest {
                node,
                type_url: type_url_owned,
                resource_names: wants.into_iter().collect(),
                response_nonce: link.nonces.get(type_url).cloned().unwrap_or_default(),
                ..DiscoveryRequest::default()
            }),
        };
        link.up.push_back(demand);
    }

    fn answer(&mut self, type_url: &'static str, response_nonce: String, error_detail: Option<Status>) {
        let wants = self.wants(type_url);
        let Some(link) = &mut self.link else { return };
        link.nonces.insert(type_url, response_nonce.clone());
        let type_url_owned = type_url.to_owned();
        let demand = match self.variant {
            Variant::Incremental => Demand::from(DeltaDiscoveryRequest {
                type_url: type_url_owned,
                response_nonce,
                error_detail,
                ..DeltaDiscoveryRequest::default()
            }),
            Variant::StateOfTheWorld => {
                link.wanted.insert(type_url, wants.clone());
                Demand::from(DiscoveryRequest {
                    type_url: type_url_owned,
                    resource_names: wants.into_iter().collect(),
                    response_nonce,
                    error_detail,
                    ..DiscoveryRequest::default()
                })
            }
        };
        link.up.push_back(demand);
    }

    /// The replica's latest snapshot reaches the stream.
    pub(crate) fn look_at(&mut self, replicas: &[Replica]) {
        if let Some(link) = &mut self.link {
            link.stream.snapshot(replicas[link.replica].snapshot.clone());
            link.drain();
        }
    }

    /// The oldest request reaches the control plane.
    pub(crate) fn deliver(&mut self, _: &[Replica]) -> bool {
        let Some(link) = &mut self.link else { return false };
        let Some(demand) = link.up.pop_front() else { return false };
        link.stream.request(demand).unwrap();
        link.drain();
        true
    }

    /// What the control plane waits for takes too long.
    pub(crate) fn late(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let Some(awaited) = link.stream.waits() else { return false };
        link.stream.late(&awaited);
        link.drain();
        true
    }

    /// The oldest response reaches the client, which applies or refuses it.
    pub(crate) fn receive(&mut self, mood: Mood, rng: &mut SmallRng) -> bool {
        let Some(link) = &mut self.link else { return false };
        let Some(response) = link.down.pop_front() else { return false };
        let refuses = mood.loses && rng.random_range(0..10) == 0;
        let error = refuses.then(|| Status { code: 3, message: "no".to_owned(), details: Vec::new() });
        let (type_url, nonce) = match self.variant {
            Variant::Incremental => {
                let response = response.incremental().unwrap();
                let type_url = known(&response.type_url);
                let held = self.held.get_mut(type_url).unwrap();
                if !refuses {
                    for resource in response.resources {
                        let (name, value) = read(&resource.resource.unwrap().value);
                        assert_eq!(name, resource.name);
                        held.insert(name, value);
                    }
                    response.removed_resources.iter().for_each(|name| drop(held.remove(name)));
                }
                (type_url, response.nonce)
            }
            Variant::StateOfTheWorld => {
                let response = response.state_of_the_world().unwrap();
                let type_url = known(&response.type_url);
                if !refuses {
                    let resources = response.resources.iter().map(|any| read(&any.value));
                    let held = self.held.get_mut(type_url).unwrap();
                    if [CLUSTER, LISTENER].contains(&type_url) {
                        *held = resources.collect();
                    } else {
                        held.extend(resources);
                    }
                }
                (type_url, response.nonce)
            }
        };
        // What is named by nothing any more is forgotten, and given up before the answer is sent.
        for (owner, owned) in [(CLUSTER, ENDPOINTS), (LISTENER, ROUTES)] {
            let owners: BTreeSet<String> = self.held[owner].keys().cloned().collect();
            self.held.get_mut(owned).unwrap().retain(|name, _| owners.contains(name));
            self.ask(owned);
        }
        self.answer(type_url, nonce, error);
        true
    }

    /// Every route that is held leads to a cluster that is held.
    pub(crate) fn check_references(&self) {
        for (route, value) in &self.held[ROUTES] {
            let cluster = value.split(' ').next().unwrap();
            assert!(self.held[CLUSTER].contains_key(cluster), "{:?}: {route} leads to {value}", self.variant);
        }
    }

    /// The stream says that everything it was asked for is there.
    pub(crate) fn assert_synchronized(&self, replicas: &[Replica]) {
        let link = self.link.as_ref().unwrap();
        for type_url in link.wanted.keys() {
            let revision = replicas[link.replica].snapshot.revision();
            assert_eq!(link.synchronized.get(*type_url), Some(&revision), "{type_url}");
        }
    }
}

impl Link {
    fn drain(&mut self) {
        while let Some(output) = self.stream.output() {
            match output {
                Output::Response(response, _) => self.down.push_back(response),
                Output::Event(Event::Synchronized { type_url, revision }) => {
                    self.synchronized.insert(type_url.to_string(), revision);
                }
                Output::Event(_) => {}
            }
        }
    }
}
