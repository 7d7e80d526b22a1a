//! The control side: what arrives from the control plane becomes the configuration of the data threads.
//!
//! [`Model`] holds every resource as it arrived and what it was built into. A response is applied to it as a whole, without
//! I/O; only what a change touches is built anew, and the rest keeps its identity. [`Control`] puts the result in force
//! and answers for it.

mod accepted;
mod backends;
mod checks;
mod handler;
mod model;
mod routes;
mod sockets;
mod status;
mod supervisor;

pub(crate) use handler::{Control, SharedModel, look};
pub(crate) use model::{BackendView, Model};
pub(crate) use status::{Status, change};

#[cfg(test)]
mod tests;
