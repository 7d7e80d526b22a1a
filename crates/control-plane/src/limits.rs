//! The limits of a control plane, by the names that its documentation and its metrics have for them.

#[cfg(test)]
mod tests;

use std::time::Duration;

use backstay_resources::GoDuration;
use backstay_resources::duration::ParseDurationError;
use backstay_xds::server::TypeRule;

use crate::access::AccessLimits;
use crate::events::EXPIRES_SOON;
use crate::listen::ApiLimits;
use crate::live::LiveLimits;

/// Everything of a control plane that has a bound.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of connections to the API, and of how clients begin on both addresses.
    pub connections: ApiLimits,
    /// Of requests to the Kubernetes-style API. Its version and its meter are set as it starts.
    pub api: backstay_kube::Options,
    /// Of answers of the gRPC API; for requests those of the Kubernetes-style API hold.
    pub grpc: backstay_admin::Options,
    /// Of TLS handshakes, on both addresses.
    pub doors: crate::doors::DoorLimits,
    /// Of who sends requests to the API.
    pub access: AccessLimits,
    /// Of who looks at requests while they happen.
    pub live: LiveLimits,
    /// Of events.
    pub events: EventLimits,
    /// Of discovery streams.
    pub discovery: backstay_xds::server::Options,
    /// Of how old the connections become that they are on.
    pub ages: crate::listen::AgeLimits,
    /// Of the store.
    pub store: backstay_store::embedded::Options,
}

/// Limits of events.
#[derive(Debug, Clone, Copy)]
pub struct EventLimits {
    /// How many are kept, and for how long.
    pub kept: backstay_kube::events::Bounds,
    /// How long before a certificate expires that is told of. Default two weeks.
    pub certificate_warning: Duration,
}

impl Default for EventLimits {
    fn default() -> Self {
        Self { kept: backstay_kube::events::Bounds::default(), certificate_warning: EXPIRES_SOON }
    }
}

/// Our own resources refer to each other: what a proxy gets first should be all of them, where that is possible.
const WHOLE: usize = 8 << 20;

impl Default for Limits {
    fn default() -> Self {
        let mut discovery = backstay_xds::server::Options::default();
        let own = TypeRule::of(backstay_proto::RESOURCE_TYPE_URL);
        discovery.types.insert(0, TypeRule { response_bytes: Some(WHOLE), ..own });
        Self {
            doors: crate::doors::DoorLimits::default(),
            access: AccessLimits::default(),
            connections: ApiLimits::default(),
            api: backstay_kube::Options::default(),
            grpc: backstay_admin::Options::default(),
            discovery,
            ages: crate::listen::AgeLimits::default(),
            events: EventLimits::default(),
            live: LiveLimits::default(),
            store: backstay_store::embedded::Options::default(),
        }
    }
}

/// One limit, set.
#[derive(Debug, Clone)]
pub struct Limit {
    setting: &'static Setting,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Count(usize),
    Time(Duration),
}

/// A limit by its name.
#[derive(Debug)]
struct Setting {
    name: &'static str,
    at: At,
}

/// Where a limit is, and its least and its largest value.
enum At {
    Count(fn(&mut Limits) -> &mut usize, usize, usize),
    Time(fn(&mut Limits) -> &mut Duration, Duration, Duration),
}

impl std::fmt::Debug for At {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Count(..) => "Count",
            Self::Time(..) => "Time",
        })
    }
}

/// Why a limit is not understood.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// It has no value.
    #[error("write it as NAME=VALUE")]
    Malformed,
    /// There is none of this name.
    #[error("there is no such limit; there are {0}")]
    Unknown(String),
    /// It is a number.
    #[error("{value:?} is no number: {source}")]
    Number {
        /// What was given.
        value: String,
        /// Why it is none.
        source: std::num::ParseIntError,
    },
    /// It is a time.
    #[error(transparent)]
    Time(#[from] ParseDurationError),
    /// It is out of its range.
    #[error("{name} must be from {least} to {largest}")]
    Range {
        /// Which limit.
        name: &'static str,
        /// Its least value.
        least: String,
        /// Its largest.
        largest: String,
    },
}

