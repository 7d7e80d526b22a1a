//! Puts in force what the model says, and answers for it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_model::Fault;
use backstay_xds::client::{Disconnect, Handler, Rejection, Update};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::model::Model;
use super::status::{Status, change};
use crate::config::{Config, Socket};
use crate::counts::ControlMetrics;
use crate::process::Seldom;
use crate::server::{BindError, Workers};

/// How long a configuration waits for the names it brings. Requests to a backend without an address would fail.
const NAMES_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a socket may take to be closed, and how often it is asked for meanwhile.
const CLOSING: Duration = Duration::from_secs(1);
const CLOSING_STEP: Duration = Duration::from_millis(10);

/// The model, for the one who changes it and those who look at it. All are on the control thread.
pub(crate) type SharedModel = Arc<Mutex<Model>>;

/// The model, for a moment.
pub(crate) fn look(model: &SharedModel) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The control side's end of the discovery protocol.
pub(crate) struct Control {
    model: SharedModel,
    workers: Workers,
    /// Sockets that the data threads were last told to serve.
    current: Vec<Arc<Socket>>,
    /// Ports of sockets that left a moment ago.
    left: Vec<(u16, Instant)>,
    status: watch::Sender<Status>,
    /// Counts the changes there are to keep on disk.
    changes: watch::Sender<u64>,
    metrics: Arc<ControlMetrics>,
    told: Told,
}

/// When what is told again and again was told last.
#[derive(Debug, Default)]
struct Told {
    applied: Seldom,
    refused: Seldom,
}

impl Control {
    pub(crate) fn new(
        model: SharedModel,
        workers: Workers,
        status: watch::Sender<Status>,
        changes: watch::Sender<u64>,
        metrics: Arc<ControlMetrics>,
    ) -> Self {
        Self { model, workers, current: Vec::new(), left: Vec::new(), status, changes, metrics, told: Told::default() }
    }

    /// Waits until a data thread has ended that nobody told to.
    pub(crate) fn failed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.workers.failed()
    }

    /// The data threads, to be drained.
    pub(crate) fn into_workers(self) -> Workers {
        self.workers
    }

    /// Applies resources in one step. Returns what was refused.
    pub(crate) async fn apply(&mut self, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        let mut outcome = look(&self.model).apply(updates, removed);
        if !outcome.unresolved.is_empty() {
            let resolved = look(&self.model).resolved(&outcome.unresolved);
            // Whatever is late is taken in when it comes.
            let _ = timeout(NAMES_TIMEOUT, resolved).await;
        }
        if let Some(config) = outcome.config.take() {
            let failed = self.serve(config).await;
            if !failed.is_empty() {
                let refused = failed.iter().flat_map(faults).collect();
                let config = look(&self.model).revert(&mut outcome, refused);
                for error in self.serve(config).await {
                    tracing::error!(%error, "a listener that was served before cannot be served any more");
                }
            }
        }
        let (resources, rejected) = {
            let model = look(&self.model);
            (model.resources().count(), model.rejected().len())
        };
        self.metrics.resources.set(resources as u64);
        self.metrics.rejections.set(rejected as u64);
        let refused = outcome.rejections.chunk_by(|one, next| one.name == next.name).count();
        self.metrics.rejected.increment(refused as u64);
        change(&self.status, |status| status.configured = true);
        outcome.rejections
    }

    /// Puts a configuration in force. Sockets that it does without stay open until those that it brings are: when one of these
    /// cannot be opened, what was served before still is, and can be gone back to.
    async fn serve(&mut self, config: Arc<Config>) -> Vec<BindError> {
        let leaving = self.leaving(&config);
        let sockets = config.sockets.iter().chain(&leaving).cloned().collect();
        let both = Arc::new(Config { sockets, backends: config.backends.clone() });
        let mut failed = self.workers.apply(if leaving.is_empty() { Arc::clone(&config) } else { both }).await;
        self.left.retain(|(_, at)| at.elapsed() < CLOSING);
        self.left.extend(leaving.iter().map(|socket| (socket.address.port(), Instant::now())));
        // [::]:80 and 127.0.0.1:80 exclude each other.
        let excused = |error: &BindError| {
            error.source.kind() == io::ErrorKind::AddrInUse
                && self.left.iter().any(|(port, _)| *port == error.address.port())
        };
        if failed.iter().all(excused) && !(failed.is_empty() && leaving.is_empty()) {
            failed = self.replace(&config).await;
        }
        failed.retain(|error| self.workers.bound(error.address).is_none());
        let listeners = config.sockets.iter().filter_map(|socket| self.workers.bound(socket.address)).collect();
        change(&self.status, |status| status.listeners = listeners);
        self.current = config.sockets.iter().chain(&leaving).cloned().collect();
        failed
    }

    /// Sockets that are open and that `config` does without.
    fn leaving(&self, config: &Config) -> Vec<Arc<Socket>> {
        let stays = |address| config.sockets.iter().any(|socket| socket.address == address);
        let leaving =
            self.current.iter().filter(|socket| !stays(socket.address) && self.workers.bound(socket.address).is_some());
        leaving.cloned().collect()
    }

    /// Closes what leaves first, and gives it the time to: each data thread closes its share by itself.
    async fn replace(&mut self, config: &Arc<Config>) -> Vec<BindError> {
        let end = Instant::now() + CLOSING;
        loop {
            let failed = self.workers.apply(Arc::clone(config)).await;
            if failed.is_empty() || Instant::now() >= end {
                return failed;
            }
            sleep(CLOSING_STEP).await;
        }
    }
}

