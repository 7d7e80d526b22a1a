//! What Envoys report of their resources, told as reports of those that these are made of.
//!
//! To the tracker, whoever takes a view takes one type: the fleet's resources by their own names. It has acknowledged a revision when all types
//! that it needs to serve it are acknowledged: an Envoy that has its clusters does not have its listeners. An Envoy may ask for each type on a
//! stream of its own, some or all of them; its streams are one to the tracker.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_envoy::{Audience, TypeUrl};
use backstay_xds::server::{Event, Peer, Rejection, StreamId};

use super::{Key, Live, Views, audience, feed, left_out};
use crate::fleets::fleet_of;

/// How many resources are said to be refused where an Envoy refuses one that is made of many.
const MOST_REFUSED: usize = 16;

/// The streams of Envoys.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    streams: HashMap<StreamId, Stream>,
    clients: HashMap<Client, Group>,
}

#[derive(Debug)]
struct Stream {
    key: Key,
    /// Whose it is, where that may have others.
    client: Option<Client>,
    /// The revision that was acknowledged of each type, without those of which something is under way.
    reached: BTreeMap<TypeUrl, u64>,
    /// What it has refused.
    refused: BTreeSet<Refused>,
}

/// A resource of Envoy's, and one of those that are to blame for it.
type Refused = (TypeUrl, Arc<str>, Arc<str>);

/// An Envoy: its fleet, what it calls itself, and where it is.
type Client = (Key, String, Option<IpAddr>);

/// The streams of an Envoy.
#[derive(Debug)]
struct Group {
    /// As which the tracker knows all of them: the first.
    id: StreamId,
    members: BTreeSet<StreamId>,
}

impl All {
    /// The stream as which the tracker knows this one.
    fn tracked(&self, id: StreamId) -> StreamId {
        let client = self.streams.get(&id).and_then(|stream| stream.client.as_ref());
        client.and_then(|client| self.clients.get(client)).map_or(id, |group| group.id)
    }

    /// Takes a stream in. Whether the tracker is to hear of it: of the first of a client.
    fn open(&mut self, id: StreamId, key: Key, client: Option<Client>) -> bool {
        let is_first = match &client {
            None => true,
            Some(client) => {
                let group = self.clients.entry(client.clone());
                let group = group.or_insert_with(|| Group { id, members: BTreeSet::new() });
                group.members.insert(id);
                group.members.len() == 1
            }
        };
        self.streams.insert(id, Stream { key, client, reached: BTreeMap::new(), refused: BTreeSet::new() });
        is_first
    }

    /// Lets a stream go. As which the tracker is to hear of it, if it was the last of a client.
    fn close(&mut self, id: StreamId) -> Option<StreamId> {
        let tracked = self.tracked(id);
        let Some(client) = self.streams.remove(&id)?.client else { return Some(tracked) };
        let group = self.clients.get_mut(&client)?;
        group.members.remove(&id);
        if !group.members.is_empty() {
            return None;
        }
        self.clients.remove(&client);
        Some(tracked)
    }

    /// The revision of which a client has all of these types, and of all others that it asks for.
    fn reached(&self, id: StreamId, needed: &[TypeUrl]) -> Option<u64> {
        let mut lowest: BTreeMap<TypeUrl, u64> = BTreeMap::new();
        for member in self.of_client(id) {
            for (kind, revision) in &member.reached {
                let known = lowest.entry(*kind).or_insert(*revision);
                *known = (*known).min(*revision);
            }
        }
        if needed.iter().any(|kind| !lowest.contains_key(kind)) {
            return None;
        }
        lowest.into_values().min()
    }

    /// The streams of the client that a stream is of.
    fn of_client(&self, id: StreamId) -> impl Iterator<Item = &Stream> {
        let client = self.streams.get(&id).and_then(|stream| stream.client.as_ref());
        let group = client.and_then(|client| self.clients.get(client));
        let members = group.map_or_else(|| vec![id], |group| group.members.iter().copied().collect());
        members.into_iter().filter_map(|member| self.streams.get(&member))
    }

