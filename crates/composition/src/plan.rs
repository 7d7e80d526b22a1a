//! Plans: what a composition does, checked once and then trusted.
//!
//! # Layout
//!
//! - `call`: what one backend is asked. `pattern`: paths with parameters, and references to earlier answers.
//! - `request`: what of a client's request goes on. `output`: what the client gets. `fixed`: data that is added. `signing`: members
//!   that become tokens. `expressions`: what has to be true.

mod call;
mod expressions;
mod fixed;
mod output;
mod pattern;
mod request;
mod signing;

use std::sync::Arc;
use std::time::Duration;

use backstay_json_schema::{Invalid, Schema, Value};

pub use call::{CallPlan, FailureRule, Requirement, Role};
pub(crate) use expressions::Answered;
pub use expressions::{ExpressionError, Expressions, Seen, Untrue};
pub use fixed::{Fixed, FixedError, Strategy};
pub use output::{ErrorBody, Output};
pub use pattern::{Pattern, Reference, Segment};
pub use request::{Admission, Filter, QueryFilter, RequestRules};
pub use signing::{Sign, Signing};

use crate::decode::Decoder;
use crate::encode::Encoder;
use crate::limits::Limits;
use crate::pipeline::Operations;

/// What is wrong with the body of a request, in words for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBody(pub String);

/// What a composition does. Made by [`Plan::new`], which refuses what cannot be done.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Settings,
    signing: Option<Signing>,
    body: Option<Arc<Schema>>,
    expressions: Option<Arc<Expressions>>,
}

/// What a [`Plan`] is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The calls, in their order: at least one with [`Role::Regular`].
    pub calls: Vec<CallPlan>,
    /// In which order they are made.
    pub flow: Flow,
    /// In which order the answers of parallel calls are merged.
    pub order: MergeOrder,
    /// How long a request may take. Several calls have [`Plan::MERGE_PERCENT`] of it, so that what there is by then still gets to
    /// the client in time. Longer than zero.
    pub timeout: Duration,
    /// What is done to the merged data. Only with several regular calls, and only if all of them succeeded.
    pub operations: Option<Operations>,
    /// Data that is added at the end.
    pub fixed: Option<Fixed>,
    /// What of the client's request goes on to the backends.
    pub request: RequestRules,
    /// What the client gets.
    pub output: Output,
    /// What the answers may take.
    pub limits: Limits,
}

/// In which order calls are made.
#[derive(Clone, Debug, Default)]
pub enum Flow {
    /// All at once.
    #[default]
    Parallel,
    /// One after the other: what one answers can be a parameter of those after it. The first that fails, or whose answer is not
    /// complete, is the last.
    Sequential {
        /// Values of earlier answers that later calls get as parameters, besides those that their patterns name.
        propagated: Vec<Reference>,
    },
}

/// In which order answers of parallel calls are merged: of members with the same name, the last one merged counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeOrder {
    /// As the calls are listed, whichever answers first. The same answers make the same response.
    #[default]
    Listed,
    /// As the answers arrive: the slowest one counts.
    Arrival,
}

