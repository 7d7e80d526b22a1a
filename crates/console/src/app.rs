//! What pages share.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::api::Api;
use crate::explanation::Explain;
use crate::session::Sessions;
use crate::traffic::Traffic;

/// What pages share.
pub(crate) struct App {
    pub(crate) api: Arc<Api>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) explain: Arc<dyn Explain>,
    pub(crate) sessions: Sessions,
    pub(crate) told: Arc<dyn Fn(&str) + Send + Sync>,
    pub(crate) address: SocketAddr,
}
