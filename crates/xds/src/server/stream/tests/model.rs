//! Random histories against a model of a client: whatever is asked, changed, refused, delayed or cut off, the client ends
//! up with what the snapshot says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use backstay_proto::discovery::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{TYPE, answer, nack, put, remove, request};
use crate::server::{Event, Options, Output, Stream, StreamId};
use crate::{ResourceChange, Snapshot, Variant, refusal};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Act {
    /// The control plane changes resources; the stream hears of it with [`Act::Publish`].
    Change(Vec<(usize, Option<u8>)>),
    Publish,
    /// The client changes its subscription. Number [`NAMES`]`.len()` is the wildcard.
    Ask(Vec<usize>, Vec<usize>),
    /// The client's oldest request reaches the server.
    Upstream,
    /// The server's oldest response reaches the client, which refuses it as a whole, or some names of it, or nothing.
    Downstream(Refusing),
    Reconnect {
        legacy: bool,
    },
}

#[derive(Clone, Debug)]
enum Refusing {
    Nothing,
    Everything,
    Names(BTreeSet<usize>),
}

fn act() -> impl Strategy<Value = Act> {
    let name = 0..NAMES.len();
    let names = vec(0..=NAMES.len(), 0..3);
    let refusing = prop_oneof![
        3 => Just(Refusing::Nothing),
        1 => Just(Refusing::Everything),
        1 => proptest::collection::btree_set(name.clone(), 1..3).prop_map(Refusing::Names),
    ];
    prop_oneof![
        4 => vec((name, proptest::option::weighted(0.7, 0u8..3)), 1..4).prop_map(Act::Change),
        4 => Just(Act::Publish),
        3 => (names.clone(), names).prop_map(|(subscribe, unsubscribe)| Act::Ask(subscribe, unsubscribe)),
        6 => Just(Act::Upstream),
        6 => refusing.prop_map(Act::Downstream),
        1 => any::<bool>().prop_map(|legacy| Act::Reconnect { legacy }),
    ]
}

/// What a client is subscribed to, as the protocol defines it.
#[derive(Clone, Debug, Default)]
struct Interest {
    asked: bool,
    wildcard: bool,
    names: BTreeSet<String>,
}

impl Interest {
    fn change(&mut self, subscribe: &[String], unsubscribe: &[String]) {
        self.wildcard |= !std::mem::replace(&mut self.asked, true) && subscribe.is_empty();
        for name in subscribe {
            match name.as_str() {
                "*" => self.wildcard = true,
                _ => _ = self.names.insert(name.clone()),
            }
        }
        for name in unsubscribe {
            match name.as_str() {
                "*" => self.wildcard = false,
                _ => _ = self.names.remove(name),
            }
        }
    }

    fn covers(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }
}

/// Both ends and what is under way between them.
struct World {
    snapshot: Snapshot,
    options: Arc<Options>,
    stream: Stream,
    streams: u64,
    upstream: VecDeque<DeltaDiscoveryRequest>,
    downstream: VecDeque<DeltaDiscoveryResponse>,
    interest: Interest,
    held: BTreeMap<String, String>,
    /// What the client refused last of a name: a version, or its removal.
    refused: BTreeMap<String, Option<String>>,
    /// What the server told of a name on this stream, unless the client asked for the name since.
    told: BTreeMap<String, Option<String>>,
    unanswered: usize,
    nonces: BTreeSet<String>,
    synchronized: Option<u64>,
}

impl World {
    fn new(log: usize, max_response_bytes: usize) -> Self {
        let snapshot = Snapshot::with_log_capacity(log);
        let options = Arc::new(Options { max_response_bytes, ..Options::default() });
        Self {
            stream: Stream::new(StreamId(0), Variant::Incremental, options.clone(), snapshot.clone()),
            snapshot,
            options,
            streams: 0,
            upstream: VecDeque::new(),
            downstream: VecDeque::new(),
            interest: Interest::default(),
            held: BTreeMap::new(),
            refused: BTreeMap::new(),
            told: BTreeMap::new(),
            unanswered: 0,
            nonces: BTreeSet::new(),
            synchronized: None,
        }
    }

    fn play(&mut self, act: Act) {
        match act {
            Act::Change(changes) => {
                let change = |(name, value): (usize, Option<u8>)| -> ResourceChange {
                    value.map_or_else(|| remove(NAMES[name]), |value| put(NAMES[name], &value.to_string()))
                };
                let changes = changes.into_iter().map(change);
                self.snapshot = self.snapshot.apply(self.snapshot.revision() + 1, TYPE, changes);
            }
            Act::Publish => self.stream.snapshot(self.snapshot.clone()),
            Act::Ask(subscribe, unsubscribe) => {
                let name = |number: &usize| NAMES.get(*number).copied().unwrap_or("*");
                let subscribe: Vec<_> = subscribe.iter().map(name).collect();
                let unsubscribe: Vec<_> = unsubscribe.iter().map(name).collect();
                self.ask(request(&subscribe, &unsubscribe, &[]));
            }
            Act::Upstream => drop(self.deliver_request()),
            Act::Downstream(refusing) => drop(self.deliver_response(&refusing)),
            Act::Reconnect { legacy } => self.reconnect(legacy),
        }
        self.drain();
    }

    fn ask(&mut self, mut request: DeltaDiscoveryRequest) {
        if !self.interest.asked {
            // A client lists what it holds in the first request of a stream.
            request.initial_resource_versions = self.held.clone();
        }
        self.interest.change(&request.resource_names_subscribe, &request.resource_names_unsubscribe);
        // What is no longer wanted is forgotten; so is what was thought of it.
        self.held.retain(|name, _| self.interest.covers(name));
        self.refused.retain(|name, _| self.interest.covers(name));
        self.upstream.push_back(request);
    }

