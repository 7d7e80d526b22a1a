//! What a relay is fed with, and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_proto::RESOURCE_TYPE_URL;
use backstay_proto::report::BackendHealth;
use backstay_xds::client::{Disconnect, Handler, Rejection, Update};
use backstay_xds::{Resource, ResourceChange};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::fleets::Fleets;
use crate::metrics::Metrics;
use crate::reports::Reports;
use crate::shared::{Compiling, Shared};

/// From a change of what proxies refuse to telling it: what changes within that time is told once.
const GATHER: Duration = Duration::from_secs(1);
/// The version of what not all proxies serve.
const WITHHELD: &str = "withheld";
/// How many proxies that have not answered are named.
const NAMED: usize = 3;

/// Limits of a relay.
#[derive(Debug, Clone, Copy)]
pub struct RelayLimits {
    /// How long the proxies may take to answer what was sent, before those that have not are told of. Default 10 s.
    pub patience: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self { patience: Duration::from_secs(10) }
    }
}

/// Takes the configuration of the fleet, as a subscriber does.
#[derive(Debug)]
pub struct Inlet {
    fleet: Arc<str>,
    type_url: Arc<str>,
    fleets: Arc<Fleets>,
    shared: Arc<Shared>,
    metrics: Metrics,
    reports: Arc<Reports>,
    patience: Duration,
    /// Counts what was published.
    revision: u64,
    held: Held,
    /// What the control plane was told is refused.
    told: Mutex<BTreeSet<Arc<str>>>,
    /// What was refused since not all proxies had answered by then, and the revision that they have to answer for.
    late: (u64, BTreeSet<Arc<str>>),
    changes: watch::Sender<u64>,
}

