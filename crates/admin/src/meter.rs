//! What the gRPC dialect counts, beside what it counts with REST.

use std::sync::{Arc, OnceLock};

use metrics::{Counter, Key, Label, Level, Metadata, NoopRecorder, Recorder};
use tonic::Code;

const METADATA: Metadata<'static> = Metadata::new("backstay_admin", Level::INFO, None);
const CALLS: &str = "backstay_grpc_requests_total";

/// How many codes there are.
const CODES: usize = 17;

/// Where calls are counted. The default counts nowhere.
#[derive(Clone)]
pub struct Meter(Arc<dyn Recorder + Send + Sync>);

impl Meter {
    /// Counts in `recorder`.
    pub fn new(recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        recorder.describe_counter(CALLS.into(), None, "Calls of the gRPC admin API, by method and code.".into());
        Self(recorder)
    }

    /// `method` is one that is served, so that nobody can make labels up.
    fn counter(&self, method: &str, code: Code) -> Counter {
        let labels = vec![Label::new("method", method.to_owned()), Label::new("code", format!("{code:?}"))];
        self.0.register_counter(&Key::from_parts(CALLS, labels), &METADATA)
    }
}

/// What is counted of one method, by code: a code that has been counted once is not looked for again.
#[derive(Debug, Default)]
pub(crate) struct Counters([OnceLock<Counter>; CODES]);

impl Counters {
    /// Counts a call, or the beginning of a watch.
    pub(crate) fn answered(&self, meter: &Meter, method: &str, code: Code) {
        match usize::try_from(code as i32).ok().and_then(|code| self.0.get(code)) {
            Some(counter) => counter.get_or_init(|| meter.counter(method, code)).increment(1),
            None => meter.counter(method, code).increment(1),
        }
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
