//! The snapshots of fleets as Envoy takes them: made when somebody asks, kept up while somebody listens.
//!
//! - `streams`: what Envoys report, in the words of the resources that it is about.

mod streams;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backstay_envoy::{Audience, Omission, Options, Severity, TypeUrl, Update, View};
use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::discovery::Node;
use backstay_xds::Snapshot;
use bytes::Bytes;
use tokio::sync::watch;

use self::streams::Streams;
use crate::fleets::Fleets;
use crate::metrics::Metrics;
use crate::shared::Shared;
use crate::tracker::Refusal;

/// The views of all fleets that somebody listens to.
#[derive(Debug)]
pub(crate) struct Views {
    fleets: Arc<Fleets>,
    shared: Arc<Shared>,
    metrics: Metrics,
    live: Mutex<HashMap<Key, Arc<Live>>>,
    streams: Streams,
}

/// A fleet, and for whom.
type Key = (Arc<str>, Audience);

/// A view that somebody listens to.
#[derive(Debug)]
struct Live {
    snapshots: watch::Sender<Snapshot>,
    view: Mutex<View>,
}

impl Live {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What proxies of an audience are known to be sent, to the tracker: resources of the fleet, by their own names.
pub(crate) fn feed(audience: Audience) -> Arc<str> {
    match audience {
        Audience::Envoy => "view/envoy".into(),
        Audience::EnvoyVhds => "view/envoy-vhds".into(),
        Audience::Grpc => "view/grpc".into(),
    }
}

/// Where the metadata of an Envoy's node say that it takes virtual hosts by themselves. Not all can: only those of the incremental variant,
/// aggregated. It is the same on all streams of a node, as what they are sent has to be.
const VHDS: &str = "backstay.dev/vhds";

/// For whom a stream is that asks for this type first; `None` for a proxy of this project.
pub(crate) fn audience(node: &Node, type_url: &str) -> Option<Audience> {
    TypeUrl::parse(type_url)?;
    // All of them call themselves so: "gRPC Go", "gRPC C-core" and the like.
    if node.user_agent_name.contains("gRPC") {
        return Some(Audience::Grpc);
    }
    let said = node.metadata.as_ref().and_then(|metadata| metadata.fields.get(VHDS)?.kind.as_ref());
    let takes_hosts = said.is_some_and(|kind| *kind == prost_types::value::Kind::BoolValue(true));
    Some(if takes_hosts { Audience::EnvoyVhds } else { Audience::Envoy })
}

impl Views {
    pub(crate) fn new(fleets: Arc<Fleets>, shared: Arc<Shared>, metrics: Metrics) -> Self {
        Self { fleets, shared, metrics, live: Mutex::default(), streams: Streams::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, key: &Key) -> Option<Arc<Live>> {
        self.lock().get(key).cloned()
    }

    /// The changing snapshot of a fleet for an audience; `None` where there is no such fleet. The first of its listeners waits until it is made:
    /// an empty one would take everything away from an Envoy that comes back.
    pub(crate) fn subscribe(self: &Arc<Self>, fleet: &str, audience: Audience) -> Option<watch::Receiver<Snapshot>> {
        let key = (fleet.into(), audience);
        let mut all = self.lock();
        if let Some(live) = all.get(&key) {
            return Some(live.snapshots.subscribe());
        }
        let mut source = self.fleets.subscribe(fleet)?;
        let current = source.borrow_and_update().clone();
        let mut view = View::new(audience, Options::default());
        let resources = current.resources(RESOURCE_TYPE_URL);
        let update = view.apply(resources.map(|resource| (resource.name().clone(), Some(resource.value().clone()))));
        let snapshot = next(&Snapshot::empty(), current.revision(), update);
        let omissions = view.omissions().to_vec();
        let live = Arc::new(Live { snapshots: watch::Sender::new(snapshot), view: Mutex::new(view) });
        let receiver = live.snapshots.subscribe();
        all.insert(key.clone(), Arc::clone(&live));
        drop(all);
        self.shared.update(|tracker| tracker.derived(&key.0, &RESOURCE_TYPE_URL.into(), &feed(audience)));
        self.say(&key, &[], &omissions);
        tokio::spawn(Arc::clone(self).follow(key, live, source, current));
        Some(receiver)
    }

    /// Keeps a view up while its fleet exists and somebody listens.
    async fn follow(
        self: Arc<Self>,
        key: Key,
        live: Arc<Live>,
        mut source: watch::Receiver<Snapshot>,
        mut before: Snapshot,
    ) {
        loop {
            tokio::select! {
                changed = source.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    let now = source.borrow_and_update().clone();
                    let (work, old) = (Arc::clone(&live), before.clone());
                    let (views, of) = (Arc::clone(&self), key.clone());
                    before = now.clone();
                    // Of a large socket this is more than a task that others wait for should do.
                    let done = tokio::task::spawn_blocking(move || views.advance(&of, &work, &old, &now)).await;
                    if done.is_err() {
                        tracing::error!(fleet = %key.0, "making the configuration of Envoys failed: they are disconnected");
                        break;
                    }
                }
                () = live.snapshots.closed() => {
                    let mut all = self.lock();
                    if live.snapshots.receiver_count() == 0 {
                        all.remove(&key);
                        break;
                    }
                }
            }
        }
        self.lock().retain(|_, known| !Arc::ptr_eq(known, &live));
        let omissions = live.view().omissions().to_vec();
        self.say(&key, &omissions, &[]);
        self.shared.update(|tracker| tracker.not_derived(&key.0, &feed(key.1)));
    }

