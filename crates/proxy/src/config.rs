//! What the request path runs on: sockets, and the rules that serve their requests. Immutable, and shared by all threads.
//!
//! The control side builds a [`Config`] from the checked configuration ([`backstay_model`]) and hands it to the workers in one
//! step. Everything that could be wrong has been refused by then: a request never meets a configuration error, and never
//! parses anything that an operator wrote. What changes while a configuration is in force is not here: the rules lead to backends
//! ([`backstay_upstream::Backend`]), which keep their identity (the same [`std::sync::Arc`]), and with it their connections and
//! balancing state, when an update does not touch them.

mod guards;
mod passage;
mod rule;
mod socket;

pub use guards::{Guards, Limit, Limiting};
pub use passage::{Passage, Passages};
pub(crate) use rule::Found;
pub use rule::{
    Action, CallSite, CallTarget, Composition, Credentials, Destination, Edits, Filters, Forward, Manners, Member,
    Mirror, Rule, Sequence, Target, Unmatched, WeightedTarget, WeightedTargets,
};
pub use socket::Socket;

use std::collections::HashMap;
use std::sync::Arc;

use backstay_upstream::Backend;

/// One consistent state of the data plane.
#[derive(Debug, Default)]
pub struct Config {
    /// Listening sockets; no two share an address and port.
    pub sockets: Vec<Arc<Socket>>,
    /// All backends by the name of their resource, used by a route or not.
    pub backends: HashMap<Arc<str>, Arc<Backend>>,
}
