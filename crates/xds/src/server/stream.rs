mod answer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use backstay_proto::discovery::{Any, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node, Resource};

use self::answer::InFlight;
use super::subscription::{Draft, Subscription};
use super::{Event, Options, StreamId};
use crate::Snapshot;

/// The state of one stream of the incremental protocol, without I/O.
///
/// Feed it what arrives ([`request`](Self::request), [`snapshot`](Self::snapshot)) and, when the transport can take a
/// message, ask for what is to be done ([`output`](Self::output)) until there is nothing more.
pub struct Stream {
    id: StreamId,
    options: Options,
    snapshot: Snapshot,
    types: BTreeMap<Arc<str>, Type>,
    /// Types that may have something to say, in the order in which they got it.
    ready: VecDeque<Arc<str>>,
    events: VecDeque<Event>,
    responses: u64,
    /// Bytes of names and versions of all `initial_resource_versions` so far.
    initial: usize,
}

/// Each type on a stream is a world of its own.
#[derive(Default)]
struct Type {
    subscription: Subscription,
    in_flight: Option<InFlight>,
    /// The last revision told by [`Event::Synchronized`].
    synchronized: Option<u64>,
}

/// What a stream wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this to the client, after telling the observer the event.
    Response(DeltaDiscoveryResponse, Event),
    /// Tell the observer.
    Event(Event),
}

/// Why a stream has to end: the client broke the protocol or a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Who asks is known from the first request or not at all.
    #[error("the first request of a stream must say who asks: set node")]
    NoNode,
    /// On the aggregated service nothing implies the type.
    #[error("the request names no type: set type_url")]
    NoType,
    /// See [`Options::max_name_bytes`].
    #[error("a resource name, type URL or name of a node of {length} bytes is longer than the limit of {limit}")]
    NameTooLong {
        /// Bytes of the name.
        length: usize,
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_types`].
    #[error("the stream asks for more than the limit of {limit} types")]
    TooManyTypes {
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_subscriptions`].
    #[error("the stream subscribes to more than the limit of {limit} names; subscribe to * instead")]
    TooManySubscriptions {
        /// The setting.
        limit: usize,
    },
    /// See [`Options::max_subscription_bytes`].
    #[error("subscriptions and initial_resource_versions of the stream take more than the limit of {limit} bytes")]
    TooManyBytes {
        /// The setting.
        limit: usize,
    },
}

impl Stream {
    /// A stream without a subscription yet. `id` goes into its nonces.
    pub fn new(id: StreamId, options: Options, snapshot: Snapshot) -> Self {
        Self {
            id,
            options,
            snapshot,
            types: BTreeMap::new(),
            ready: VecDeque::new(),
            events: VecDeque::new(),
            responses: 0,
            initial: 0,
        }
    }

