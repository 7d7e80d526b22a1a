//! What a call of a composition passes on its way: what limits it, what changes it, and what answers in place of the backend.
//!
//! # Layout
//!
//! - `changes`, with `condition`: modifiers, which `backstay_composition` carries out. `limits`: rates, breakers and caches.

mod changes;
mod condition;
mod limits;

use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::CircuitSettings;
use backstay_composition::{Expressions, RequestChanges, ResponseChanges};
use backstay_proto::config;

use crate::fault::{Checked, Together, Within};
use crate::route::expressions::expressions;

/// What a call passes, in this order on its way out. None of it knows a backend.
#[derive(Clone, Debug, Default)]
pub struct Passage {
    /// Fails calls at once after failures in a row.
    pub breaker: Option<Breaker>,
    /// Fails calls that are too many.
    pub rate_limit: Option<RateLimit>,
    /// Fails calls that are not as they have to be.
    pub expressions: Option<Arc<Expressions>>,
    /// Changes of what is sent.
    pub request_changes: RequestChanges,
    /// Changes of what is answered.
    pub response_changes: ResponseChanges,
    /// Answers without the backend.
    pub cache: Option<AnswerCache>,
}

/// Fails calls at once after failures in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Breakers of one key, with the same settings, are one.
    pub key: Arc<str>,
    /// When it opens, and for how long.
    pub settings: CircuitSettings,
    /// Whether the log has its changes.
    pub logs_changes: bool,
}

/// Fails calls that are too many.
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimit {
    /// Limits of one key, with the same rate, are one.
    pub key: Arc<str>,
    /// Calls in each `every`. Above 0, and finite.
    pub rate: f64,
    /// Above zero.
    pub every: Duration,
    /// Calls at once. At least 1.
    pub capacity: u64,
}

/// Answers without the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerCache {
    /// Caches of one key, with the same bounds, are one.
    pub key: Arc<str>,
    /// Bytes; `None` for the proxy's default.
    pub max_bytes: Option<u64>,
    /// Answers; 0 for as many as fit.
    pub max_items: u64,
}

impl Passage {
    /// What a call passes, if anything.
    ///
    /// # Errors
    /// When a field of it cannot be honoured.
    pub fn of(message: &config::Call) -> Checked<Option<Arc<Self>>> {
        passage(message)
    }

    /// Whether there is nothing to pass.
    pub fn is_empty(&self) -> bool {
        let Self { breaker, rate_limit, expressions, request_changes, response_changes, cache } = self;
        expressions.is_none()
            && breaker.is_none()
            && rate_limit.is_none()
            && cache.is_none()
            && request_changes.is_empty()
            && response_changes.is_empty()
    }
}

fn passage(message: &config::Call) -> Checked<Option<Arc<Passage>>> {
    let (breaker, rate_limit, (request_changes, response_changes), cache) = (
        message.breaker.as_ref().map(limits::breaker).transpose().within("breaker"),
        message.rate_limit.as_ref().map(limits::rate).transpose().within("rate_limit"),
        changes::changes(&message.modifiers),
        message.cache.as_ref().map(limits::cache).transpose().within("cache"),
    )
        .together()?;
    let expressions = expressions("expressions", &message.expressions)?;
    let expressions = expressions.filter(|expressions| expressions.concern_requests());
    let passage = Passage { breaker, rate_limit, expressions, request_changes, response_changes, cache };
    Ok((!passage.is_empty()).then(|| Arc::new(passage)))
}

#[cfg(test)]
mod tests;