    /// Something of a type is under way. Of routes, their virtual hosts are asked for only then.
    fn sent(&mut self, id: StreamId, kind: TypeUrl) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.reached.remove(&kind);
        if kind == TypeUrl::Routes {
            stream.reached.remove(&TypeUrl::VirtualHost);
        }
    }

    /// A client has these resources of a type, or has them no more. Takes those out of `owners` for which it still refuses another.
    fn accepted<'a>(
        &mut self,
        id: StreamId,
        kind: TypeUrl,
        names: impl Iterator<Item = &'a Arc<str>>,
        owners: &mut Vec<(Arc<str>, Arc<str>)>,
    ) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if !stream.refused.is_empty() {
            let names: BTreeSet<&str> = names.map(|name| &**name).collect();
            // With routes that are gone their virtual hosts are, and those of routes that came are sent again.
            let whole = |name: &str| name.rsplit_once('/').is_some_and(|(of, _)| names.contains(of));
            stream.refused.retain(|(refused, name, _)| match (kind, refused) {
                (TypeUrl::Routes, TypeUrl::VirtualHost) => !whole(name),
                _ => *refused != kind || !names.contains(&**name),
            });
        }
        let still: BTreeSet<&Arc<str>> =
            self.of_client(id).flat_map(|stream| &stream.refused).map(|(.., owner)| owner).collect();
        owners.retain(|(owner, _)| !still.contains(owner));
    }
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, id: StreamId) -> Option<Key> {
        self.lock().streams.get(&id).map(|stream| stream.key.clone())
    }
}

impl Views {
    /// An event as the tracker is to be told of it, and the stream that it is to be told of; nothing where there is nothing to tell. Events
    /// of other streams are as they were.
    pub(crate) fn translate(&self, id: StreamId, event: Event) -> Option<(StreamId, Event)> {
        let Some(key) = self.streams.key(id) else {
            return match event {
                Event::Opened { peer, type_url } => self.opened(id, peer, type_url).map(|event| (id, event)),
                event => Some((id, event)),
            };
        };
        if matches!(event, Event::Closed) {
            return self.streams.lock().close(id).map(|tracked| (tracked, event));
        }
        let tracked = self.streams.lock().tracked(id);
        self.told(id, &key, event).map(|event| (tracked, event))
    }

    /// The stream as which the tracker knows one of an Envoy.
    pub(crate) fn known_as(&self, id: StreamId) -> Option<StreamId> {
        let streams = self.streams.lock();
        streams.streams.contains_key(&id).then(|| streams.tracked(id))
    }

    /// What happened on a stream that is open, in the words of the fleet's resources.
    fn told(&self, id: StreamId, key: &Key, event: Event) -> Option<Event> {
        let live = self.live(key)?;
        let named = |type_url: &str, names: &[(Arc<str>, Arc<str>)]| owners(&live, type_url, names);
        let (none, feed) = (Arc::from([]), feed(key.1));
        Some(match event {
            Event::Sent { type_url, revision, nonce, resources, .. } => {
                self.streams.lock().sent(id, TypeUrl::parse(&type_url)?);
                let resources = named(&type_url, &resources).into();
                Event::Sent { resources, type_url: feed, revision, nonce, removed: none }
            }
            Event::Acknowledged { type_url, revision, nonce, resources, removed } => {
                let mut owners = named(&type_url, &resources);
                let names = resources.iter().map(|(name, _)| name).chain(removed.iter());
                self.streams.lock().accepted(id, TypeUrl::parse(&type_url)?, names, &mut owners);
                Event::Acknowledged { resources: owners.into(), type_url: feed, revision, nonce, removed: none }
            }
            Event::Rejected { type_url, revision, nonce, resources, rejected, message, details, .. } => {
                let (refused, rejected) = blamed(&live, &type_url, &message, rejected);
                if let Some(stream) = self.streams.lock().streams.get_mut(&id) {
                    stream.refused.extend(refused);
                }
                let resources = named(&type_url, &resources).into();
                let (partial, removed) = (false, none);
                Event::Rejected {
                    type_url: feed,
                    nonce,
                    revision,
                    resources,
                    removed,
                    rejected,
                    partial,
                    message,
                    details,
                }
            }
            Event::Searching { type_url, revision, nonce, resources, message } => {
                let resources = named(&type_url, &resources).into();
                Event::Searching { resources, type_url: feed, revision, nonce, message }
            }
            // These are told as they are: they are about the stream.
            told @ (Event::Late { .. } | Event::Abandoned { .. }) => told,
            Event::Synchronized { type_url, revision } => {
                let revision = self.reached(id, &live, TypeUrl::parse(&type_url)?, revision)?;
                Event::Synchronized { type_url: feed, revision }
            }
            Event::Opened { .. } | Event::Closed => return None,
        })
    }

