//! What one backend is asked, and what is made of its answer.

use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::expressions::Expressions;
use super::pattern::Pattern;
use super::request::{Filter, QueryFilter};
use crate::decode::Decoder;
use crate::pipeline::Pipeline;

/// What one backend is asked, and what is made of its answer.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The method.
    pub method: Method,
    /// The path and the query, with parameters.
    pub pattern: Pattern,
    /// Which of the header fields that go on go to this backend.
    pub headers: Filter,
    /// Which of the query's parameters that go on go to this backend.
    pub query: QueryFilter,
    /// How the answer is decoded.
    pub decoder: Decoder,
    /// What is made of it.
    pub pipeline: Pipeline,
    /// Which answers are failures, and what is made of them. An opaque answer is never one.
    pub failure: FailureRule,
    /// How many times the call is made at once: the first complete answer counts, and the others are given up.
    pub copies: NonZeroU8,
    /// Whether the answer counts.
    pub role: Role,
    /// What becomes of the response when this call fails.
    pub requirement: Requirement,
    /// What has to be true of it.
    pub expressions: Option<Arc<Expressions>>,
}

/// What an answer with a status other than 200 and 201 is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FailureRule {
    /// A failure, of which the client learns nothing but that it happened.
    #[default]
    Plain,
    /// A failure whose status is the response's, if nothing else is merged with it: it is the only call, or the first of a sequence.
    Status,
    /// No failure but data: a member `error_` and this name, with the status, the body and its content type. The response is not
    /// complete then. The pipeline does not apply to it. The name is not empty.
    Details(String),
    /// None if the status is any of success: what has no body then has no data. The status is the response's, of success as of failure;
    /// of several that are passed on, that of the call listed first which has one: with data one of success, without one of failure.
    PassedOn,
}

/// Whether the answer of a call counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It is part of the response.
    #[default]
    Regular,
    /// The backend gets what the others get, and nobody waits for what it answers. The longest of the timeouts of all shadow calls
    /// is the one of each.
    Shadow {
        /// How long the call may take.
        timeout: Duration,
    },
}

/// What becomes of the response when a call fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// The others' data is the response, which is not complete.
    #[default]
    Optional,
    /// The response is an error.
    Required,
}

impl CallPlan {
    /// A call with a method and a pattern, and nothing else said: a JSON object, once, of which everything goes on.
    pub fn new(method: Method, pattern: Pattern) -> Self {
        Self {
            method,
            pattern,
            headers: Filter::All,
            query: QueryFilter::All,
            decoder: Decoder::Json(crate::decode::Collection::No),
            pipeline: Pipeline::default(),
            failure: FailureRule::Plain,
            copies: NonZeroU8::MIN,
            role: Role::Regular,
            requirement: Requirement::Optional,
            expressions: None,
        }
    }
}
