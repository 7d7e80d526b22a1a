//! HTTP/1.1 to a server, one request at a time, over any byte stream and for any body.
//!
//! A [`Connection`] has no task of its own and knows no pool: whoever waits for an answer reads it, and what is read goes through
//! a buffer of the thread. An idle connection is a stream and a few words. Parsing of heads is httparse's; where a body ends
//! (RFC 9112, 6.3), chunks and trailers are read here, and nothing that an endpoint sends can make a limit of [`HeadLimits`] be
//! passed, a connection be used again that is out of step, or a thread be kept busy by one of them.
//!
//! # Layout
//!
//! - `connection`: a request sent, its answer read. `upload`: a request on its way.
//! - `read`: what comes in. `head`: the head of an answer. `body`: what follows it.
//! - `error`: what can go wrong.

mod body;
mod connection;
mod error;
mod head;
mod read;
mod upload;

pub use connection::{Connection, OnInterim, Switched, Unanswered};
pub use error::Error;
pub use head::HeadLimits;
pub use upload::RequestBody;

#[cfg(test)]
mod tests;
