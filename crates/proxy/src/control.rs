//! The control side: what arrives from the control plane becomes the configuration of the data threads.
//!
//! [`Model`] holds every resource as it arrived and what it was built into. A response is applied to it as a whole, without
//! I/O; only what a change touches is built anew, and the rest keeps its identity. [`Control`] puts the result in force
//! and answers for it.
//!
//! # Layout
//!
//! - [`Control`] (`handler`): the control side's end of the discovery protocol. `status`: what it knows of itself.
//! - [`Model`] (`model`): everything in force. `accepted`: one resource of it, as it arrived and as what it was built into.
//! - `backends`, `routes`, `sockets`: what resources are built into. `build_context`: with what.
//! - `specs`: settings that backends share. `certificates`: those in force, and what the time says of them. `expiry`: says it in the log.
//! - `supervisor`: looks after the endpoints of a backend. `checks`: its active checks.

mod accepted;
mod backends;
mod build_context;
mod calls;
mod certificates;
mod checks;
mod expiry;
mod handler;
mod model;
mod references;
mod routes;
mod sockets;
mod specs;
mod status;
mod supervisor;

pub(crate) use certificates::{CertificateView, now};
pub(crate) use expiry::watch_certificates;
pub(crate) use handler::{Control, SharedModel, look};
pub(crate) use model::{BackendView, Model};
pub(crate) use status::{Status, change};

#[cfg(test)]
mod tests;
