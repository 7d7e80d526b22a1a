//! What a DNS cache is told, with Envoy's defaults.

use std::sync::Arc;
use std::time::Duration;

use crate::rules::AddressRules;

/// Settings of one cache. All may change while it runs; no entry is dropped for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Which address families are asked for, and in which order.
    pub family: Family,
    /// How soon a name without an address is asked again. 1 ms or more; whole seconds count, and at least one. Default 60 s.
    pub refresh_rate: Duration,
    /// Floor under the TTL of an answer, and under every wait after a failure. 1 s or more. Default 5 s.
    pub min_refresh_rate: Duration,
    /// How long a lookup may take, over all its questions. Zero is no limit. Default 5 s.
    pub query_timeout: Duration,
    /// A host that nobody used for longer is dropped. Above zero. Default 5 min.
    pub host_ttl: Duration,
    /// Hosts held that have an address or are being looked up for the first time. At least 1. Default 1024.
    pub max_hosts: usize,
    /// Hosts held that have no address; the one that failed first makes room. With 0 none is remembered: each request for such
    /// a name asks anew. Default 1024.
    pub max_negative_hosts: usize,
    /// Requests that may wait for a lookup. Default 1024.
    pub max_pending_requests: usize,
    /// Waits after failed lookups. Without it they are `refresh_rate` long.
    pub failure_backoff: Option<FailureBackoff>,
    /// How long a host keeps its addresses while lookups bring it none, counted from the first of these. Without it: for ever, as
    /// Envoy's.
    pub max_stale: Option<Duration>,
    /// How long a host keeps its addresses once DNS has said that its name does not exist, or has no address, counted from the first
    /// such answer since it had one. Without it: as long as after lookups that fail, as Envoy's.
    pub max_absent: Option<Duration>,
    /// Which addresses are handed out, literals included.
    pub rules: Arc<AddressRules>,
}

/// How long addresses that were learned once are used while lookups bring none. The one that is over first counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Staleness {
    /// While lookups fail, counted from the first of these. Without it: for ever.
    pub max_stale: Option<Duration>,
    /// Once DNS has said that the name does not exist, or has no address, counted from the first such answer. Without it: for ever.
    pub max_absent: Option<Duration>,
}

impl Staleness {
    /// Of the names of endpoints: a failure takes no address away, and that there is none is believed at once (RFC 8767, 4).
    pub const OF_ENDPOINTS: Self = Self { max_stale: None, max_absent: Some(Duration::ZERO) };
}

/// The ways to ask: Envoy's `dns_lookup_family`, whose `AUTO` comes in two. IP literals pass in each of them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Family {
    /// Both at once, addresses of the two in turns, IPv6 first.
    ///
    /// Envoy's `AUTO` ([`StrictAuto`](Self::StrictAuto)) leaves a name that has both with IPv6 addresses alone, which on a network
    /// without IPv6 leads nowhere. With both in the list, whoever connects finds the one that works.
    #[default]
    Auto,
    /// AAAA, and A only if that gave no address: Envoy's `AUTO`.
    StrictAuto,
    /// A.
    V4Only,
    /// AAAA.
    V6Only,
    /// A, and AAAA only if that gave no address.
    V4Preferred,
    /// Both at once, addresses of the two in turns, IPv4 first.
    All,
}

/// Jittered exponential waits: before the n-th attempt after a failure, up to `base * 2^(n-1)` and never over `max`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailureBackoff {
    /// Ceiling of the first wait. Above zero.
    pub base: Duration,
    /// Ceiling of all waits, `base` or more.
    pub max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            family: Family::Auto,
            refresh_rate: Duration::from_secs(60),
            min_refresh_rate: Duration::from_secs(5),
            query_timeout: Duration::from_secs(5),
            host_ttl: Duration::from_secs(300),
            max_hosts: 1024,
            max_negative_hosts: 1024,
            max_pending_requests: 1024,
            failure_backoff: None,
            max_stale: None,
            max_absent: None,
            rules: Arc::default(),
        }
    }
}

/// A setting outside of its range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} must be {rule}")]
pub struct SettingsError {
    /// The field of [`Settings`].
    pub field: &'static str,
    /// What the setting must be.
    pub rule: &'static str,
}

impl Settings {
    /// Checks every range.
    ///
    /// # Errors
    /// Names the first setting that is outside of its range.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.faults().next().map_or(Ok(()), Err)
    }

    /// The settings that are outside of their range.
    pub fn faults(&self) -> impl Iterator<Item = SettingsError> + use<> {
        let rules = [
            (self.refresh_rate >= Duration::from_millis(1), "refresh_rate", "at least 1ms"),
            (self.min_refresh_rate >= Duration::from_secs(1), "min_refresh_rate", "at least 1s"),
            (!self.host_ttl.is_zero(), "host_ttl", "more than 0s"),
            (self.max_hosts > 0, "max_hosts", "at least 1"),
            (
                self.failure_backoff.is_none_or(|backoff| !backoff.base.is_zero()),
                "failure_backoff.base",
                "more than 0s",
            ),
            (
                self.failure_backoff.is_none_or(|backoff| backoff.max >= backoff.base),
                "failure_backoff.max",
                "at least its base",
            ),
        ];
        rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, field, rule)| SettingsError { field, rule })
    }
}
