//! Every limit and interval of the API.

use std::ops::Range;
use std::time::Duration;

use backstay_auth::shares::{DEFAULT_SHARE_PERCENT, DEFAULT_SHARE_WAIT};

use crate::events::Events;
use crate::metering::Meter;

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// Version of Backstay, such as `0.1.0`. The schemas tell it.
    pub version: String,
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
    /// How much of either one user may have in flight while others wait, in percent; more are answered 429.
    pub max_user_percent: usize,
    /// How long a request waits for others to end, whose user has less than that; then 429.
    pub share_wait: Duration,
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
    /// Bytes that `metadata.managedFields` of one object may take; a write that makes them more is answered 413.
    pub max_managed_fields_bytes: usize,
    /// Where events are kept, and within which bounds. Those of a server and of whoever tells it what happened are the same.
    pub events: Events,
    /// Where requests, refusals and watches are counted.
    pub meter: Meter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            max_body_bytes: 3 * 1024 * 1024,
            max_bodies_bytes: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
            max_reading: 400,
            max_mutating: 200,
            max_user_percent: DEFAULT_SHARE_PERCENT,
            share_wait: DEFAULT_SHARE_WAIT,
            max_watches: 10_000,
            watch_timeout: Duration::from_secs(30 * 60)..Duration::from_secs(60 * 60),
            bookmark_interval: Duration::from_secs(60),
            gzip_over_bytes: 128 * 1024,
            max_patch_operations: 10_000,
            patch_attempts: 5,
            max_managed_fields_bytes: 512 * 1024,
            events: Events::default(),
            meter: Meter::default(),
        }
    }
}
