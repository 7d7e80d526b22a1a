//! Proxies that are connected to other control planes of the same store.
//!
//! Each control plane tells the others, for each fleet, one revision that all its proxies have acknowledged, and what they refuse: not a
//! ledger of resources. A proxy of another one is a stream here as well, which has acknowledged that revision.
//!
//! Revisions are the store's, so they mean the same in every process. But each publishes when it has read some commits, not after each:
//! a change that one publishes at revision 7 may have been published at 5 by another, for whose fleet nothing happened since. So whoever
//! is level with all that was published has also acknowledged whatever was compiled since, and changed nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_resources::Timestamp;
use backstay_store::replicas::Words;
use backstay_xds::server::StreamId;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Refusal, Stream, Subscription, Tracker};

/// Most proxies of a fleet that a control plane names to others.
const LISTED: usize = 500;

/// Most refusals of a fleet that a control plane tells others.
const REFUSALS: usize = 100;

/// Under this name a control plane tells the revision up to which it has compiled.
pub(crate) const AT: &str = "at";
const ACKNOWLEDGED: &str = "acknowledged/";
/// Names that begin so are of words which need not be told as soon as they change.
pub(crate) const PROXIES: &str = "proxies/";

/// Ids of these streams are not those of any in this process.
const FIRST_ID: u64 = 1 << 63;

/// What a control plane tells of all its proxies of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledgement {
    /// How many there are.
    proxies: usize,
    /// The revision that all of them have acknowledged.
    low: u64,
    /// The revision of what was published last for them.
    newest: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Refused>,
}

impl Acknowledgement {
    /// The revision that they have acknowledged, when the control plane has compiled up to `at`.
    fn reached(&self, at: u64) -> u64 {
        if self.low >= self.newest { self.low.max(at) } else { self.low }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    proxy: String,
    resource: Arc<str>,
    version: Arc<str>,
    field: String,
    message: String,
}

/// A proxy, as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    name: String,
    address: String,
    version: String,
    connected: Timestamp,
    /// Since when an answer is waited for, where that takes long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    late: Option<Timestamp>,
}

/// What is known of another control plane.
#[derive(Debug, Default)]
pub(super) struct Remote {
    told: BTreeMap<String, Bytes>,
    streams: BTreeMap<(Arc<str>, String), StreamId>,
}

impl Tracker {
    /// What others are to be told of the proxies that are connected here, by name. Everything up to `compiled` has been published.
    pub(crate) fn words(&self, compiled: u64) -> BTreeMap<String, Bytes> {
        let mut acknowledged: BTreeMap<&Arc<str>, Acknowledgement> = BTreeMap::new();
        let mut named: BTreeMap<&Arc<str>, Vec<Named>> = BTreeMap::new();
        for stream in self.streams.values().filter(|stream| stream.replica.is_none()) {
            let newest = |type_url: &Arc<str>| {
                self.fleets.get(&stream.fleet).and_then(|fleet| fleet.types.get(type_url)).map_or(0, |feed| feed.newest)
            };
            let of = acknowledged
                .entry(&stream.fleet)
                .or_insert_with(|| Acknowledgement { low: u64::MAX, ..Acknowledgement::default() });
            of.proxies += 1;
            for (type_url, subscription) in &stream.types {
                of.low = of.low.min(subscription.synchronised);
                of.newest = of.newest.max(newest(type_url));
            }
            let room = REFUSALS - of.refusals.len();
            of.refusals.extend(stream.refused().take(room).map(|(resource, refusal)| Refused {
                proxy: stream.node_id.clone(),
                resource: resource.clone(),
                version: refusal.version.clone(),
                field: refusal.field.clone(),
                message: refusal.message.clone(),
            }));
            named.entry(&stream.fleet).or_default().push(Named {
                name: stream.node_id.clone(),
                address: stream.address.clone(),
                version: stream.version.clone(),
                connected: stream.connected,
                late: stream.late_since(),
            });
        }
        let mut words = BTreeMap::from([(AT.to_owned(), encode(&compiled))]);
        for (fleet, mut of) in acknowledged {
            // Of streams that ask for nothing yet, nothing is known.
            of.low = if of.low == u64::MAX { 0 } else { of.low };
            // The order of streams is not to make the words differ.
            of.refusals.sort_by(|one, other| (&one.proxy, &one.resource).cmp(&(&other.proxy, &other.resource)));
            words.insert(format!("{ACKNOWLEDGED}{fleet}"), encode(&of));
        }
        for (fleet, mut proxies) in named {
            proxies.sort_by(|one, other| (&one.name, one.connected).cmp(&(&other.name, other.connected)));
            proxies.truncate(LISTED);
            words.insert(format!("{PROXIES}{fleet}"), encode(&proxies));
        }
        words
    }

