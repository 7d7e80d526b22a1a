//! The subscribing side.
//!
//! [`run`] subscribes to all resources of one type, hands each response as a whole to a [`Handler`], answers it, and
//! reconnects with backoff for as long as it takes. What the handler holds stays in force meanwhile, and a reconnect tells
//! the control plane what that is, so that only what changed is sent again.
//!
//! A control plane that asks its clients to leave (GOAWAY) is left only once another stream is there: [`run`] makes before it breaks.
//!
//! # Layout
//!
//! - [`Session`]: the protocol alone, without I/O.
//! - [`Dialer`]: which control plane is next, and when. `places`: what it remembers of them. [`Backoff`]: how long it waits.
//! - [`Link`]: a connection, and whether its server wants it to end. [`Transport`]: how one is made.
//! - [`run`]: the streams. `stream`: one of them.

mod backoff;
mod dialer;
mod disconnect;
mod handler;
mod link;
mod options;
mod places;
mod run;
mod session;
mod stream;
mod transport;
mod update;

pub use backoff::Backoff;
pub use dialer::{Dialed, Dialer};
pub use disconnect::Disconnect;
pub use handler::Handler;
pub use link::Link;
pub use options::{Options, metadata};
pub use places::Place;
pub use run::run;
pub use session::{Acknowledgement, Delivery, Received, Session, WrongType};
pub use transport::{Connection, Transport, Work};
pub use update::{Rejection, Update};