    /// Who opens a stream with this request. Later requests need not repeat it.
    pub fn node<'a>(first: &'a DeltaDiscoveryRequest, options: &Options) -> Result<&'a Node, Violation> {
        let node = first.node.as_ref().ok_or(Violation::NoNode)?;
        short_enough([&node.id, &node.cluster, &node.user_agent_version], options)?;
        Ok(node)
    }

    /// Takes in a request. Its parts are independent of each other: it may answer a response, change the subscription, or
    /// both, and a nonce that is not expected voids neither.
    pub fn request(&mut self, request: DeltaDiscoveryRequest) -> Result<(), Violation> {
        self.check(&request)?;
        let type_url: Arc<str> = match self.types.get_key_value(request.type_url.as_str()) {
            Some((known, _)) => known.clone(),
            None if self.types.len() >= self.options.max_types => {
                return Err(Violation::TooManyTypes { limit: self.options.max_types });
            }
            None => request.type_url.as_str().into(),
        };
        let (subscribe, unsubscribe) = (request.resource_names_subscribe, request.resource_names_unsubscribe);
        if let Some(state) = self.types.get_mut(&type_url) {
            // First the answer: whatever it is about has arrived before the rest was written.
            let answered = state.in_flight.take_if(|in_flight| *in_flight.nonce == *request.response_nonce);
            if let Some(in_flight) = answered {
                let limit = self.options.max_message_bytes;
                self.events.push_back(in_flight.answered(type_url.clone(), request.error_detail, limit));
            }
            let in_flight = state.in_flight.as_ref().map_or(&[][..], |in_flight| &in_flight.resources);
            state.subscription.change(subscribe, &unsubscribe, in_flight, &self.snapshot, &type_url);
        } else {
            let initial = request.initial_resource_versions;
            self.initial += initial.iter().map(|(name, version)| name.len() + version.len()).sum::<usize>();
            let subscription = Subscription::open(subscribe, &unsubscribe, initial, &self.snapshot, &type_url);
            self.types.insert(type_url.clone(), Type { subscription, ..Type::default() });
        }
        if !self.ready.contains(&type_url) {
            self.ready.push_back(type_url);
        }
        self.check_memory()
    }

    /// Takes in a newer snapshot. What the last one would have brought is forgotten if it was not sent yet.
    pub fn snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
        for type_url in self.types.keys() {
            if !self.ready.contains(type_url) {
                self.ready.push_back(type_url.clone());
            }
        }
    }

    /// Whether [`output`](Self::output) might have something. False means that it has nothing.
    pub fn is_ready(&self) -> bool {
        !self.events.is_empty() || !self.ready.is_empty()
    }

    /// The next event that does not wait for a response to be sent. [`output`](Self::output) has it, too.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the next response might be a bulk response: see [`Options::bulk_bytes`].
    pub fn is_bulk(&mut self) -> bool {
        let Self { ready, types, snapshot, options, .. } = self;
        ready.iter().any(|type_url| {
            let state = types.get_mut(type_url).filter(|state| state.in_flight.is_none());
            state.is_some_and(|state| state.subscription.owes(options.bulk_bytes, snapshot, type_url))
        })
    }

    /// Whether a bulk response is unanswered.
    pub fn is_bulk_in_flight(&self) -> bool {
        let mut in_flight = self.types.values().filter_map(|state| state.in_flight.as_ref());
        in_flight.any(|in_flight| in_flight.bytes >= self.options.bulk_bytes)
    }

    /// The next thing to do. A response is only made here, from the latest snapshot, so ask when it can be sent.
    pub fn output(&mut self) -> Option<Output> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Output::Event(event));
            }
            let type_url = self.ready.pop_front()?;
            let Some(state) = self.types.get_mut(&type_url) else { continue };
            if state.in_flight.is_some() {
                continue;
            }
            let draft = state.subscription.draft(&self.snapshot, &type_url, self.options.max_response_bytes);
            let revision = self.snapshot.revision();
            let Some(draft) = draft else {
                if state.synchronized != Some(revision) {
                    state.synchronized = Some(revision);
                    return Some(Output::Event(Event::Synchronized { type_url, revision }));
                }
                continue;
            };
            self.responses += 1;
            let nonce = format!("{}-{:x}", self.id, self.responses);
            let in_flight = InFlight::new(nonce.as_str().into(), revision, &draft, &type_url);
            let event = in_flight.sent(type_url.clone());
            state.in_flight = Some(in_flight);
            return Some(Output::Response(response(nonce, &type_url, revision, draft), event));
        }
    }

    fn check(&self, request: &DeltaDiscoveryRequest) -> Result<(), Violation> {
        if request.type_url.is_empty() {
            return Err(Violation::NoType);
        }
        let names = request.resource_names_subscribe.iter().chain(&request.resource_names_unsubscribe);
        let versions = request.initial_resource_versions.iter().flat_map(|(name, version)| [name, version]);
        short_enough(names.chain(versions).chain([&request.type_url]), &self.options)
    }

    fn check_memory(&self) -> Result<(), Violation> {
        let Options { max_subscriptions, max_subscription_bytes, .. } = self.options;
        if self.types.values().map(|state| state.subscription.len()).sum::<usize>() > max_subscriptions {
            return Err(Violation::TooManySubscriptions { limit: max_subscriptions });
        }
        let bytes = self.initial + self.types.values().map(|state| state.subscription.bytes()).sum::<usize>();
        if bytes > max_subscription_bytes {
            return Err(Violation::TooManyBytes { limit: max_subscription_bytes });
        }
        Ok(())
    }
}

fn short_enough<'a>(names: impl IntoIterator<Item = &'a String>, options: &Options) -> Result<(), Violation> {
    let limit = options.max_name_bytes;
    match names.into_iter().map(String::len).max() {
        Some(length) if length > limit => Err(Violation::NameTooLong { length, limit }),
        _ => Ok(()),
    }
}

fn response(nonce: String, type_url: &str, revision: u64, draft: Draft) -> DeltaDiscoveryResponse {
    let resource = |resource: Arc<crate::Resource>| Resource {
        name: resource.name().as_ref().to_owned(),
        version: resource.version().as_ref().to_owned(),
        resource: Some(Any { type_url: type_url.to_owned(), value: resource.value().clone() }),
    };
    DeltaDiscoveryResponse {
        // For people who read a dump: the protocol gives it no meaning.
        system_version_info: revision.to_string(),
        type_url: type_url.to_owned(),
        nonce,
        removed_resources: draft.removed.iter().map(|name| name.as_ref().to_owned()).collect(),
        resources: draft.resources.into_iter().map(resource).collect(),
    }
}
