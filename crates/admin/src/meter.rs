//! What the gRPC dialect counts, beside what it counts with REST.

use std::sync::Arc;

use metrics::{Key, Label, Level, Metadata, NoopRecorder, Recorder};
use tonic::Code;

const METADATA: Metadata<'static> = Metadata::new("backstay_admin", Level::INFO, None);
const CALLS: &str = "backstay_grpc_requests_total";

/// Where calls are counted. The default counts nowhere.
#[derive(Clone)]
pub struct Meter(Arc<dyn Recorder + Send + Sync>);

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        recorder.describe_counter(CALLS.into(), None, "Calls of the gRPC admin API, by method and code.".into());
        Self(recorder)
    }

    /// Counts a call, or the beginning of a watch. `method` is one that is served, so that nobody can make labels up.
    pub(crate) fn answered(&self, method: &str, code: Code) {
        let labels = vec![Label::new("method", method.to_owned()), Label::new("code", format!("{code:?}"))];
        self.0.register_counter(&Key::from_parts(CALLS, labels), &METADATA).increment(1);
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self(Arc::new(NoopRecorder))
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Meter")
    }
}
