//! From what the control plane sends to what the request path runs on.
//!
//! Every field is checked here, once. Whatever this proxy cannot honour to the letter is refused with the path of the field and
//! a sentence about it: an enumerator or a variant it does not know comes from a control plane that is newer than it, and
//! guessing what it means would serve traffic wrongly.

mod backend;
mod balancing;
mod dynamic;
mod fault;
mod filter;
mod health;
mod listener;
mod matches;
mod requests;
mod resource;
mod route;
mod rule;
mod secret;
mod time;
mod tls;

pub(crate) use backend::{BackendPlan, DiscoveryPlan, EndpointPlan, HostPlan, backend};
pub(crate) use fault::{Checked, Fault};
pub(crate) use listener::{ListenerPlan, listener};
pub(crate) use resource::{Kind, decode, kind_of};
pub(crate) use route::{RoutePlan, route};
pub(crate) use secret::{Identity, SecretPlan, secret};
pub(crate) use tls::{TlsPlan, client_tls};

#[cfg(test)]
mod tests;