const MIB: usize = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// All of them. What is bounded by the format of the store or by the protocol is not here.
static SETTINGS: &[Setting] = &[
    count("connections", |limits| &mut limits.connections.connections, 1, 1_000_000),
    time("header-timeout", |limits| &mut limits.connections.header_timeout, SECOND, HOUR),
    time("write-timeout", |limits| &mut limits.connections.write_timeout, SECOND, HOUR),
    time("drain", |limits| &mut limits.connections.drain, Duration::ZERO, HOUR),
    count("handshakes", |limits| &mut limits.doors.handshakes, 1, 1_000_000),
    count("handshakes-per-second", |limits| &mut limits.doors.handshakes_per_second, 1, 1_000_000),
    time("handshake-timeout", |limits| &mut limits.doors.handshake_timeout, SECOND, HOUR),
    count("max-body-bytes", |limits| &mut limits.api.max_body_bytes, 1024, 64 * MIB),
    count("max-bodies-bytes", |limits| &mut limits.api.max_bodies_bytes, MIB, 1 << 40),
    time("body-timeout", |limits| &mut limits.api.body_timeout, SECOND, HOUR),
    time("request-timeout", |limits| &mut limits.api.request_timeout, SECOND, HOUR),
    count("max-reading", |limits| &mut limits.api.max_reading, 1, 1_000_000),
    count("max-mutating", |limits| &mut limits.api.max_mutating, 1, 1_000_000),
    count("max-user-percent", |limits| &mut limits.api.max_user_percent, 1, 100),
    time("share-wait", |limits| &mut limits.api.share_wait, Duration::ZERO, HOUR),
    count("auth-failures", |limits| &mut limits.access.failures.free, 1, 1_000_000),
    time("auth-backoff", |limits| &mut limits.access.failures.wait, Duration::ZERO, HOUR),
    count("audit-queue-bytes", |limits| &mut limits.access.audit.queue_bytes, 1024, 1 << 40),
    count("max-watches", |limits| &mut limits.api.max_watches, 1, 10_000_000),
    time("bookmark-interval", |limits| &mut limits.api.bookmark_interval, SECOND, HOUR),
    count("gzip-over-bytes", |limits| &mut limits.api.gzip_over_bytes, 0, usize::MAX),
    count("max-patch-operations", |limits| &mut limits.api.max_patch_operations, 1, 1_000_000),
    count("patch-attempts", |limits| &mut limits.api.patch_attempts, 1, 1000),
    count("max-managed-fields-bytes", |limits| &mut limits.api.max_managed_fields_bytes, 1024, 64 * MIB),
    count("page-size", |limits| &mut limits.grpc.page_size, 1, 1_000_000),
    count("max-page-size", |limits| &mut limits.grpc.max_page_size, 1, 1_000_000),
    count("max-page-bytes", |limits| &mut limits.grpc.max_page_bytes, 1024, 1 << 30),
    count("max-status-resources", |limits| &mut limits.grpc.max_status_resources, 1, 10_000_000),
    count("max-events", |limits| &mut limits.events.kept.objects, 1, 10_000_000),
    count("max-events-bytes", |limits| &mut limits.events.kept.bytes, MIB, 1 << 40),
    count("max-event-bytes", |limits| &mut limits.events.kept.value_bytes, 4096, MIB),
    time("event-ttl", |limits| &mut limits.events.kept.age, SECOND, MONTH),
    time("certificate-warning", |limits| &mut limits.events.certificate_warning, Duration::ZERO, YEAR),
    count("max-live-sessions", |limits| &mut limits.live.sessions, 0, 10_000),
    count("max-live-proxies", |limits| &mut limits.live.streams, 1, 1_000_000),
    count("max-streams", |limits| &mut limits.discovery.max_streams, 1, 1_000_000),
    count("max-new-streams-a-second", |limits| &mut limits.discovery.max_new_streams_a_second, 1, 1_000_000),
    time("max-stream-age", |limits| &mut limits.ages.age, Duration::ZERO, MONTH),
    time("stream-age-grace", |limits| &mut limits.ages.grace, Duration::ZERO, HOUR),
    time("stream-answer-timeout", |limits| &mut limits.discovery.answer_timeout, SECOND, HOUR),
    count("max-search-responses", |limits| &mut limits.discovery.max_search_responses, 0, 1_000_000),
    count("max-subscriptions", |limits| &mut limits.discovery.max_subscriptions, 1, 10_000_000),
    count("max-discovery-request-bytes", |limits| &mut limits.discovery.max_request_bytes, 1024, 256 * MIB),
    count("max-response-bytes", |limits| &mut limits.discovery.max_response_bytes, 1024, 64 * MIB),
    count("max-bulk-responses", |limits| &mut limits.discovery.max_bulk_responses, 1, 1_000_000),
    count("store-value-bytes", |limits| &mut limits.store.limits.value_bytes, 1024, 64 * MIB),
    count("store-queue-commits", |limits| &mut limits.store.queue_commits, 1, 1_000_000),
    count("store-queue-bytes", |limits| &mut limits.store.queue_bytes, MIB, 1 << 40),
    count("store-cache-bytes", |limits| &mut limits.store.cache_bytes, MIB, 1 << 40),
    time("store-recovery-interval", |limits| &mut limits.store.recovery_interval, Duration::from_millis(10), HOUR),
];

const fn count(name: &'static str, at: fn(&mut Limits) -> &mut usize, least: usize, largest: usize) -> Setting {
    Setting { name, at: At::Count(at, least, largest) }
}

const fn time(name: &'static str, at: fn(&mut Limits) -> &mut Duration, least: Duration, largest: Duration) -> Setting {
    Setting { name, at: At::Time(at, least, largest) }
}

impl Limit {
    /// The names of all limits.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SETTINGS.iter().map(|setting| setting.name)
    }

    /// Sets it.
    pub fn apply(&self, limits: &mut Limits) {
        match (&self.setting.at, self.value) {
            (At::Count(at, ..), Value::Count(count)) => *at(limits) = count,
            (At::Time(at, ..), Value::Time(time)) => *at(limits) = time,
            // A value is made for its setting.
            _ => {}
        }
    }
}

impl std::str::FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let (name, text) = text.split_once('=').ok_or(LimitError::Malformed)?;
        // The metrics have them with underscores.
        let name = name.replace('_', "-");
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        let setting = setting.ok_or_else(|| LimitError::Unknown(Self::names().collect::<Vec<_>>().join(", ")))?;
        let range = |least: String, largest: String| LimitError::Range { name: setting.name, least, largest };
        let value = match setting.at {
            At::Count(_, least, largest) => {
                let count = text.parse().map_err(|source| LimitError::Number { value: text.to_owned(), source })?;
                if !(least..=largest).contains(&count) {
                    return Err(range(least.to_string(), largest.to_string()));
                }
                Value::Count(count)
            }
            At::Time(_, least, largest) => {
                let time: GoDuration = text.parse()?;
                if !(least..=largest).contains(&time.0) {
                    return Err(range(GoDuration(least).to_string(), GoDuration(largest).to_string()));
                }
                Value::Time(time.0)
            }
        };
        Ok(Self { setting, value })
    }
}
