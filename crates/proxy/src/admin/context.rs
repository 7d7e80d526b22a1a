use std::sync::Arc;

use backstay_guard::{LogSwitch, PageGuard};
use tokio::sync::{Notify, watch};

use crate::control::{SharedModel, Status, change};
use crate::counts::{ControlMetrics, ServerMetrics};
use crate::dns::Dns;
use crate::limits::Limits;
use crate::live::Live;
use crate::process::Descriptors;
use crate::server::Leaver;

/// What the endpoint shows.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) node: Arc<str>,
    pub(crate) fleet: Arc<str>,
    pub(crate) model: SharedModel,
    pub(crate) status: watch::Sender<Status>,
    /// Told by `POST /unready` and `POST /ready`.
    pub(crate) leaver: Leaver,
    pub(crate) server: Arc<ServerMetrics>,
    pub(crate) control: Arc<ControlMetrics>,
    pub(crate) limits: Limits,
    pub(crate) dns: Arc<Dns>,
    /// Notified by `POST /drain`.
    pub(crate) drain: Arc<Notify>,
    /// Descriptors for connections to the endpoint when there are no others.
    pub(crate) descriptors: Arc<Descriptors>,
    /// Which requests are answered at all.
    pub(crate) guard: PageGuard,
    /// Who looks at requests.
    pub(crate) live: Arc<Live>,
    /// Turned by `POST /logging`.
    pub(crate) log_switch: Option<LogSwitch>,
    /// Whether this is the endpoint that other machines may reach, with readiness and metrics alone.
    pub(crate) monitoring_only: bool,
}

impl Admin {
    /// Has readiness fail until that is taken back, and clients go elsewhere meanwhile; or takes it back.
    pub(super) fn withdraw(&self, withdrawn: bool) {
        let mut draining = false;
        change(&self.status, |status| {
            status.withdrawn = withdrawn;
            draining = status.draining;
        });
        // A drain is not taken back.
        self.leaver.leave(withdrawn || draining);
    }
}