    fn opened(&self, id: StreamId, peer: Peer, type_url: Arc<str>) -> Option<Event> {
        let Some(audience) = audience(&peer.node, &type_url) else { return Some(Event::Opened { peer, type_url }) };
        let key: Key = (fleet_of(&peer.node).into(), audience);
        // Clients of gRPC have all types on one stream, and are many on a machine that call themselves the same.
        let client = (audience != Audience::Grpc)
            .then(|| (key.clone(), peer.node.id.clone(), peer.address.map(|address| address.ip())));
        let is_first = self.streams.lock().open(id, key, client);
        is_first.then(|| Event::Opened { peer, type_url: feed(audience) })
    }

    /// Has the tracker know what a stream that has just been opened is not served.
    pub(crate) fn refuse_left_out(&self, id: StreamId) {
        let Some(key) = self.streams.key(id) else { return };
        let Some(live) = self.live(&key) else { return };
        let refusals = left_out(live.view().omissions());
        let feed = feed(key.1);
        self.shared.update(|tracker| {
            for (name, refusal) in refusals {
                tracker.refused(id, &feed, name, refusal);
            }
        });
    }

    /// The revision of which a client has everything, after a stream of it has `revision` of a type.
    fn reached(&self, id: StreamId, live: &Live, kind: TypeUrl, revision: u64) -> Option<u64> {
        let mut streams = self.streams.lock();
        let stream = streams.streams.get_mut(&id)?;
        let needed = needed(live, stream.key.1);
        stream.reached.insert(kind, revision);
        streams.reached(id, &needed).filter(|revision| *revision > 0)
    }
}

/// The types that an Envoy needs: it asks for routes only when it has listeners. Others need what they ask for.
fn needed(live: &Live, audience: Audience) -> Vec<TypeUrl> {
    if audience == Audience::Grpc {
        return Vec::new();
    }
    let snapshot = live.snapshots.borrow();
    let mut needed = vec![TypeUrl::Cluster, TypeUrl::Listener];
    let routes = [TypeUrl::Routes, TypeUrl::VirtualHost];
    needed.extend(routes.into_iter().filter(|kind| snapshot.len(kind.as_str()) > 0));
    needed
}

/// The resources that these of Envoy's are made of, without those that are not served whatever is acknowledged.
fn owners(live: &Live, type_url: &str, names: &[(Arc<str>, Arc<str>)]) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(kind) = TypeUrl::parse(type_url) else { return Vec::new() };
    let view = live.view();
    let refused: BTreeSet<Arc<str>> = left_out(view.omissions()).into_keys().collect();
    let mut owners: BTreeSet<&Arc<str>> = names.iter().flat_map(|(name, _)| view.owners(kind, name)).collect();
    owners.retain(|name| !refused.contains(*name));
    owners.into_iter().map(|name| (Arc::clone(name), Arc::from(""))).collect()
}

/// Which resources are to blame for a refusal: of those of Envoy's that it names, or of all where it names none, what changed last.
fn blamed(live: &Live, type_url: &str, message: &str, rejected: Vec<Rejection>) -> (Vec<Refused>, Vec<Rejection>) {
    let Some(kind) = TypeUrl::parse(type_url) else { return (Vec::new(), Vec::new()) };
    let view = live.view();
    let names_any = rejected.iter().any(|one| message.contains(&*one.name));
    let (mut refused, mut blamed) = (Vec::new(), Vec::new());
    for Rejection { name, message: words, .. } in rejected {
        if names_any && !message.contains(&*name) {
            continue;
        }
        for owner in view.causes(kind, &name).iter().take(MOST_REFUSED) {
            refused.push((kind, Arc::clone(&name), Arc::clone(owner)));
            let (name, version) = (Arc::clone(owner), Arc::from(""));
            blamed.push(Rejection { name, version, field: String::new(), message: words.clone() });
        }
    }
    (refused, blamed)
}

#[cfg(test)]
mod tests;
