//! Checked configuration as Envoy takes it: listeners, routes, clusters, endpoints and secrets of its API, version 3.
//!
//! The proxy of this project takes `backstay.config.v1`; Envoy and gRPC clients take what is made of the same resources here. A [`View`] holds the
//! resources of a fleet and, for each change of them, says which of Envoy's change. What Envoy has no words for is left out, and told as an
//! [`Omission`]: a rule in whose place requests are answered 501 never falls through to another rule that lets them in.
//!
//! # Layout
//!
//! - [`View`]: resources in, changes out. `socket`: what is bound to one address. `names`: what Envoy's resources are called.
//! - `listener`: listeners, their filter chains and filters. `route`: virtual hosts, matches and actions. `cluster`: clusters with their
//!   endpoints, and what requests to them go by. `dynamic`: the dynamic forward proxy, `generations`: and what it was. `secret`: certificates and authorities.
//! - `grpc`: the same for gRPC clients that balance by themselves.
//! - `omission`: what is left out. `regex`: which expressions mean the same to Envoy. `wire`: small values of the API.

mod cluster;
mod dynamic;
mod generations;
mod grpc;
mod listener;
mod names;
mod omission;
mod options;
mod regex;
mod route;
mod secret;
mod socket;
mod view;
mod wire;

pub use names::TypeUrl;
pub use omission::{Omission, Severity};
pub use options::{Audience, Options};
pub use view::{Update, View};