    /// What the other control planes tell now: one that is not among them is gone, and its proxies with it.
    pub(crate) fn heard(&mut self, words: &Words) {
        let gone: Vec<_> = self.remotes.keys().filter(|replica| !words.contains_key(*replica)).cloned().collect();
        for replica in gone {
            let streams = self.remotes.remove(&replica).map(|remote| remote.streams).unwrap_or_default();
            streams.into_values().for_each(|id| self.closed(id));
        }
        for (replica, told) in words {
            let mut remote = self.remotes.remove(replica).unwrap_or_default();
            if remote.told != *told {
                self.heard_of(replica, &mut remote, told);
                remote.told.clone_from(told);
            }
            self.remotes.insert(replica.clone(), remote);
        }
    }

    fn heard_of(&mut self, replica: &Arc<str>, remote: &mut Remote, told: &BTreeMap<String, Bytes>) {
        let at = compiled(told);
        let mut left = std::mem::take(&mut remote.streams);
        for (name, word) in told {
            let Some(fleet) = name.strip_prefix(ACKNOWLEDGED) else { continue };
            let Some(of) = decode::<Acknowledgement>(word) else { continue };
            let fleet: Arc<str> = fleet.into();
            let mut named = told.get(&format!("{PROXIES}{fleet}")).and_then(decode::<Vec<Named>>).unwrap_or_default();
            named.truncate(of.proxies);
            let known: BTreeSet<&str> = named.iter().map(|proxy| proxy.name.as_str()).collect();
            // It is told apart, and later, which proxies there are.
            let others: BTreeSet<String> = of
                .refusals
                .iter()
                .map(|refused| &refused.proxy)
                .filter(|name| !known.contains(name.as_str()))
                .cloned()
                .collect();
            let more = of.proxies.saturating_sub(named.len() + others.len());
            let others = others.into_iter().chain((more > 0).then(|| format!("{more} more at {replica}")));
            let nameless = |name| Named {
                name,
                address: String::new(),
                version: String::new(),
                connected: Timestamp::now(),
                late: None,
            };
            for proxy in named.into_iter().chain(others.map(nameless).collect::<Vec<_>>()) {
                let (key, late) = ((fleet.clone(), proxy.name.clone()), proxy.late);
                let id = match left.remove(&key) {
                    Some(id) => id,
                    // One that is connected twice counts once.
                    None if remote.streams.contains_key(&key) => continue,
                    None => self.open_remote(replica, &fleet, proxy),
                };
                self.set_remote(id, of.reached(at), (of.low < of.newest, late), &of.refusals);
                remote.streams.insert(key, id);
            }
        }
        left.into_values().for_each(|id| self.closed(id));
    }

    fn open_remote(&mut self, replica: &Arc<str>, fleet: &Arc<str>, proxy: Named) -> StreamId {
        self.last_remote += 1;
        let id = StreamId(FIRST_ID + self.last_remote);
        let Named { name, address, version, connected, late: _ } = proxy;
        let types = [(backstay_proto::RESOURCE_TYPE_URL.into(), Subscription::default())].into();
        let replica = Some(replica.clone());
        self.opened(id, Stream { fleet: fleet.clone(), node_id: name, address, version, connected, types, replica });
        id
    }

    fn set_remote(
        &mut self,
        id: StreamId,
        reached: u64,
        (waits, late): (bool, Option<Timestamp>),
        refusals: &[Refused],
    ) {
        let type_url: Arc<str> = backstay_proto::RESOURCE_TYPE_URL.into();
        let Some(stream) = self.streams.get(&id) else { return };
        let of = refusals.iter().filter(|refused| refused.proxy == stream.node_id);
        let refused: BTreeMap<Arc<str>, Refusal> = of
            .map(|Refused { resource, version, field, message, .. }| {
                let refusal = Refusal { version: version.clone(), field: field.clone(), message: message.clone() };
                (resource.clone(), refusal)
            })
            .collect();
        let known = stream.types.get(&type_url);
        let before = known.map(|subscription| subscription.refused.clone()).unwrap_or_default();
        // Of a stream that it had here, this is not known of the one that it has there.
        let taken_over = known.map(|subscription| subscription.taken_over.clone()).unwrap_or_default();
        let accepted: Vec<_> = before.keys().filter(|name| !refused.contains_key(*name)).collect();
        self.accepted(id, &type_url, accepted.into_iter());
        for (name, refusal) in refused {
            if before.get(&name) != Some(&refusal) || taken_over.contains(&name) {
                self.refused(id, &type_url, name, refusal);
            }
        }
        self.set_back(id, &type_url, reached);
        self.synchronised(id, &type_url, reached);
        self.set_waits(id, &type_url, waits, late);
    }
}

/// The revision up to which a control plane has compiled everything, as it tells.
pub(crate) fn compiled(told: &BTreeMap<String, Bytes>) -> u64 {
    told.get(AT).and_then(decode).unwrap_or_default()
}

fn encode(word: &impl Serialize) -> Bytes {
    // Nothing in these cannot be written as JSON.
    serde_json::to_vec(word).unwrap_or_default().into()
}

/// What a control plane of another version tells may not be understood: then nothing is known of it.
fn decode<'w, T: Deserialize<'w>>(word: &'w Bytes) -> Option<T> {
    serde_json::from_slice(word).ok()
}

#[cfg(test)]
mod tests;
