//! One response out of several backends' answers: what is asked of them, how their answers are decoded, filtered and merged, and
//! what the client gets. A library without sockets: whoever runs it makes the calls that it asks for, and hands it the answers.
//!
//! A [`Plan`] is what an endpoint does, checked once. A [`Composition`] is one request to it: [`Composition::start`] lists the calls,
//! each answer goes in with [`Composition::on_response`] or [`Composition::on_error`], and the [`Step`] that comes back has more calls
//! or the response.
//!
//! Answers are read in one pass, and what the plan drops is left out while it is read. What nobody looks into stays a range of the
//! bytes that were received, and is copied to the response once. Objects are written with their names in order, numbers as the
//! literals that they were, and strings with the escapes of Go's `encoding/json`: clients of the gateways that this stands in for
//! compare bytes. [`Limits`] bound all that an answer can make a request hold.
//!
//! # Layout
//!
//! - `document`: documents as positions in what was received. `text`: strings of JSON.
//! - `decode`: what a body says. `pipeline`: what is made of it. `encode`: what the client gets to read.
//! - `plan`: what a composition does. `engine`: the state machine that does it.
//! - `modify`: changes of what is sent and of what is answered, by a list. `url`: paths and queries.
//! - `limits`, `error`: how much is too much, and what is wrong with a body.

mod decode;
mod document;
mod encode;
mod engine;
mod error;
mod limits;
mod modify;
mod pipeline;
mod plan;
mod text;
mod url;

pub use decode::{Collection, Decoder, Gunzip};
pub use document::{Allow, Deny};
pub use encode::Encoder;
pub use engine::{
    Call, CallBody, CallError, CallId, Composition, Direct, DirectRequest, Head, Request, RequestBody, Response,
    ResponseBody, Settled, Step, Wanted,
};
pub use error::DecodeError;
pub use limits::Limits;
pub use modify::{
    Cookie, HeaderMatch, Incoming, ModifyError, Outgoing, RequestChange, RequestChanges, RequestCondition,
    ResponseChange, ResponseChanges, ResponseCondition, Scheme, UrlMatch,
};
pub use pipeline::{ArrayTargets, Change, Mapping, Operation, Operations, OperationsError, Path, Pipeline, Selection};
pub use plan::{
    Admission, CallPlan, ErrorBody, ExpressionError, Expressions, FailureRule, Filter, Fixed, FixedError, Flow,
    InvalidBody, MergeOrder, Output, Pattern, Plan, PlanError, QueryFilter, Reference, RequestRules, Requirement, Role,
    Seen, Segment, Settings, Sign, Signing, Strategy, Untrue,
};
pub use url::{Query, percent};