    /// Brings a view to a new snapshot of its fleet.
    fn advance(&self, key: &Key, live: &Live, before: &Snapshot, now: &Snapshot) {
        let changed = now.changed_since(before, RESOURCE_TYPE_URL).into_iter();
        let changes: Vec<(Arc<str>, Option<Bytes>)> = changed
            .map(|name| {
                let value = now.get(RESOURCE_TYPE_URL, &name).map(|resource| resource.value().clone());
                (name, value)
            })
            .collect();
        let mut view = live.view();
        let old = view.omissions().to_vec();
        let update = view.apply(changes);
        let omissions = update.omissions_changed.then(|| view.omissions().to_vec());
        let snapshot = next(&live.snapshots.borrow(), now.revision(), update);
        drop(view);
        if let Some(omissions) = omissions {
            self.say(key, &old, &omissions);
        }
        live.snapshots.send_replace(snapshot);
    }

    /// Tells of what is not given to Envoys, and no more of what is again.
    fn say(&self, key: &Key, before: &[Omission], now: &[Omission]) {
        for Omission { resource, field, message, severity } in now.iter().filter(|one| !before.contains(one)) {
            let fleet = &key.0;
            match severity {
                Severity::LeftOut => tracing::warn!(%fleet, %resource, field, message, "not served by Envoys"),
                Severity::Approximate => {
                    tracing::info!(%fleet, %resource, field, message, "served nearly so by Envoys");
                }
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
        let count = |all: &[Omission], severity| all.iter().filter(|one| one.severity == severity).count() as f64;
        let gauges = [
            (Severity::LeftOut, &self.metrics.envoy_left_out),
            (Severity::Approximate, &self.metrics.envoy_approximated),
        ];
        for (severity, gauge) in gauges {
            gauge.increment(count(now, severity) - count(before, severity));
        }
        let (before, now) = (left_out(before), left_out(now));
        let feed = feed(key.1);
        self.shared.update(|tracker| {
            for stream in tracker.streams_of(&key.0, &feed) {
                let served = before.keys().filter(|name| !now.contains_key(*name));
                tracker.accepted(stream, &feed, served);
                for (name, refusal) in &now {
                    if before.get(name) != Some(refusal) {
                        tracker.refused(stream, &feed, Arc::clone(name), refusal.clone());
                    }
                }
            }
        });
    }
}

/// The snapshot after an update. It has the revision of the fleet's, also where nothing changes.
fn next(snapshot: &Snapshot, revision: u64, update: Update) -> Snapshot {
    let still = snapshot.apply(revision, TypeUrl::Cluster.as_str(), []);
    update.changes.into_iter().fold(still, |snapshot, (kind, changes)| snapshot.apply(revision, kind.as_str(), changes))
}

/// What no Envoy serves, as their refusals: to whoever wrote it, it is the same.
fn left_out(omissions: &[Omission]) -> BTreeMap<Arc<str>, Refusal> {
    let mut refusals: BTreeMap<Arc<str>, Refusal> = BTreeMap::new();
    for Omission { resource, field, message, .. } in omissions.iter().filter(|one| one.severity == Severity::LeftOut) {
        let next = Refusal { version: "".into(), field: field.clone(), message: message.clone() };
        match refusals.get_mut(resource) {
            // A route of hundreds of rules would fill the status of its object.
            Some(first) if first.message.len() < 1024 => {
                first.message.push_str("; ");
                first.message.push_str(&next.sentence());
            }
            Some(_) => {}
            None => drop(refusals.insert(Arc::clone(resource), next)),
        }
    }
    refusals
}
