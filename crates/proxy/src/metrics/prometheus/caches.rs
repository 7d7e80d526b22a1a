use crate::metrics::CacheSnapshot;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Level, Levels, Rise};

/// DNS caches of dynamic backends. The counts have Envoy's names, with the project's prefix in place of `dns_cache.<name>.`.
pub(super) const FAMILIES: &[Family<CacheSnapshot>] = &[
    Family {
        name: "backstay_dns_cache_cache_load_total",
        help: "Hosts entered from what was kept on disk.",
        read: Rise(|cache| cache.stats.cache_load),
    },
    Family {
        name: "backstay_dns_cache_dns_query_attempt_total",
        help: "Lookups begun.",
        read: Rise(|cache| cache.stats.dns_query_attempt),
    },
    Family {
        name: "backstay_dns_cache_dns_query_success_total",
        help: "Lookups that were answered, be it that there is no address.",
        read: Rise(|cache| cache.stats.dns_query_success),
    },
    Family {
        name: "backstay_dns_cache_dns_query_failure_total",
        help: "Lookups that failed, those that timed out included.",
        read: Rise(|cache| cache.stats.dns_query_failure),
    },
    Family {
        name: "backstay_dns_cache_dns_query_timeout_total",
        help: "Lookups that timed out.",
        read: Rise(|cache| cache.stats.dns_query_timeout),
    },
    Family {
        name: "backstay_dns_cache_dns_address_filter_out_total",
        help: "Addresses that the address rules kept back.",
        read: Rise(|cache| cache.stats.dns_address_filter_out),
    },
    Family {
        name: "backstay_dns_cache_host_added_total",
        help: "Hosts entered.",
        read: Rise(|cache| cache.stats.host_added),
    },
    Family {
        name: "backstay_dns_cache_host_removed_total",
        help: "Hosts dropped.",
        read: Rise(|cache| cache.stats.host_removed),
    },
    Family {
        name: "backstay_dns_cache_host_address_changed_total",
        help: "Changes of a host's addresses.",
        read: Rise(|cache| cache.stats.host_address_changed),
    },
    Family {
        name: "backstay_dns_cache_host_overflow_total",
        help: "Requests refused because the cache held as many hosts as it may.",
        read: Rise(|cache| cache.stats.host_overflow),
    },
    Family {
        name: "backstay_dns_cache_dns_rq_pending_overflow_total",
        help: "Requests refused because too many waited for lookups.",
        read: Rise(|cache| cache.stats.dns_rq_pending_overflow),
    },
    Family {
        name: "backstay_dns_cache_negative_host_evicted_total",
        help: "Hosts without an address that made room for others.",
        read: Rise(|cache| cache.stats.negative_host_evicted),
    },
    Family {
        name: "backstay_dns_cache_stale_host_expired_total",
        help: "Hosts that lost addresses which had been stale for too long.",
        read: Rise(|cache| cache.stats.stale_host_expired),
    },
    Family {
        name: "backstay_dns_cache_num_hosts",
        help: "Hosts held now.",
        read: Level(|cache| Some(cache.stats.num_hosts as f64)),
    },
    Family {
        name: "backstay_dns_cache_num_negative_hosts",
        help: "Hosts held now that have no address.",
        read: Level(|cache| Some(cache.stats.num_negative_hosts as f64)),
    },
    Family {
        name: "backstay_dns_cache_pending_requests",
        help: "Requests that wait for a lookup.",
        read: Level(|cache| Some(cache.pending as f64)),
    },
    Family {
        name: "backstay_dns_cache_limit",
        help: "How many hosts and requests that wait there may be.",
        read: Levels("limit", |cache| {
            vec![
                ("max_hosts", cache.max_hosts as f64),
                ("max_failed_hosts", cache.max_failed_hosts as f64),
                ("max_pending_requests", (cache.pending + cache.pending_remaining) as f64),
            ]
        }),
    },
];
