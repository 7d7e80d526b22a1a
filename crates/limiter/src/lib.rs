//! Token buckets: who may pass now, of everyone together and of each client apart. Decisions only: no I/O, no task, and no clock but
//! the one that is handed in.
//!
//! Whoever serves requests may do so on several threads. A [`Bucket`] is shared by all of them: as long as there are tokens, taking
//! one is an atomic subtraction. [`Clients`] has a bucket for each client, in parts that are locked for the moment of a look-up, and
//! never more buckets than it may have. [`Registry`] keeps buckets for longer than one configuration.
//!
//! # Layout
//!
//! - `rate`: how fast tokens gather. `bucket`: tokens.
//! - `clients`: a bucket for each client, with `shard`, a part of them.
//! - `registry`: buckets by what they limit.

mod bucket;
mod clients;
mod rate;
mod registry;

pub use bucket::Bucket;
pub use clients::{ClientCounts, Clients};
pub use rate::Rate;
pub use registry::Registry;

use std::time::Duration;

/// A point in time: how long after an origin that is the same for all that are compared.
pub type Moment = Duration;
