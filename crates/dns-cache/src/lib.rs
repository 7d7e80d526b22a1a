//! The DNS cache of a dynamic forward proxy, with the behaviour of Envoy's where people rely on it.
//!
//! # Layout
//! - [`Target`] reads an authority (`host:port`) the way the cache keys it. Like [`Settings`] and [`AddressRules`] it is of
//!   `backstay-destination`, so that a configuration can be checked without a cache, or a runtime, beneath it.
//! - [`Cache`] answers data threads: a hit does not allocate, a miss joins the one lookup of that name.
//! - `table` decides, as a state machine without I/O: what to look up, when again, what to drop.
//! - [`Resolve`] is the resolver behind it; [`SystemResolver`] is the one that asks name servers. [`Family`] orders its questions.
//! - [`AddressRules`] judge every address before it is handed out.
//! - [`Remembered`] is a host as one run leaves it to the next.
//! - [`Names`] watches the names of ordinary endpoints, and services by their SRV records, on the same resolver.
//!
//! # The index of hosts
//! Data threads find hosts in a sharded hash map (`dashmap`), which the one table that decides writes. A look-up holds its shard for as
//! long as it takes to copy the answer, and only the entry or removal of a host in the same shard keeps it waiting. A persistent map behind
//! an atomic swap would take no lock, but copies a path at every change: of CPU time, a hit beside a thread that enters hosts without a
//! pause cost 1.7 µs then among 100,000 hosts and 0.80 µs now (ratio 0.47), among 1,000 0.36 µs and 0.20 µs (0.54); entering a host among
//! 100,000 cost 4.3 µs and 1.6 µs (0.37). Alone the two cost the same: 0.17 to 0.77 µs (0.97 to 1.06). Beside a thread that asks for the
//! same host it is 0.21 µs and 0.22 µs (1.05 to 1.18). `cargo bench -p backstay-dns-cache --bench hit`; all figures are in
//! `docs/benchmarks.md`. What is shown at `/dns` and kept across restarts comes from the table, at one moment, and not from the index.
//!
//! # What differs from Envoy, on purpose
//! - Names are folded to lower case and lose their trailing dot: one entry, not three.
//! - A request for a name that is being looked up joins its waiters even when the cache is full, and a name that is in
//!   the cache is served even when too many requests wait for others.
//! - Names without an address live in a budget of their own ([`Settings::max_negative_hosts`]), the oldest leaving
//!   first, so that names which fail cannot take the place of those that do not.
//! - IP literals pass with every family and take no entry. IPv4 is a dotted quad and nothing else.
//! - A refresh rate under a second is not truncated to zero.
//! - [`Family::Auto`] takes addresses of both families; [`Family::StrictAuto`] is Envoy's.
//! - Addresses at which no name of the outside world should be are denied unless they are allowed ([`AddressRules`]).
//! - A name that is not used is dropped when its time is over, and not with the TTL of its addresses ([`Settings::host_ttl`]).
//! - How long addresses outlive lookups that fail, and answers that there is no address, can be limited ([`Settings::max_stale`],
//!   [`Settings::max_absent`]).
//! - Settings may change while the cache runs.

mod cache;
mod error;
mod family;
mod host;
mod refresh;
mod resolve;
mod stats;
mod table;
mod watch;

pub use backstay_destination::lookup::{FailureBackoff, Settings, SettingsError, Staleness};
pub use backstay_destination::{AddressRules, AuthorityError, Network, NetworkError, Target, TargetName};
pub use cache::{Cache, Found, HostState, HostView, Remembered, RememberedError, Waiting};
pub use error::LookupError;
pub use family::{Family, resolve_family};
pub use host::Addresses;
pub use resolve::{
    Answer, DnsServer, DnsServerError, RecordKind, Resolve, ResolverError, ServiceAnswer, ServiceRecord,
    SystemResolver, read_addresses,
};
pub use stats::{NameStats, Stats, StatsSnapshot};
pub use watch::{Doubt, Known, Member, Names, WatchSettings, Watched, WatchedService, WatchedView};
