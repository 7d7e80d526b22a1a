//! One discovery stream: a connected proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_compiler::AddressSource;
use backstay_resources::Timestamp;
use backstay_xds::server::StreamId;

use super::{FleetResource, InFlight, Sent, Tracked, Tracker};

/// Why a proxy refused a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Version refused.
    pub(crate) version: Arc<str>,
    /// Field at fault; empty when it is the whole.
    pub(crate) field: String,
    /// The proxy's own words.
    pub(crate) message: String,
}

impl Refusal {
    /// Field and words as one sentence.
    pub(crate) fn sentence(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }
}

/// A connected proxy.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    /// Which fleet it serves.
    pub(crate) fleet: Arc<str>,
    /// What it calls itself.
    pub(crate) node_id: String,
    /// Where it connected from.
    pub(crate) address: String,
    /// Its version.
    pub(crate) version: String,
    /// When it connected.
    pub(crate) connected: Timestamp,
    /// The other control plane that it is connected to; `None` when that is this one.
    pub(crate) replica: Option<Arc<str>>,
    /// What it asks for, by type.
    pub(crate) types: BTreeMap<Arc<str>, Subscription>,
}

/// One type on a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscription {
    /// The revision that was acknowledged in full.
    pub(crate) synchronised: u64,
    /// Responses that are not answered.
    pub(crate) in_flight: Vec<InFlight>,
    /// Another control plane, which the proxy is connected to, waits for its answer.
    pub(crate) waits: bool,
    /// Since when an answer is waited for, where that takes so long that the status of the fleet tells.
    pub(crate) late: Option<Timestamp>,
    /// What is refused, by resource.
    pub(crate) refused: BTreeMap<Arc<str>, Refusal>,
    /// What of that an earlier stream of the same proxy has refused, and this one has not been asked yet.
    pub(crate) taken_over: BTreeSet<Arc<str>>,
}

impl Stream {
    /// The revision that it has acknowledged in full, of all that it asks for.
    pub(crate) fn synchronised(&self) -> u64 {
        self.types.values().map(|subscription| subscription.synchronised).min().unwrap_or_default()
    }

    /// What it refuses, by type and resource.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&Arc<str>, &Refusal)> {
        self.types.values().flat_map(|subscription| &subscription.refused)
    }
}

/// A resource that a proxy should hold.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    /// Its name.
    pub(crate) name: &'a Arc<str>,
    /// The version it should hold.
    pub(crate) version: &'a Arc<str>,
    /// The revision that brought that.
    pub(crate) revision: u64,
    /// Whether the proxy has acknowledged that revision.
    pub(crate) is_acknowledged: bool,
    /// What it was sent of it last, if it has not answered for that.
    pub(crate) sent: Option<Sent<'a>>,
    /// What it has refused.
    pub(crate) refused: Option<&'a Refusal>,
}

impl Tracker {
    /// What a proxy should hold of all types that it asks for, in no order.
    pub(crate) fn held_by<'a>(&'a self, stream: &'a Stream) -> impl Iterator<Item = Held<'a>> {
        let fleet = self.fleets.get(&stream.fleet);
        stream.types.iter().flat_map(move |(type_url, subscription)| {
            let feed = fleet.and_then(|fleet| fleet.types.get(type_url)).into_iter();
            let sent = subscription.sent();
            feed.flat_map(|feed| &feed.changed).map(move |(name, (revision, version))| Held {
                name,
                version,
                revision: *revision,
                is_acknowledged: *revision <= subscription.synchronised,
                sent: sent.get(&**name).copied(),
                refused: subscription.refused.get(name),
            })
        })
    }

    /// A proxy connected, and asks for what its [`Stream::types`] say. One that is connected already makes another stream before it
    /// leaves the first: to whoever looks it stays as it is.
    pub(crate) fn opened(&mut self, id: StreamId, mut stream: Stream) {
        let refused = self.take_over(&mut stream);
        let fleet = self.fleets.entry(stream.fleet.clone()).or_default();
        for (type_url, subscription) in &stream.types {
            *fleet.feed(type_url).synchronised.entry(subscription.synchronised).or_default() += 1;
        }
        self.dirty_fleets.insert(stream.fleet.clone());
        self.moved(&stream.fleet);
        let of_fleet = self.by_proxy.entry(stream.fleet.clone()).or_default();
        of_fleet.entry(stream.node_id.clone()).or_default().insert(id);
        self.streams.insert(id, stream);
        for (type_url, program) in refused {
            self.set_refused(&program, &type_url, id, true);
        }
    }

    /// Gives a stream what is known of the proxy by its latest stream before, if that is there still.
    fn take_over(&self, stream: &mut Stream) -> Vec<(Arc<str>, FleetResource)> {
        let latest = self.of_same_proxy(stream).and_then(BTreeSet::last);
        let Some(before) = latest.and_then(|id| self.streams.get(id)) else { return Vec::new() };
        stream.connected = before.connected;
        let mut refused = Vec::new();
        for (type_url, subscription) in &mut stream.types {
            let Some(before) = before.types.get(type_url) else { continue };
            subscription.refused.clone_from(&before.refused);
            subscription.taken_over = before.refused.keys().cloned().collect();
            let programs = before.refused.keys().map(|name| (type_url.clone(), (stream.fleet.clone(), name.clone())));
            refused.extend(programs);
        }
        refused
    }

    /// The connected proxies of a fleet, by their names. One that has several streams for a moment, since it makes another before it
    /// leaves the first or the first has not ended yet, is as the latest has it.
    pub(crate) fn proxies(&self, fleet: &str) -> Vec<&Stream> {
        let of = self.by_proxy.get(fleet).into_iter().flat_map(BTreeMap::values);
        of.filter_map(|ids| self.streams.get(ids.last()?)).collect()
    }

