use std::sync::Arc;

use backstay_guard::{LogSwitch, PageGuard};
use tokio::sync::{Notify, watch};

use crate::control::{SharedModel, Status};
use crate::counts::{ControlMetrics, ServerMetrics};
use crate::dns::Dns;
use crate::limits::Limits;
use crate::live::Live;
use crate::process::Descriptors;

/// What the endpoint shows.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) node: Arc<str>,
    pub(crate) fleet: Arc<str>,
    pub(crate) model: SharedModel,
    pub(crate) status: watch::Receiver<Status>,
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
}