/// How many resources a log line names.
const NAMED: usize = 5;

/// The names of what changes, as far as a line has room for them.
fn named<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    let mut names: Vec<&str> = names.map(|name| &**name).take(NAMED + 1).collect();
    if names.len() > NAMED {
        names[NAMED] = "...";
    }
    names.join(", ")
}

impl Control {
    /// One line for each configuration, and one for each resource that it refuses; a burst of either is one line in ten seconds.
    fn tell(&self, named: &str, (sent, gone): (usize, usize), rejections: &[Rejection]) {
        let refused = rejections.chunk_by(|one, next| one.name == next.name).count();
        if self.told.applied.may_be_said() {
            let responses = self.metrics.responses.get();
            tracing::info!(
                responses,
                changed = sent,
                removed = gone,
                refused,
                resources = named,
                "configuration applied"
            );
        }
        for Rejection { name, field, message } in rejections.iter().take(NAMED) {
            if self.told.refused.may_be_said() {
                tracing::warn!(resource = %name, field, message, refused, "a resource is refused");
            }
        }
    }
}

/// What to say about each listener of a socket that could not be opened.
fn faults(error: &BindError) -> impl Iterator<Item = (Arc<str>, Fault)> + '_ {
    error.listeners.iter().map(|listener| {
        let (field, advice) = match error.source.kind() {
            io::ErrorKind::PermissionDenied => ("port", "; ports below 1024 need the privilege to bind them"),
            io::ErrorKind::AddrInUse => ("port", "; another listener or another program uses it"),
            io::ErrorKind::AddrNotAvailable => ("address", "; this host does not have it"),
            _ => ("address", ""),
        };
        let message = format!("address {} cannot be bound: {}{advice}", error.address, error.source);
        (Arc::clone(listener), Fault::new(field, message))
    })
}

impl Handler for Control {
    async fn apply(&mut self, _type_url: &str, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        let (sent, gone) = (updates.len(), removed.len());
        let changed = sent > 0 || gone > 0;
        let named = named(updates.iter().map(|update| &update.name).chain(&removed));
        let rejections = Self::apply(self, updates, removed).await;
        self.metrics.responses.increment(1);
        if changed {
            self.tell(&named, (sent, gone), &rejections);
            self.changes.send_modify(|count| *count += 1);
        }
        rejections
    }

    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        look(&self.model).versions()
    }

    fn connected(&mut self, connected: bool) {
        if connected {
            tracing::info!("connected to the control plane");
        }
        self.metrics.connected.set(u64::from(connected));
        change(&self.status, |status| {
            status.connected = connected;
            if connected {
                status.last_disconnect = None;
            }
        });
    }

    fn disconnected(&mut self, cause: &Disconnect, _retry_in: Duration) {
        self.metrics.disconnects.increment(1);
        change(&self.status, |status| status.last_disconnect = Some(cause.to_string()));
    }
}
