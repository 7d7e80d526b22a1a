//! Traces: their identifiers, how requests carry them, which requests are sampled, and where the collectors are that are told. Pure: no
//! clock, no randomness of its own, no connection.
//!
//! A trace is read as the W3C's Trace Context has it (level 1, 2021) or as Zipkin's B3 has it, in one header or in several, and is
//! written in the same way. What a client sends that is none of these is as if it had sent nothing.
//!
//! # Layout
//!
//! - [`TraceId`], [`SpanId`]: identifiers, never zero.
//! - [`Incoming`]: what a request says of its trace. [`Format`]: how it says it; [`Format::write`] says it to the next.
//! - [`Sampler`]: which requests are sampled.
//! - [`Collector`]: who is told, and how.

mod collector;
mod context;
mod id;
mod sampler;

pub use collector::{Collector, CollectorError, Protocol};
pub use context::{Format, Incoming, Parent};
pub use id::{SpanId, TraceId};
pub use sampler::{Sampler, SamplerError};
