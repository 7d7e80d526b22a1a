//! The serving side.
//!
//! A [`Source`] decides who may subscribe and hands out a watch of snapshots; [`service`] runs one [`Stream`] for each
//! stream of a client and tells the source what happens on it. Everything a stream sends is derived from what it has told
//! the client so far, what the client subscribed to, and the latest snapshot. There is at most one unanswered response for
//! each type of a stream; whatever changes meanwhile is folded into the next one.
//!
//! State of the world is not spoken yet: `StreamAggregatedResources` answers `UNIMPLEMENTED`.

mod event;
mod options;
mod peer;
mod service;
mod source;
mod stream;
mod subscription;

pub use event::{Event, Rejection, StreamId};
pub use options::Options;
pub use peer::{Identity, Peer};
pub use service::{Service, service};
pub use source::{Refused, Source};
pub use stream::{Output, Stream, Violation};
