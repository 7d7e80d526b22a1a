//! The engine: a composition as a state machine. It opens no socket, and reads no clock but for expressions that ask
//! what time it is: whoever runs it sends the calls that a
//! [`Step`] lists, keeps their deadlines, and hands in what comes of them until a step has the response.
//!
//! # Layout
//!
//! - `composition`: the state machine. `part`: what a call comes to. `merging`: answers merged. `answer`: what is made of an answer.
//! - `direct`: what is passed through without any of it. `outbound`: the request of a call.
//! - `values`: values of earlier answers as parameters. `response`: what the client gets. `failure`: what goes wrong.

mod answer;
mod composition;
mod direct;
mod failure;
mod merging;
mod outbound;
mod part;
mod response;
mod values;

pub use answer::{Head, Wanted};
pub use composition::{Composition, Settled, Step};
pub use direct::{Direct, DirectRequest};
pub use failure::CallError;
pub use outbound::{Call, CallBody, CallId, Request, RequestBody};
pub use response::{Response, ResponseBody};

#[cfg(test)]
mod tests;
