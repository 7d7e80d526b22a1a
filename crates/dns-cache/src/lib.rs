//! The DNS cache of a dynamic forward proxy, with the behaviour of Envoy's where people rely on it.
//!
//! # Layout
//! - [`Target`] reads an authority (`host:port`) the way the cache keys it.
//! - [`Cache`] answers data threads: a hit takes no lock and does not allocate, a miss joins the one lookup of that name.
//! - `table` decides, as a state machine without I/O: what to look up, when again, what to drop.
//! - [`Resolve`] is the resolver behind it; [`SystemResolver`] is the one on hickory. [`Family`] orders its questions.
//! - [`Names`] watches the names of ordinary endpoints, on the same resolver.
//!
//! # What differs from Envoy, on purpose
//! - Names are folded to lower case and lose their trailing dot: one entry, not three.
//! - A request for a name that is being looked up joins its waiters even when the cache is full, and a name that is in
//!   the cache is served even when too many requests wait for others.
//! - Names without an address live in a budget of their own ([`Settings::max_negative_hosts`]), the oldest leaving
//!   first, so that names which fail cannot take the place of those that do not.
//! - IP literals pass with every family and take no entry. IPv4 is a dotted quad and nothing else.
//! - A refresh rate under a second is not truncated to zero.

mod authority;
mod cache;
mod error;
mod family;
mod host;
mod names;
mod refresh;
mod resolve;
mod settings;
mod stats;
mod table;

pub use authority::{AuthorityError, Target, TargetName};
pub use cache::{Cache, Found, HostState, HostView, Waiting};
pub use error::LookupError;
pub use family::{Family, resolve_family};
pub use host::Addresses;
pub use names::{Names, WatchSettings, Watched, WatchedView};
pub use resolve::{Answer, RecordKind, Resolve, ResolverError, SystemResolver};
pub use settings::{FailureBackoff, Settings, SettingsError};
pub use stats::{Stats, StatsSnapshot};