/// What is served, by name.
#[derive(Clone, Debug, Default)]
struct Held(Arc<Mutex<BTreeMap<Arc<str>, Update>>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Update>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inlet {
    pub(super) fn new(
        fleet: &str,
        fleets: Arc<Fleets>,
        shared: Arc<Shared>,
        metrics: Metrics,
        reports: Arc<Reports>,
        limits: RelayLimits,
    ) -> Self {
        Self {
            fleet: fleet.into(),
            type_url: RESOURCE_TYPE_URL.into(),
            fleets,
            shared,
            metrics,
            reports,
            patience: limits.patience,
            revision: 0,
            held: Held::default(),
            told: Mutex::default(),
            late: (0, BTreeSet::new()),
            changes: watch::Sender::new(0),
        }
    }

    /// Serves what was kept, before anything is sent.
    pub fn restore(&mut self, kept: Vec<Update>) {
        self.publish(&kept, &[]);
    }

    /// What is served now, for whoever keeps it.
    pub fn in_force(&self) -> impl Fn() -> Vec<Update> + Send + Sync + use<> {
        let held = self.held.clone();
        move || held.lock().values().cloned().collect()
    }

    /// Counts changes of what is served.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Tells how backends fare with all proxies of the relay: their endpoints are added up.
    pub fn fares(&self) -> impl Fn() -> Vec<BackendHealth> + Clone + Send + Sync + use<> {
        let reports = Arc::clone(&self.reports);
        move || reports.sum()
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&mut self, updates: &[Update], removed: &[Arc<str>]) {
        self.revision += 1;
        let put = |update: &Update| {
            let Update { name, version, value } = update.clone();
            ResourceChange::Put(Resource::versioned(name, version, value))
        };
        let mut changes: Vec<_> = updates.iter().map(put).collect();
        changes.extend(removed.iter().cloned().map(ResourceChange::Remove));
        {
            let mut held = self.held.lock();
            held.extend(updates.iter().map(|update| (update.name.clone(), update.clone())));
            removed.iter().for_each(|name| drop(held.remove(name)));
        }
        self.shared.update(|tracker| tracker.published(&self.fleet, &self.type_url, self.revision, &changes));
        self.fleets.publish(&self.fleet, self.revision, changes);
        self.shared.set_compiled(self.revision);
        self.shared.set_compiling(Compiling::Ready);
        if !updates.is_empty() || !removed.is_empty() {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Waits until every connected proxy has answered for the revision, or the patience is over.
    async fn answered(&self) {
        let mut moves = self.shared.moved();
        let answered = async {
            while !self.shared.read().reached(&self.fleet, self.revision) {
                if moves.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(self.patience, answered).await;
    }

    /// What is not in force at every proxy, of these names, and why.
    fn rejections(&mut self, names: impl Iterator<Item = Arc<str>>) -> Vec<Rejection> {
        let tracker = self.shared.read();
        let behind = match tracker.reached(&self.fleet, self.revision) {
            true => Vec::new(),
            false => tracker.behind(&self.fleet, self.revision),
        };
        let late = (!behind.is_empty()).then(|| {
            let others = behind.len().saturating_sub(NAMED);
            let named = behind.iter().take(NAMED).map(|node| format!("proxy {node}")).collect::<Vec<_>>().join(", ");
            let others = if others == 0 { String::new() } else { format!(" and {others} more") };
            format!("{named}{others}: no answer within {:?}", self.patience)
        });
        let mut rejections = Vec::new();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            self.late.1.remove(&name);
            let refused = tracker.refusal(&(self.fleet.clone(), name.clone()));
            let rejection = match (refused, &late) {
                (Some((node, refusal)), _) => {
                    let message = format!("proxy {node}: {}", refusal.message);
                    Rejection { name: name.clone(), field: refusal.field.clone(), message }
                }
                (None, Some(late)) => {
                    self.late.0 = self.revision;
                    self.late.1.insert(name.clone());
                    Rejection { name: name.clone(), field: String::new(), message: late.clone() }
                }
                (None, None) => {
                    told.remove(&name);
                    continue;
                }
            };
            told.insert(name);
            rejections.push(rejection);
        }
        if late.is_some() {
            self.metrics.relay_late.increment(1);
        }
        rejections
    }
}

/// What is not in force at every proxy now, of what is served.
fn withheld(shared: &Shared, fleet: &str, held: &Held, late: &(u64, BTreeSet<Arc<str>>)) -> BTreeSet<Arc<str>> {
    let tracker = shared.read();
    let mut names = tracker.refused_names(fleet);
    if !tracker.reached(fleet, late.0) {
        names.extend(late.1.iter().cloned());
    }
    drop(tracker);
    let held = held.lock();
    names.retain(|name| held.contains_key(name));
    names
}

impl Handler for Inlet {
    async fn apply(&mut self, _: &str, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        self.publish(&updates, &removed);
        self.answered().await;
        for name in &removed {
            self.told().remove(name);
            self.late.1.remove(name);
        }
        let rejections = self.rejections(updates.into_iter().map(|update| update.name));
        if !rejections.is_empty() {
            tracing::warn!(refused = rejections.len(), "not all proxies serve what was sent");
        }
        rejections
    }

    /// What some proxy does not serve is listed with no version that there is: it is sent again, and refused again, or its removal is.
    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let withheld = withheld(&self.shared, &self.fleet, &self.held, &self.late);
        let version = |update: &Update| match withheld.contains(&update.name) {
            true => WITHHELD.into(),
            false => update.version.clone(),
        };
        let held = self.held.lock().values().map(|update| (update.name.clone(), version(update))).collect();
        *self.told() = withheld;
        held
    }

    fn renew(&self) -> impl Future<Output = ()> + Send + use<> {
        let (shared, fleet, held) = (self.shared.clone(), self.fleet.clone(), self.held.clone());
        let (told, late) = (self.told().clone(), self.late.clone());
        async move {
            let mut moves = shared.moved();
            loop {
                sleep(GATHER).await;
                if withheld(&shared, &fleet, &held, &late) != told {
                    return;
                }
                if moves.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    fn connected(&mut self, connected: bool) {
        if connected {
            tracing::info!("connected to the control plane");
        }
        self.metrics.relay_connected.set(f64::from(u8::from(connected)));
    }

    fn disconnected(&mut self, _: &Disconnect, _: Duration) {
        self.metrics.relay_disconnects.increment(1);
    }
}
