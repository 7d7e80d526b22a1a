//! What the API counts.

use std::fmt;
use std::sync::Arc;

use http::{Method, StatusCode};
use metrics::{Counter, Key, Label, Level, Metadata, NoopRecorder, Recorder};

/// Requests, by method and code of the answer.
const REQUESTS: &str = "backstay_fastly_requests_total";
/// Requests that were answered 429, by the limit that they met.
const LIMITED: &str = "backstay_fastly_limited_total";

const METADATA: Metadata<'static> = Metadata::new("backstay_fastly", Level::INFO, None);

/// Where the API counts. The default counts nowhere.
#[derive(Clone)]
pub struct Meter(Arc<dyn Recorder + Send + Sync>);

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        recorder.describe_counter(REQUESTS.into(), None, "Requests to the Fastly API.".into());
        let limited = "Requests to the Fastly API refused with 429, by the limit they met.";
        recorder.describe_counter(LIMITED.into(), None, limited.into());
        Self(recorder)
    }

    fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.0.register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    /// Counts a request.
    pub(crate) fn answered(&self, method: &Method, status: StatusCode) {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        let code = Label::new("code", status.as_u16().to_string());
        self.counter(REQUESTS, vec![Label::from_static_parts("method", method), code]).increment(1);
    }

    /// Counts a limit that is reached: the name of the setting.
    pub(crate) fn limited(&self, limit: &'static str) {
        self.counter(LIMITED, vec![Label::from_static_parts("limit", limit)]).increment(1);
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