/// Why a plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No regular call.
    #[error("calls: there is none whose answer counts")]
    NoCalls,
    /// A zero timeout.
    #[error("timeout: must be longer than zero")]
    ZeroTimeout,
    /// Passing through needs exactly one answer, not decoded.
    #[error("output: an answer can only be passed through if it is the only one, and opaque")]
    NotPassedThrough,
    /// Operations on merged data without a merge.
    #[error("operations: there is nothing merged with fewer than two calls")]
    NothingMerged,
    /// Tokens out of an answer that is passed through.
    #[error("signing: an answer that is passed through has no members to sign")]
    NothingSigned,
    /// More calls than a request may make.
    #[error("calls: {calls} are more than {limit}")]
    TooManyCalls {
        /// How many there are, copies included.
        calls: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Plan {
    /// How many calls a plan may have, copies included.
    pub const MOST_CALLS: usize = 1024;

    /// How much of the timeout several calls have together.
    pub const MERGE_PERCENT: u32 = 85;

    /// How much of the timeout each of several copies of a call has.
    pub const COPIES_PERCENT: u32 = 75;

    /// Checks a plan.
    pub fn new(settings: Settings) -> Result<Self, PlanError> {
        let calls = settings.calls.iter().map(|call| usize::from(call.copies.get())).sum();
        if calls > Self::MOST_CALLS {
            return Err(PlanError::TooManyCalls { calls, limit: Self::MOST_CALLS });
        }
        let mut regular = settings.calls.iter().filter(|call| call.role == Role::Regular);
        let first = regular.next().ok_or(PlanError::NoCalls)?;
        let several = regular.next().is_some();
        if settings.timeout.is_zero() {
            return Err(PlanError::ZeroTimeout);
        }
        if settings.output.encoder == Encoder::Opaque && (several || first.decoder != Decoder::Opaque) {
            return Err(PlanError::NotPassedThrough);
        }
        if settings.operations.is_some() && !several {
            return Err(PlanError::NothingMerged);
        }
        Ok(Self { settings, signing: None, body: None, expressions: None })
    }

    /// The same plan, where members of the response become tokens.
    ///
    /// # Errors
    /// When answers are passed through: nobody knows their members.
    pub fn with_signing(self, signing: Signing) -> Result<Self, PlanError> {
        if self.settings.output.encoder == Encoder::Opaque {
            return Err(PlanError::NothingSigned);
        }
        Ok(Self { signing: Some(signing), ..self })
    }

    /// The same plan, where bodies of requests have to be valid by a schema.
    #[must_use]
    pub fn with_body(self, schema: Arc<Schema>) -> Self {
        Self { body: Some(schema), ..self }
    }

    /// The same plan, where expressions have to be true.
    #[must_use]
    pub fn with_expressions(self, expressions: Arc<Expressions>) -> Self {
        Self { expressions: Some(expressions), ..self }
    }

    /// Whether all of the body has to be there before anything is sent, since it is checked.
    pub fn checks_body(&self) -> bool {
        self.body.is_some()
    }

    /// Checks the body of a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_body(&self, body: &[u8]) -> Result<(), InvalidBody> {
        let Some(schema) = &self.body else { return Ok(()) };
        let told = match Value::read(body).map(|document| schema.validate(&document, Schema::STEPS)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Invalid::Violations(violations))) => {
                let told: Vec<_> = violations.iter().map(|violation| format!("- {violation}")).collect();
                told.join("\n")
            }
            Ok(Err(Invalid::TooMuchWork)) => "the body takes more work to check than it may".to_owned(),
            Err(_) => "could not validate a malformed body".to_owned(),
        };
        Err(InvalidBody(told))
    }

    /// Expressions that have to be true.
    pub fn expressions(&self) -> Option<&Expressions> {
        self.expressions.as_deref()
    }

    /// Which members become tokens.
    pub(crate) fn signing(&self) -> Option<&Signing> {
        self.signing.as_ref()
    }

    /// What it is made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the client's body goes to several backends, so that it has to be kept: with copies, with shadow calls, and with
    /// several calls of which one has a method other than GET and HEAD. Otherwise the first call streams it, alone.
    pub(crate) fn shares_body(&self) -> bool {
        let safe = |call: &CallPlan| call.method == http::Method::GET || call.method == http::Method::HEAD;
        let copies = self.settings.calls.iter().any(|call| call.copies.get() > 1);
        let shadowed = self.settings.calls.iter().any(|call| call.role != Role::Regular);
        let several = self.regular().count() > 1;
        copies || shadowed || several && self.regular().any(|(_, call)| !safe(call))
    }

    /// Whether all of the client's body has to be there before it is sent: where it goes to several backends, and where it is checked.
    pub fn keeps_body(&self) -> bool {
        self.shares_body() || self.checks_body()
    }

    /// The calls whose answers count, with their positions in the plan.
    pub(crate) fn regular(&self) -> impl Iterator<Item = (usize, &CallPlan)> {
        self.settings.calls.iter().enumerate().filter(|(_, call)| call.role == Role::Regular)
    }

    /// When all parts have to be there, from the start on.
    pub fn deadline(&self) -> Duration {
        let several = self.regular().nth(1).is_some();
        if several { percent(self.settings.timeout, Self::MERGE_PERCENT) } else { self.settings.timeout }
    }
}

/// A part of a duration.
pub(crate) fn percent(of: Duration, percent: u32) -> Duration {
    of.checked_mul(percent).map_or(of / 100 * percent, |whole| whole / 100)
}

#[cfg(test)]
mod tests;
