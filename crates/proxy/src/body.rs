//! Bodies of requests on their way to an endpoint: read only as fast as the endpoint takes them.
//!
//! Nothing here knows a rule, an attempt or an answer: those who do hold the other end.
//!
//! # Layout
//!
//! - `client`: a body as it comes in. `request`: a body to send, whatever it comes from. `progress`: how far it has come, for those
//!   who do not read it.
//! - `tap`: a copy of it for a mirror. `replay`: what is kept of it, to be sent again.
//! - `trailers`: the headers after a body, of requests and answers. `error`: why a body ends before its end.

mod client;
mod error;
mod progress;
mod replay;
mod request;
mod tap;
pub(crate) mod trailers;

pub(crate) use client::{ClientBody, StreamBody};
pub(crate) use error::BodyError;
pub(crate) use progress::BodyProgress;
pub(crate) use replay::Replay;
pub(crate) use request::RequestBody;
pub(crate) use tap::tap;
