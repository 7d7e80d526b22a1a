//! Backends as they are served: what outlives one version of their configuration, or changes between two.
//!
//! What is configured of a backend is a [`backstay_model::Backend`], which never changes. A [`Backend`] here is what a thread
//! sends requests to: the same configuration, with the addresses of its endpoints, what is known of their health, and what
//! last went wrong. All of it is shared by all threads. A request takes no lock for it unless it is the first to an address, or fails.
//!
//! # Layout
//!
//! - `state`: the [`Backend`], its identity and that of its connections.
//! - `discovery`: where its endpoints come from. `endpoints`: those that are in a list, of one moment and of the next.
//! - `last_errors`: what last went wrong, for whoever asks.

mod discovery;
mod endpoints;
mod last_errors;
mod state;

pub use discovery::{Discovery, Dynamic, Lookup, Resolve, Resolved, Unresolved};
pub use endpoints::{Addresses, Endpoint, Endpoints, uptime};
pub use last_errors::{FailedConnection, LastErrors};
pub use state::{Backend, BackendId, BackendParts, PoolIdentity};
