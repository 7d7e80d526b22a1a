//! What the API counts.

use std::fmt;
use std::sync::Arc;

use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Key, Label, Level, Metadata, NoopRecorder, Recorder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::status::Failure;

/// Requests, by method, resource and code of the answer.
const REQUESTS: &str = "backstay_api_requests_total";
/// Requests that were refused for a limit that they met, by its name.
const LIMITED: &str = "backstay_api_limited_total";
/// Watches that are running.
const WATCHES: &str = "backstay_api_watches";

const METADATA: Metadata<'static> = Metadata::new("backstay_kube", Level::INFO, None);

/// Where the API counts. The default counts nowhere.
#[derive(Clone)]
pub struct Meter(Arc<dyn Recorder + Send + Sync>);

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        recorder.describe_counter(REQUESTS.into(), None, "Requests to the API.".into());
        recorder.describe_counter(LIMITED.into(), None, "Requests refused for a limit, by its name.".into());
        recorder.describe_gauge(WATCHES.into(), None, "Watches that are running.".into());
        Self(recorder)
    }

    fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.0.register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    /// Counts a request. Only what is served becomes a label, so that nobody can make labels up.
    /// `resource` is the store's name of the kind, empty for what is about no objects.
    pub(crate) fn answered(&self, method: &Method, resource: &str, status: StatusCode) {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let labels = vec![
            Label::from_static_parts("method", method),
            Label::new("resource", resource.to_owned()),
            Label::new("code", status.as_u16().to_string()),
        ];
        self.counter(REQUESTS, labels).increment(1);
    }

    /// Lets a request pass, or answers 429. `limit` is the name of the setting.
    pub(crate) fn admit<'a>(
        &self,
        permits: &'a Semaphore,
        limit: &'static str,
    ) -> Result<SemaphorePermit<'a>, Failure> {
        permits.try_acquire().map_err(|_| self.limited(limit))
    }

    /// 429 for a limit that is reached.
    pub(crate) fn limited(&self, limit: &'static str) -> Failure {
        self.reached(limit);
        Failure::too_many_requests()
    }

    /// Counts a request that met a limit.
    pub(crate) fn reached(&self, limit: &'static str) {
        self.counter(LIMITED, vec![Label::from_static_parts("limit", limit)]).increment(1);
    }

    /// Counts a watch until it is dropped.
    pub(crate) fn watching(&self, permit: OwnedSemaphorePermit) -> Watching {
        let running = self.0.register_gauge(&Key::from_static_name(WATCHES), &METADATA);
        running.increment(1.0);
        Watching { running, _permit: permit }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self(Arc::new(NoopRecorder))
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Meter")
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
