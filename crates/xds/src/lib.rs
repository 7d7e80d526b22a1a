//! The discovery protocol (xDS v3, incremental and state of the world, aggregated and by type), for resources of any type.
//!
//! # Layout
//!
//! - [`Resource`], [`ResourceChange`], [`Snapshot`]: what is served. A snapshot is immutable, shares structure with the one it was
//!   made from, and remembers which names changed, so that a stream finds its work without scanning.
//! - [`server`]: who subscribes to what ([`server::Source`]), the state of one stream ([`server::Stream`], no I/O), and
//!   the gRPC service around it ([`server::service`]).
//! - [`client`]: the state of one session ([`client::Session`], no I/O), and the loop that connects, applies, answers and
//!   reconnects ([`client::run`]).
//! - [`refusal`]: what a client of ours says about the resources it could not apply.
//!
//! The rules are those of Envoy's `xds_protocol` page and of the comments in `discovery.proto`; the code names the rule
//! where it is not obvious.

pub mod client;
pub mod refusal;
mod resource;
pub mod server;
mod snapshot;
mod variant;
mod wire;

pub use resource::{Resource, ResourceChange};
pub use snapshot::Snapshot;
pub use variant::Variant;
