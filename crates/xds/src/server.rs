//! The serving side.
//!
//! A [`Source`] decides who may subscribe and hands out a watch of snapshots; [`services`] run one [`Stream`] for each
//! stream of a client and tell the source what happens on it. Everything a stream sends is derived from what it has told
//! the client so far, what the client subscribed to, and the latest snapshot. There is at most one unanswered response for
//! each type of a stream; whatever changes meanwhile is folded into the next one.
//!
//! What differs between types is data, a [`TypeRule`] for each; [`envoy`] has those of Envoy.

mod demand;
pub mod envoy;
mod event;
mod gathered;
mod held;
mod options;
mod peer;
mod response;
mod service;
mod source;
mod stream;
mod subscription;
mod types;
mod violation;

pub use demand::Demand;
pub use event::{Event, Rejection, StreamId};
pub use gathered::Gathered;
pub use options::Options;
pub use peer::{Identity, Peer};
pub use response::Response;
pub use service::{Service, service, services};
pub use source::{Refusal, Refused, Source};
pub use stream::{Output, Stream};
pub use types::TypeRule;
pub use violation::Violation;
