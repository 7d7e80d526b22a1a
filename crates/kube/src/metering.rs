//! What the API counts.

use std::sync::Arc;

use backstay_auth::shares::{Share, Shares};
use backstay_metering::Names;
use http::{Method, StatusCode};
use metrics::{Gauge, Recorder};
use tokio::sync::OwnedSemaphorePermit;

use crate::status::Failure;

/// What the API calls what it counts.
const COUNTED: Names = Names {
    requests: ("backstay_api_requests_total", "Requests to the API."),
    limited: ("backstay_api_limited_total", "Requests refused for a limit, by its name."),
};

/// Where the API counts. The default counts nowhere.
#[derive(Debug, Clone)]
pub struct Meter {
    counts: backstay_metering::Meter,
}

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        let meter = Self { counts: backstay_metering::Meter::new(recorder, COUNTED) };
        // Told from the beginning, with none of them.
        let _ = meter.watches();
        meter
    }

    fn watches(&self) -> Gauge {
        self.counts.gauge("backstay_api_watches", "Watches that are running.")
    }

    /// Counts a request. `resource` is the store's name of the kind, empty for what is about no objects.
    pub(crate) fn answered(&self, method: &Method, resource: &str, status: StatusCode) {
        self.counts.answered(method, status, Some(("resource", resource)));
    }

    /// Lets a request of a user pass, or answers 429. `limit` is the name of the setting.
    pub(crate) async fn admit<'a>(
        &self,
        shares: &'a Shares,
        limit: &'static str,
        user: &str,
    ) -> Result<Share<'a>, Failure> {
        shares.enter(user).await.map_err(|_| self.limited(limit))
    }

    /// 429 for a limit that is reached.
    pub(crate) fn limited(&self, limit: &'static str) -> Failure {
        self.reached(limit);
        Failure::too_many_requests()
    }

    /// Counts a request that met a limit.
    pub(crate) fn reached(&self, limit: &'static str) {
        self.counts.limited(limit);
    }

    /// Counts a watch until it is dropped.
    pub(crate) fn watching(&self, permit: OwnedSemaphorePermit) -> Watching {
        let running = self.watches();
        running.increment(1.0);
        Watching { running, _permit: permit }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self { counts: backstay_metering::Meter::none(COUNTED) }
    }
}

/// A watch that is running.
#[derive(Debug)]
pub(crate) struct Watching {
    running: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.running.decrement(1.0);
    }
}
