//! Puts in force what the model says, and answers for it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backstay_xds::client::{Disconnect, Handler, Rejection, Update};
use tokio::sync::watch;
use tokio::time::timeout;

use super::model::Model;
use super::status::{Status, change};
use crate::config::Config;
use crate::metrics::ControlMetrics;
use crate::server::{BindError, Workers};

/// How long a configuration waits for the names it brings. Requests to a backend without an address would fail.
const NAMES_TIMEOUT: Duration = Duration::from_secs(1);

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
    status: watch::Sender<Status>,
    /// Counts the changes there are to keep on disk.
    changes: watch::Sender<u64>,
    metrics: ControlMetrics,
}

impl Control {
    pub(crate) fn new(
        model: SharedModel,
        workers: Workers,
        status: watch::Sender<Status>,
        changes: watch::Sender<u64>,
        metrics: ControlMetrics,
    ) -> Self {
        Self { model, workers, status, changes, metrics }
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
                let refused = failed.iter().flat_map(rejections).collect();
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
        self.metrics.resources.set(resources as f64);
        self.metrics.rejections.set(rejected as f64);
        self.metrics.rejected.increment(outcome.rejections.len() as u64);
        change(&self.status, |status| status.configured = true);
        outcome.rejections
    }

    async fn serve(&mut self, config: Arc<Config>) -> Vec<BindError> {
        let failed = self.workers.apply(Arc::clone(&config)).await;
        let listeners = config.sockets.iter().filter_map(|socket| self.workers.bound(socket.address)).collect();
        change(&self.status, |status| status.listeners = listeners);
        failed
    }
}

/// What to say about each listener of a socket that could not be opened.
fn rejections(error: &BindError) -> impl Iterator<Item = Rejection> + '_ {
    error.listeners.iter().map(|listener| {
        let (field, advice) = match error.source.kind() {
            io::ErrorKind::PermissionDenied => ("port", "; ports below 1024 need the privilege to bind them"),
            io::ErrorKind::AddrInUse => ("port", "; another listener or another program uses it"),
            io::ErrorKind::AddrNotAvailable => ("address", "; this host does not have it"),
            _ => ("address", ""),
        };
        let message = format!("address {} cannot be bound: {}{advice}", error.address, error.source);
        Rejection { name: Arc::clone(listener), field: field.to_owned(), message }
    })
}

impl Handler for Control {
    async fn apply(&mut self, _type_url: &str, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Vec<Rejection> {
        let changed = !updates.is_empty() || !removed.is_empty();
        let rejections = Self::apply(self, updates, removed).await;
        self.metrics.responses.increment(1);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
        rejections
    }

    fn held(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        look(&self.model).held()
    }

    fn connected(&mut self, connected: bool) {
        self.metrics.connected.set(if connected { 1.0 } else { 0.0 });
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
