use crate::metrics::CacheSnapshot;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Rise};

/// DNS caches. The names follow on `envoy_dns_cache_<name>_`.
pub(super) const FAMILIES: &[Family<CacheSnapshot>] = &[
    Family {
        name: "cache_load",
        help: "Hosts entered from what was kept.",
        read: Rise(|cache| cache.stats.cache_load),
    },
    Family { name: "dns_query_attempt", help: "Lookups begun.", read: Rise(|cache| cache.stats.dns_query_attempt) },
    Family {
        name: "dns_query_success",
        help: "Lookups that were answered.",
        read: Rise(|cache| cache.stats.dns_query_success),
    },
    Family {
        name: "dns_query_failure",
        help: "Lookups that failed.",
        read: Rise(|cache| cache.stats.dns_query_failure),
    },
    Family {
        name: "dns_query_timeout",
        help: "Lookups that timed out.",
        read: Rise(|cache| cache.stats.dns_query_timeout),
    },
    Family {
        name: "dns_address_filter_out",
        help: "Addresses kept back.",
        read: Rise(|cache| cache.stats.dns_address_filter_out),
    },
    Family { name: "host_added", help: "Hosts entered.", read: Rise(|cache| cache.stats.host_added) },
    Family { name: "host_removed", help: "Hosts dropped.", read: Rise(|cache| cache.stats.host_removed) },
    Family {
        name: "host_address_changed",
        help: "Changes of a host's addresses.",
        read: Rise(|cache| cache.stats.host_address_changed),
    },
    Family {
        name: "host_overflow",
        help: "Requests refused because the cache was full.",
        read: Rise(|cache| cache.stats.host_overflow),
    },
    Family {
        name: "dns_rq_pending_overflow",
        help: "Requests refused because too many waited.",
        read: Rise(|cache| cache.stats.dns_rq_pending_overflow),
    },
    Family { name: "num_hosts", help: "Hosts held now.", read: Level(|cache| Some(cache.stats.num_hosts as f64)) },
    Family {
        name: "circuit_breakers_rq_pending_open",
        help: "1 while no more requests may wait.",
        read: Level(|cache| Some(f64::from(u8::from(cache.pending_remaining == 0)))),
    },
    Family {
        name: "circuit_breakers_rq_pending_remaining",
        help: "Requests that may yet begin to wait.",
        read: Level(|cache| Some(cache.pending_remaining as f64)),
    },
];
