//! What a service asks for that is not quite done as it asks.

use super::Scope;
use crate::place::{Path, Place};

/// KrakenD's defaults, of which nothing has to be told.
const MAX_IDLE_PER_HOST: u64 = 250;
const DNS_CACHE_TTL: u64 = 30;

/// Tells of options of the service that differ.
pub(super) fn tell(scope: &Scope<'_>) {
    let transport = &scope.plan.transport;
    let tell = |is_set: bool, field: &'static str, message: &str| {
        if is_set {
            scope.report.differs(Place::START, &Path::ROOT.key(field), message);
        }
    };
    let idle = "it is not applied: a proxy keeps as many idle connections as its limit max_idle_upstream says";
    tell(transport.max_idle_connections != 0, "max_idle_connections", idle);
    let per_host = transport.max_idle_connections_per_host;
    tell(per_host != MAX_IDLE_PER_HOST, "max_idle_connections_per_host", idle);
    let continued = "it is not applied: bodies are sent without waiting for 100 Continue";
    tell(!transport.expect_continue_timeout.is_zero(), "expect_continue_timeout", continued);
    let fallback = "it is not applied: addresses are tried one after another";
    tell(!transport.dialer_fallback_delay.is_zero(), "dialer_fallback_delay", fallback);
    let compression = "it is not applied: backends may be asked for gzip, which is undone";
    tell(transport.disable_compression, "disable_compression", compression);
    let ttl = "it is not applied: records are used for as long as they say";
    tell(transport.dns_cache_ttl.as_secs() != DNS_CACHE_TTL, "dns_cache_ttl", ttl);
    let router = Path::ROOT.key("extra_config");
    let router = router.key("router");
    if scope.plan.router.remove_extra_slash {
        let message = "clients are redirected to the path with single slashes, and not served at once";
        scope.report.differs(Place::START, &router.key("remove_extra_slash"), message);
    }
}