    /// Whether the proxy of a stream has another one.
    pub(crate) fn has_another(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_some_and(|stream| self.of_same_proxy(stream).is_some_and(|ids| ids.len() > 1))
    }

    /// The streams of the proxy that a stream is of.
    fn of_same_proxy(&self, stream: &Stream) -> Option<&BTreeSet<StreamId>> {
        self.by_proxy.get(&stream.fleet)?.get(&stream.node_id)
    }

    /// Proxies of a fleet came or went: Gateways that are reached where its proxies are are reached elsewhere.
    fn moved(&mut self, fleet: &Arc<str>) {
        let there = |tracked: &Tracked| {
            let addresses = tracked.status.report.addresses.as_ref();
            addresses.is_some_and(|asked| {
                asked.fleet == *fleet && matches!(asked.source, AddressSource::Proxies | AddressSource::Assigned)
            })
        };
        let there: Vec<_> = self.objects().filter(|(_, tracked)| there(tracked)).map(|(key, _)| key.clone()).collect();
        self.dirty.extend(there);
    }

    /// A stream and one type of it, which counts from now on if it is new.
    pub(super) fn subscription(&mut self, id: StreamId, type_url: &Arc<str>) -> Option<(&Arc<str>, &mut Subscription)> {
        let stream = self.streams.get_mut(&id)?;
        let subscription = stream.types.entry(type_url.clone()).or_insert_with(|| {
            let feed = self.fleets.entry(stream.fleet.clone()).or_default().feed(type_url);
            *feed.synchronised.entry(0).or_default() += 1;
            Subscription::default()
        });
        Some((&stream.fleet, subscription))
    }

    /// A proxy holds these resources as sent, and no longer holds the removed.
    pub(crate) fn accepted<'a>(
        &mut self,
        id: StreamId,
        type_url: &Arc<str>,
        names: impl Iterator<Item = &'a Arc<str>>,
    ) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        if subscription.refused.is_empty() {
            return;
        }
        let fleet = fleet.clone();
        let mut cleared = Vec::new();
        for name in names {
            if subscription.refused.remove(name).is_some() {
                cleared.push((fleet.clone(), name.clone()));
            }
        }
        if !cleared.is_empty() {
            self.dirty_fleets.insert(fleet);
        }
        cleared.iter().for_each(|program| self.set_refused(program, type_url, id, false));
    }

    /// A proxy refused a resource.
    pub(crate) fn refused(&mut self, id: StreamId, type_url: &Arc<str>, name: Arc<str>, refusal: Refusal) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        let program = (fleet.clone(), name.clone());
        subscription.taken_over.remove(&name);
        subscription.refused.insert(name, refusal);
        self.dirty_fleets.insert(program.0.clone());
        self.set_refused(&program, type_url, id, true);
    }

    /// A proxy has answered everything of a type up to `revision`.
    pub(crate) fn synchronised(&mut self, id: StreamId, type_url: &Arc<str>, revision: u64) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        let fleet = fleet.clone();
        // What was not refused again has been withdrawn meanwhile.
        let withdrawn: Vec<_> = std::mem::take(&mut subscription.taken_over).into_iter().collect();
        for name in &withdrawn {
            subscription.refused.remove(name);
        }
        let before =
            (revision > subscription.synchronised).then(|| std::mem::replace(&mut subscription.synchronised, revision));
        if !withdrawn.is_empty() {
            self.dirty_fleets.insert(fleet.clone());
        }
        for name in withdrawn {
            self.set_refused(&(fleet.clone(), name), type_url, id, false);
        }
        let Some(before) = before else { return };
        let feed = self.fleets.entry(fleet.clone()).or_default().feed(type_url);
        leave(&mut feed.synchronised, before);
        *feed.synchronised.entry(revision).or_default() += 1;
        self.advance(&fleet, type_url);
    }

    /// What was said of a proxy that another control plane has holds no more: it has acknowledged `revision` alone.
    pub(super) fn set_back(&mut self, id: StreamId, type_url: &Arc<str>, revision: u64) {
        let Some((fleet, subscription)) = self.subscription(id, type_url) else { return };
        if revision >= subscription.synchronised {
            return;
        }
        let before = std::mem::replace(&mut subscription.synchronised, revision);
        let fleet = fleet.clone();
        let feed = self.fleets.entry(fleet).or_default().feed(type_url);
        leave(&mut feed.synchronised, before);
        *feed.synchronised.entry(revision).or_default() += 1;
    }

    /// A proxy went away.
    pub(crate) fn closed(&mut self, id: StreamId) {
        let Some(stream) = self.streams.remove(&id) else { return };
        if let Some(of_fleet) = self.by_proxy.get_mut(&stream.fleet) {
            let ids = of_fleet.entry(stream.node_id.clone()).or_default();
            ids.remove(&id);
            if ids.is_empty() {
                of_fleet.remove(&stream.node_id);
            }
        }
        if let Some(state) = self.fleets.get_mut(&stream.fleet) {
            for (type_url, subscription) in &stream.types {
                leave(&mut state.feed(type_url).synchronised, subscription.synchronised);
            }
        }
        for (type_url, subscription) in stream.types {
            for name in subscription.refused.into_keys() {
                self.set_refused(&(stream.fleet.clone(), name), &type_url, id, false);
            }
            self.advance(&stream.fleet, &type_url);
        }
        self.moved(&stream.fleet);
        self.dirty_fleets.insert(stream.fleet);
    }
}

fn leave(counts: &mut BTreeMap<u64, usize>, revision: u64) {
    if let Some(count) = counts.get_mut(&revision) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&revision);
        }
    }
}
