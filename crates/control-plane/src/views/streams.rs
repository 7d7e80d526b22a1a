//! What Envoys report of their resources, told as reports of those that these are made of.
//!
//! To the tracker, whoever takes a view takes one type: the fleet's resources by their own names. It has acknowledged a revision when all types
//! that it needs to serve it are acknowledged: an Envoy that has its clusters does not have its listeners.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_envoy::{Audience, TypeUrl};
use backstay_xds::server::{Event, Peer, Rejection, StreamId};

use super::{Key, Live, Views, audience, feed, left_out};
use crate::fleets::fleet_of;

/// How many resources are said to be refused where an Envoy refuses one that is made of many.
const MOST_REFUSED: usize = 16;

/// The streams of Envoys.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<HashMap<StreamId, Stream>>);

#[derive(Debug)]
struct Stream {
    key: Key,
    /// The revision that was acknowledged of each type.
    reached: BTreeMap<TypeUrl, u64>,
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Views {
    /// An event as the tracker is to be told of it; nothing where there is nothing to tell. Events of other streams are as they were.
    pub(crate) fn translate(&self, id: StreamId, event: Event) -> Option<Event> {
        if let Event::Opened { peer, type_url } = event {
            return Some(self.opened(id, peer, type_url));
        }
        let Some(key) = self.streams.lock().get(&id).map(|stream| stream.key.clone()) else { return Some(event) };
        if matches!(event, Event::Closed) {
            self.streams.lock().remove(&id);
            return Some(event);
        }
        let live = self.live(&key)?;
        let named = |type_url: &str, names: &[(Arc<str>, Arc<str>)]| owners(&live, type_url, names);
        let (none, feed) = (Arc::from([]), feed(key.1));
        Some(match event {
            Event::Sent { type_url, revision, nonce, resources, .. } => {
                Event::Sent { resources: named(&type_url, &resources), type_url: feed, revision, nonce, removed: none }
            }
            Event::Acknowledged { type_url, revision, nonce, resources, .. } => {
                let resources = named(&type_url, &resources);
                Event::Acknowledged { resources, type_url: feed, revision, nonce, removed: none }
            }
            Event::Rejected { type_url, revision, nonce, resources, rejected, message, details, .. } => {
                let rejected = blamed(&live, &type_url, &message, rejected);
                let resources = named(&type_url, &resources);
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
            // What is late is told as it is: it is about the stream.
            late @ Event::Late { .. } => late,
            Event::Synchronized { type_url, revision } => {
                let revision = self.reached(id, &live, TypeUrl::parse(&type_url)?, revision)?;
                Event::Synchronized { type_url: feed, revision }
            }
            Event::Opened { .. } | Event::Closed => return None,
        })
    }

    fn opened(&self, id: StreamId, peer: Peer, type_url: Arc<str>) -> Event {
        let Some(audience) = audience(&peer.node, &type_url) else { return Event::Opened { peer, type_url } };
        let key = (fleet_of(&peer.node).into(), audience);
        self.streams.lock().insert(id, Stream { key, reached: BTreeMap::new() });
        Event::Opened { peer, type_url: feed(audience) }
    }

    /// Has the tracker know what a stream that has just been opened is not served.
    pub(crate) fn refuse_left_out(&self, id: StreamId) {
        let Some(key) = self.streams.lock().get(&id).map(|stream| stream.key.clone()) else { return };
        let Some(live) = self.live(&key) else { return };
        let refusals = left_out(live.view().omissions());
        let feed = feed(key.1);
        self.shared.update(|tracker| {
            for (name, refusal) in refusals {
                tracker.refused(id, &feed, name, refusal);
            }
        });
    }

    /// The revision of which a stream has everything, after it has `revision` of a type.
    fn reached(&self, id: StreamId, live: &Live, kind: TypeUrl, revision: u64) -> Option<u64> {
        let mut streams = self.streams.lock();
        let stream = streams.get_mut(&id)?;
        let needed = needed(live, stream.key.1);
        stream.reached.insert(kind, revision);
        let of = |kind: &TypeUrl| stream.reached.get(kind).copied();
        // What it asks for besides counts as well.
        let all = needed.iter().chain(stream.reached.keys()).map(of).min()?;
        all.filter(|revision| *revision > 0)
    }
}

/// The types that an Envoy needs: it asks for routes only when it has listeners. Others need what they ask for.
fn needed(live: &Live, audience: Audience) -> Vec<TypeUrl> {
    if audience == Audience::Grpc {
        return Vec::new();
    }
    let snapshot = live.snapshots.borrow();
    let mut needed = vec![TypeUrl::Cluster, TypeUrl::Listener];
    needed.extend([TypeUrl::Routes].into_iter().filter(|kind| snapshot.len(kind.as_str()) > 0));
    needed
}

/// The resources that these of Envoy's are made of, without those that are not served whatever is acknowledged.
fn owners(live: &Live, type_url: &str, names: &[(Arc<str>, Arc<str>)]) -> Arc<[(Arc<str>, Arc<str>)]> {
    let Some(kind) = TypeUrl::parse(type_url) else { return Arc::from([]) };
    let view = live.view();
    let refused: BTreeSet<Arc<str>> = left_out(view.omissions()).into_keys().collect();
    let mut owners: BTreeSet<&Arc<str>> = names.iter().flat_map(|(name, _)| view.owners(kind, name)).collect();
    owners.retain(|name| !refused.contains(*name));
    owners.into_iter().map(|name| (Arc::clone(name), Arc::from(""))).collect()
}

/// Which resources are to blame for a refusal: of those of Envoy's that it names, or of all where it names none, what changed last.
fn blamed(live: &Live, type_url: &str, message: &str, rejected: Vec<Rejection>) -> Vec<Rejection> {
    let Some(kind) = TypeUrl::parse(type_url) else { return Vec::new() };
    let view = live.view();
    let names_any = rejected.iter().any(|one| message.contains(&*one.name));
    let mut blamed = Vec::new();
    for Rejection { name, message: words, .. } in rejected {
        if names_any && !message.contains(&*name) {
            continue;
        }
        for owner in view.causes(kind, &name).iter().take(MOST_REFUSED) {
            let (name, version) = (Arc::clone(owner), Arc::from(""));
            blamed.push(Rejection { name, version, field: String::new(), message: words.clone() });
        }
    }
    blamed
}
