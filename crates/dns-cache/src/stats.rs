//! What the cache counts, under Envoy's names.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that any thread may raise.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(value as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! stats {
    (
        $(#[$live_doc:meta])* $visible:vis struct $live:ident;
        $(#[$snapshot_doc:meta])* struct $snapshot:ident;
        $($(#[$doc:meta])* $name:ident,)*
    ) => {
        $(#[$live_doc])*
        #[derive(Debug, Default)]
        $visible struct $live { $(pub(crate) $name: Count,)* }

        $(#[$snapshot_doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct $snapshot { $($(#[$doc])* pub $name: u64,)* }

        impl $live {
            /// The counts of this moment.
            #[must_use]
            $visible fn snapshot(&self) -> $snapshot {
                $snapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

stats! {
    /// The live counts of watched names, all together.
    pub(crate) struct NameCounts;
    /// The counts of watched names at one moment, all together: names of hosts and of services.
    struct NameStats;
    /// Lookups ended.
    lookups,
    /// Those that brought neither an address nor a server, by timeout or otherwise.
    failures,
    /// Those that ended by timeout.
    timeouts,
}

stats! {
    /// The live counts of one cache.
    pub struct Stats;
    /// The counts of one cache at one moment, named as Envoy names them.
    struct StatsSnapshot;
    /// Hosts entered from what was remembered of an earlier run.
    cache_load,
    /// Addresses that the address rules kept back, of names and literals.
    dns_address_filter_out,
    /// Lookups begun.
    dns_query_attempt,
    /// Lookups that ended with an answer, be it that there is no address.
    dns_query_success,
    /// Lookups that ended with an error or by timeout.
    dns_query_failure,
    /// Lookups that ended by timeout.
    dns_query_timeout,
    /// Hosts entered.
    host_added,
    /// Hosts dropped.
    host_removed,
    /// Times that the ordered list of a host's addresses changed, its first list included.
    host_address_changed,
    /// Requests refused because the cache was full.
    host_overflow,
    /// Requests refused because too many waited.
    dns_rq_pending_overflow,
    /// Hosts without an address that were dropped to make room for another.
    negative_host_evicted,
    /// Hosts that lost their addresses because lookups had brought none for as long as they may be stale.
    stale_host_expired,
    /// Hosts held now, those without an address included.
    num_hosts,
    /// Hosts held now that have no address.
    num_negative_hosts,
}
