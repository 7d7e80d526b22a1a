//! Every limit and interval of the API.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::metering::Meter;

/// Says whether the server is ready, and if it is not, why.
#[derive(Clone)]
pub struct Ready(Arc<dyn Fn() -> Result<(), String> + Send + Sync>);

impl Ready {
    /// Asks `check` at each request for readiness; it must not block.
    pub fn new(check: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        (self.0)()
    }
}

impl Default for Ready {
    /// Always ready.
    fn default() -> Self {
        Self::new(|| Ok(()))
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ready")
    }
}

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// Version of Backstay, such as `0.1.0`. Part of what `/version` answers.
    pub version: String,
    /// The minor version of Kubernetes 1 that `/version` claims: some `kubectl` select themselves by it.
    pub kubernetes_minor: u32,
    /// Largest request body in bytes; larger ones are answered 413.
    pub max_body_bytes: usize,
    /// Bytes of request bodies in memory at the same time, of requests that are received or served. A body may take as
    /// much as is left; one that needs more is answered 429, so that large bodies leave room for small ones.
    pub max_bodies_bytes: usize,
    /// Time for a client to send a body; then 408.
    pub body_timeout: Duration,
    /// Time for a request that is not a watch, reading its body included; then 504.
    pub request_timeout: Duration,
    /// Requests that read, at the same time; more are answered 429.
    pub max_reading: usize,
    /// Requests that write, at the same time; more are answered 429. One whose body has not arrived does not count.
    pub max_mutating: usize,
    /// Watches at the same time; more are answered 429.
    pub max_watches: usize,
    /// How long a watch lasts whose client does not say: a random time of this range.
    pub watch_timeout: Range<Duration>,
    /// How often a watch whose client allows it tells how far it has come.
    pub bookmark_interval: Duration,
    /// Answers larger than this many bytes are compressed for clients that accept gzip.
    pub gzip_over_bytes: usize,
    /// Operations in one JSON patch; more are answered 413.
    pub max_patch_operations: usize,
    /// How often a patch is applied again when others changed the object meanwhile.
    pub patch_attempts: usize,
    /// Whether the server is ready, for `/readyz`.
    pub ready: Ready,
    /// Where requests, refusals and watches are counted.
    pub meter: Meter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kubernetes_minor: 33,
            max_body_bytes: 3 * 1024 * 1024,
            max_bodies_bytes: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            max_reading: 400,
            max_mutating: 200,
            max_watches: 10_000,
            watch_timeout: Duration::from_secs(30 * 60)..Duration::from_secs(60 * 60),
            bookmark_interval: Duration::from_secs(60),
            gzip_over_bytes: 128 * 1024,
            max_patch_operations: 10_000,
            patch_attempts: 5,
            ready: Ready::default(),
            meter: Meter::default(),
        }
    }
}
