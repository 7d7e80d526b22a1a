//! The subscribing side.
//!
//! [`run`] subscribes to all resources of one type, hands each response as a whole to a [`Handler`], answers it, and
//! reconnects with backoff for as long as it takes. What the handler holds stays in force meanwhile, and a reconnect tells
//! the control plane what that is, so that only what changed is sent again.
//!
//! [`Session`] is the protocol alone, without I/O.

mod backoff;
mod connection;
mod handler;
mod options;
mod session;

pub use backoff::Backoff;
pub use connection::{Disconnect, run};
pub use handler::{Handler, Rejection, Update};
pub use options::Options;
pub use session::{Answer, Delivery, Received, Session, WrongType};
