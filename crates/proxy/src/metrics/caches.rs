use backstay_dns_cache::StatsSnapshot;

use super::Exposition;

/// What the DNS cache of one backend counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheCounts<'a> {
    pub(crate) backend: &'a str,
    pub(crate) stats: StatsSnapshot,
    /// Requests that wait for a lookup.
    pub(crate) pending: usize,
    /// Requests that may yet begin to.
    pub(crate) pending_remaining: usize,
}

type Read = fn(&CacheCounts<'_>) -> u64;

/// In Envoy's names, with the project's prefix in place of `dns_cache.<name>.`.
const FAMILIES: [(&str, &str, &str, Read); 18] = [
    ("cache_load_total", "counter", "Hosts entered from what was kept on disk.", |counts| counts.stats.cache_load),
    ("dns_query_attempt_total", "counter", "Lookups begun.", |counts| counts.stats.dns_query_attempt),
    ("dns_query_success_total", "counter", "Lookups that were answered.", |counts| counts.stats.dns_query_success),
    ("dns_query_failure_total", "counter", "Lookups that failed.", |counts| counts.stats.dns_query_failure),
    ("dns_query_timeout_total", "counter", "Lookups that timed out.", |counts| counts.stats.dns_query_timeout),
    ("dns_address_filter_out_total", "counter", "Addresses that the address rules kept back.", |counts| {
        counts.stats.dns_address_filter_out
    }),
    ("host_added_total", "counter", "Hosts entered.", |counts| counts.stats.host_added),
    ("host_removed_total", "counter", "Hosts dropped.", |counts| counts.stats.host_removed),
    ("host_address_changed_total", "counter", "Changes of a host's addresses.", |counts| {
        counts.stats.host_address_changed
    }),
    ("host_overflow_total", "counter", "Requests refused because the cache was full.", |counts| {
        counts.stats.host_overflow
    }),
    ("dns_rq_pending_overflow_total", "counter", "Requests refused because too many waited.", |counts| {
        counts.stats.dns_rq_pending_overflow
    }),
    ("negative_host_evicted_total", "counter", "Hosts without an address that made room for others.", |counts| {
        counts.stats.negative_host_evicted
    }),
    ("stale_host_expired_total", "counter", "Hosts that lost addresses which had been stale for too long.", |counts| {
        counts.stats.stale_host_expired
    }),
    ("num_hosts", "gauge", "Hosts held now.", |counts| counts.stats.num_hosts),
    ("num_negative_hosts", "gauge", "Hosts held now that have no address.", |counts| counts.stats.num_negative_hosts),
    ("pending_requests", "gauge", "Requests that wait for a lookup.", |counts| counts.pending as u64),
    ("circuit_breakers_rq_pending_open", "gauge", "1 while no more requests may wait for lookups.", |counts| {
        u64::from(counts.pending_remaining == 0)
    }),
    ("circuit_breakers_rq_pending_remaining", "gauge", "Requests that may yet begin to wait for a lookup.", |counts| {
        counts.pending_remaining as u64
    }),
];

/// Writes what DNS caches count.
pub(crate) fn write_caches(text: &mut Exposition, caches: &[CacheCounts<'_>]) {
    for (suffix, kind, help, read) in FAMILIES {
        let name = format!("backstay_dns_cache_{suffix}");
        text.family(&name, kind, help);
        for counts in caches {
            text.sample(&name, &[("backend", counts.backend)], read(counts));
        }
    }
}
