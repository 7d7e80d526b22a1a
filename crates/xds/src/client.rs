//! The subscribing side.
//!
//! [`run`] subscribes to all resources of one type, hands each response as a whole to a [`Handler`], answers it, and
//! reconnects with backoff for as long as it takes. What the handler holds stays in force meanwhile, and a reconnect tells
//! the control plane what that is, so that only what changed is sent again.
//!
//! [`Session`] is the protocol alone, without I/O.

mod backoff;
mod connection;
mod disconnect;
mod handler;
mod options;
mod session;
mod transport;
mod update;

pub use backoff::Backoff;
pub use connection::{connect, metadata, run};
pub use disconnect::Disconnect;
pub use handler::Handler;
pub use options::Options;
pub use session::{Acknowledgement, Delivery, Received, Session, WrongType};
pub use transport::{Connection, Transport, Work};
pub use update::{Rejection, Update};
