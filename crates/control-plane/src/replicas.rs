//! This control plane among those that share its store: what it tells them of its proxies, what it hears of theirs, and whether it leads.
//!
//! All compile, serve and take writes. The one that leads does what is to be done once: it writes statuses and collects garbage.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use backstay_kube::{Events, collect_garbage};
use backstay_resources::{Registry, Timestamp};
use backstay_store::replicas::Words;
use backstay_store::{Replicas, Store, Term};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::events::Hearing;
use crate::fleets::Fleets;
use crate::reports::Reports;
use crate::shared::Shared;
use crate::tracker::{AT, PROXIES};

/// How long changes are gathered before they are told: proxies acknowledge a change within a few milliseconds.
const GATHER: Duration = Duration::from_millis(20);

/// How often others are told of acknowledgements, at most.
const PACE: Duration = Duration::from_millis(230);

/// How often they are told which proxies there are, at most.
const PROXIES_PACE: Duration = Duration::from_secs(1);

/// Tells the others of this one's proxies, for as long as it is polled.
pub(crate) async fn share(replicas: Arc<dyn Replicas>, shared: Arc<Shared>) {
    let mut moved = shared.moved();
    let mut told: BTreeMap<String, Bytes> = BTreeMap::new();
    let mut next_proxies = Instant::now();
    loop {
        moved.borrow_and_update();
        // Read before the tracker is: what it says is at least as new.
        let compiled = shared.compiled();
        let (now, late) = {
            let mut tracker = shared.read();
            let clock = Timestamp::now();
            tracker.look_for_late(clock);
            let late = tracker.next_look_for_late().map(|at| at.0.as_second() - clock.0.as_second());
            (tracker.words(compiled), late)
        };
        let late = late.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or_default().max(1)));
        let due = Instant::now() >= next_proxies;
        let mut changed: Vec<(String, Option<Bytes>)> = Vec::new();
        for name in told.keys().filter(|name| !now.contains_key(*name)) {
            changed.push((name.clone(), None));
        }
        for (name, word) in now.iter().filter(|(name, word)| told.get(*name) != Some(*word)) {
            if due || !name.starts_with(PROXIES) {
                changed.push((name.clone(), Some(word.clone())));
            }
        }
        let waits = !due && now.iter().any(|(name, word)| name.starts_with(PROXIES) && told.get(name) != Some(word));
        if changed.iter().any(|(name, _)| name.starts_with(PROXIES)) {
            next_proxies = Instant::now() + PROXIES_PACE;
        }
        // Up to where everything is compiled says something only beside what was published by then.
        changed.sort_by_key(|(name, _)| name == AT);
        for (name, word) in &changed {
            match word {
                Some(word) => drop(told.insert(name.clone(), word.clone())),
                None => drop(told.remove(name)),
            }
        }
        if !changed.is_empty() {
            replicas.tell(changed);
            sleep(PACE).await;
        }
        tokio::select! {
            changed = moved.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(next_proxies), if waits => (),
            () = sleep(late.unwrap_or_default()), if late.is_some() => (),
        }
        sleep(GATHER).await;
    }
}

/// Hears what the others tell of theirs, and what they say has happened, for as long as it is polled.
pub(crate) async fn hear(replicas: Arc<dyn Replicas>, shared: Arc<Shared>, reports: Arc<Reports>, events: Events) {
    let mut hearing = Hearing::default();
    let mut heard = replicas.heard();
    let mut before = Words::new();
    loop {
        heard.borrow_and_update();
        let words = replicas.words();
        if words != before {
            shared.update(|tracker| tracker.heard(&words));
            reports.heard(&words);
            hearing.hear(&words, &events);
            before = words;
        }
        if heard.changed().await.is_err() {
            return;
        }
    }
}

/// What metrics tell of the fleets, and of the control planes that share the store.
pub(crate) fn figures(fleets: &Fleets, replicas: Option<&dyn Replicas>) -> String {
    let mut text = String::new();
    let name = "backstay_fleet_digest";
    let _ =
        writeln!(text, "# HELP {name} Digest of what the proxies of a fleet should hold: equal in all control planes.");
    let _ = writeln!(text, "# TYPE {name} gauge");
    for (fleet, snapshot) in fleets.all() {
        // As much of it as a floating-point number holds.
        let digest = snapshot.digest(backstay_proto::RESOURCE_TYPE_URL) & ((1 << 53) - 1);
        let _ = writeln!(text, "{name}{{fleet=\"{fleet}\"}} {digest}");
    }
    if let Some(replicas) = replicas {
        let leads = replicas.leader().as_deref() == Some(replicas.name());
        let others = replicas.words().len();
        let gauges = [
            ("backstay_leader", "1 if this control plane writes the statuses, else 0.", usize::from(leads)),
            ("backstay_control_planes", "Control planes that share the store, this one included.", others + 1),
        ];
        for (name, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
    }
    text
}

/// Whether this control plane leads.
#[derive(Debug, Clone)]
pub(crate) struct Leadership {
    replicas: Option<Arc<dyn Replicas>>,
    term: watch::Receiver<Option<Term>>,
}

impl Leadership {
    pub(crate) fn new(store: &dyn Store) -> Self {
        let replicas = store.replicas();
        let term = match &replicas {
            Some(replicas) => replicas.term(),
            // Alone with its store, it always does.
            None => watch::channel(Some(Term(0))).1,
        };
        Self { replicas, term }
    }

    /// Whether others may have led before.
    pub(crate) fn is_shared(&self) -> bool {
        self.replicas.is_some()
    }

    /// Waits until it leads, and then until it is known what the others tell.
    pub(crate) async fn lead(&mut self, shared: &Shared) -> Term {
        let term = loop {
            if let Some(term) = *self.term.borrow_and_update() {
                break term;
            }
            if self.term.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        if let Some(replicas) = &self.replicas {
            shared.update(|tracker| tracker.heard(&replicas.words()));
        }
        term
    }

    /// Waits until the term is over.
    pub(crate) async fn ended(&mut self, term: Term) {
        while *self.term.borrow_and_update() == Some(term) {
            if self.term.changed().await.is_err() {
                // Alone with its store.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Collects what belongs to objects that are gone, whenever this control plane leads, for as long as it is polled.
pub(crate) async fn collect(
    mut leadership: Leadership,
    store: Arc<dyn Store>,
    registry: Registry,
    shared: Arc<Shared>,
) {
    loop {
        let term = leadership.lead(&shared).await;
        tokio::select! {
            () = collect_garbage(store.clone(), registry.clone()) => return,
            () = leadership.ended(term) => (),
        }
    }
}
