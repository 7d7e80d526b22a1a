//! Settings of the API.

use std::sync::Arc;
use std::time::Duration;

use backstay_metering::{Meter, Names};

use super::backend_health::{Health, NoReports};

/// What the API calls what it counts.
pub const COUNTED: Names = Names {
    requests: ("backstay_fastly_requests_total", "Requests to the Fastly API."),
    limited: ("backstay_fastly_limited_total", "Requests to the Fastly API refused with 429, by the limit they met."),
};

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// `NAMESPACE/NAME` of the Gateway of services that name none. None: these are not served, and activating says so.
    pub default_gateway: Option<String>,
    /// Header that tells clients which backend a response came from. Empty: none.
    pub backend_header: String,
    /// Largest request body in bytes; larger ones are answered 413.
    pub max_body_bytes: usize,
    /// Bytes of request bodies in memory at the same time; a request whose body finds no room is answered 429.
    pub max_bodies_bytes: usize,
    /// Time for a client to send a body; then 408.
    pub body_timeout: Duration,
    /// Requests at the same time; more are answered 429. One whose body has not arrived does not count.
    pub max_requests: usize,
    /// Writes of a token in an hour; more are answered 429. None: any number, and answers do not tell of a limit. Fastly's is 1,000.
    pub writes_per_hour: Option<u32>,
    /// Services of a customer; a further one is refused.
    pub max_services: usize,
    /// Deleted services of a customer that are remembered, so that requests to them hear that they are deleted; of more, the
    /// oldest are forgotten.
    pub max_tombstones: usize,
    /// Versions of a service; a further one is refused. They go with their service, in one commit, which the store must be
    /// able to hold.
    pub max_versions: u32,
    /// Parts of one kind in a version.
    pub max_parts: usize,
    /// Entries of an access control list.
    pub max_entries: usize,
    /// Items of a dictionary.
    pub max_items: usize,
    /// How backends fare, as proxies tell.
    pub health: Arc<dyn Health>,
    /// Where requests and refusals are counted.
    pub meter: Meter,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            default_gateway: None,
            backend_header: String::new(),
            max_body_bytes: 3 * 1024 * 1024,
            max_bodies_bytes: 64 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            max_requests: 200,
            writes_per_hour: None,
            max_services: 10_000,
            max_tombstones: 1000,
            max_versions: 5000,
            max_parts: 1000,
            max_entries: 10_000,
            max_items: 10_000,
            health: Arc::new(NoReports),
            meter: Meter::none(COUNTED),
        }
    }
}