    fn reconnect(&mut self, legacy: bool) {
        self.streams += 1;
        self.stream =
            Stream::new(StreamId(self.streams), Variant::Incremental, self.options.clone(), self.snapshot.clone());
        (self.upstream, self.downstream) = Default::default();
        (self.told, self.refused) = Default::default();
        (self.unanswered, self.synchronized) = Default::default();
        let before = std::mem::take(&mut self.interest);
        if !before.asked {
            return;
        }
        let mut subscribe: Vec<&str> = before.names.iter().map(String::as_str).collect();
        let unsubscribe: &[&str] = match (before.wildcard, subscribe.is_empty()) {
            (true, true) if legacy => &[],
            (true, _) => {
                subscribe.push("*");
                &[]
            }
            (false, true) => {
                subscribe.push("*");
                &["*"]
            }
            (false, false) => &[],
        };
        let request = request(&subscribe, unsubscribe, &[]);
        self.ask(request);
    }

    fn deliver_request(&mut self) -> bool {
        let Some(request) = self.upstream.pop_front() else { return false };
        self.unanswered -= usize::from(!request.response_nonce.is_empty());
        let asked = request.resource_names_subscribe.iter().chain(&request.resource_names_unsubscribe);
        for name in asked {
            if name == "*" { self.told.clear() } else { drop(self.told.remove(name)) }
        }
        self.stream.request(request).unwrap();
        true
    }

    fn deliver_response(&mut self, refusing: &Refusing) -> bool {
        let Some(response) = self.downstream.pop_front() else { return false };
        let news = response.resources.iter().map(|resource| (&resource.name, Some(&resource.version)));
        let news = news.chain(response.removed_resources.iter().map(|name| (name, None)));
        let mut rejections = Vec::new();
        for (name, version) in news.filter(|(name, _)| self.interest.covers(name)) {
            let named = |names: &BTreeSet<usize>| names.iter().any(|number| NAMES[*number] == name);
            let refused = match refusing {
                Refusing::Nothing => false,
                Refusing::Everything => true,
                // Only resources can be named: a removal always succeeds.
                Refusing::Names(names) => version.is_some() && named(names),
            };
            if refused {
                self.refused.insert(name.clone(), version.cloned());
                rejections.push(backstay_proto::config::Rejection { name: name.clone(), ..Default::default() });
                continue;
            }
            self.refused.remove(name);
            match version {
                Some(version) => drop(self.held.insert(name.clone(), version.clone())),
                None => drop(self.held.remove(name)),
            }
        }
        let mut error = match refusing {
            Refusing::Everything => nack("no"),
            _ if rejections.is_empty() => None,
            _ => nack("some"),
        };
        if let (Some(error), Refusing::Names(_)) = (&mut error, refusing) {
            error.details.push(refusal::details(rejections));
        }
        self.upstream.push_back(answer(&response, error));
        true
    }

    fn drain(&mut self) {
        while let Some(output) = self.stream.output() {
            match output {
                Output::Event(Event::Synchronized { revision, .. }) => {
                    assert_eq!(self.unanswered, 0, "synchronized with a response in flight");
                    self.synchronized = Some(revision);
                }
                Output::Event(_) => {}
                Output::Response(response, event) => {
                    assert!(matches!(event, Event::Sent { .. }));
                    let response = response.incremental().unwrap();
                    self.unanswered += 1;
                    self.check(&response);
                    self.downstream.push_back(response);
                }
            }
        }
    }

    fn check(&mut self, response: &DeltaDiscoveryResponse) {
        assert_eq!(self.unanswered, 1, "more than one response in flight");
        assert!(self.nonces.insert(response.nonce.clone()), "a nonce was reused");
        let news = response.resources.iter().map(|resource| (&resource.name, Some(resource.version.clone())));
        let news = news.chain(response.removed_resources.iter().map(|name| (name, None)));
        let mut names = BTreeSet::new();
        for (name, version) in news {
            assert!(names.insert(name), "{name} occurs twice in {response:?}");
            let before = self.told.insert(name.clone(), version.clone());
            assert_ne!(before, Some(version), "{name} was sent again: {response:?}");
        }
    }

    /// Lets everything arrive, then compares.
    fn settle(&mut self) {
        self.stream.snapshot(self.snapshot.clone());
        self.drain();
        while self.deliver_request() || self.deliver_response(&Refusing::Nothing) {
            self.drain();
        }
        if !self.interest.asked {
            assert!(self.held.is_empty());
            return;
        }
        assert_eq!(self.synchronized, Some(self.snapshot.revision()));
        for name in NAMES {
            let want = self.snapshot.get(TYPE, name).filter(|_| self.interest.covers(name));
            let want = want.map(|resource| resource.version().to_string());
            if self.refused.get(name) != Some(&want) {
                assert_eq!(self.held.get(name), want.as_ref(), "{name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_ends_up_with_the_snapshot(
        acts in vec(act(), 1..60),
        log in prop_oneof![Just(0), Just(2), Just(64)],
        max_response_bytes in prop_oneof![Just(1), Just(200), Just(1 << 20)],
    ) {
        let mut world = World::new(log, max_response_bytes);
        for act in acts {
            world.play(act);
        }
        world.settle();
        // And once more from there: what is settled stays settled.
        let responses = world.nonces.len();
        world.settle();
        prop_assert_eq!(world.nonces.len(), responses);
    }
}
