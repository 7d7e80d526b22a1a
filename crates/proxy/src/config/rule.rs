//! What happens to a matched request.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{Backend, Filters, PathEdit};

/// One rule of a route.
#[derive(Debug)]
pub struct Rule {
    /// Name of the route's resource.
    pub route: Arc<str>,
    /// The rule's own name; may be empty.
    pub name: Box<str>,
    /// Changes on the way.
    pub filters: Filters,
    /// Where the way leads.
    pub action: Action,
}

/// Where the way leads.
#[derive(Debug)]
pub enum Action {
    /// To a backend.
    Forward(Forward),
    /// Elsewhere, by the client itself.
    Redirect(Redirect),
    /// Nowhere: the proxy answers.
    Respond(Respond),
}

/// Sends requests to one of several targets.
#[derive(Debug)]
pub struct Forward {
    /// Where to, by weight.
    pub targets: WeightedTargets,
    /// From the request's head to the last byte of the answer.
    pub request_timeout: Option<Duration>,
    /// From the start of an attempt to the last byte of its answer.
    pub backend_request_timeout: Option<Duration>,
}

/// Targets of a rule. Empty, or all of weight 0: requests are answered 500.
#[derive(Debug, Default)]
pub struct WeightedTargets {
    targets: Box<[WeightedTarget]>,
    /// Running sums of the weights, so that a choice is one search.
    sums: Box<[u64]>,
}

impl WeightedTargets {
    /// Targets with their weights.
    pub fn new(targets: Vec<WeightedTarget>) -> Self {
        let mut sum = 0;
        let sums = targets
            .iter()
            .map(|target| {
                sum += u64::from(target.weight);
                sum
            })
            .collect();
        Self { targets: targets.into(), sums }
    }

    /// A target, by its share, and its position. `below` is asked for a number below the sum of all weights, unless there is
    /// nothing to choose.
    pub fn choose(&self, below: impl FnOnce(u64) -> u64) -> Option<(usize, &WeightedTarget)> {
        let total = self.sums.last().copied().filter(|total| *total > 0)?;
        let choice = if self.targets.len() == 1 { 0 } else { below(total) };
        let index = self.sums.partition_point(|sum| *sum <= choice);
        self.targets.get(index).map(|target| (index, target))
    }

    /// All targets, as given.
    pub fn all(&self) -> &[WeightedTarget] {
        &self.targets
    }
}

/// One target of a rule.
#[derive(Debug)]
pub struct WeightedTarget {
    /// Share of the rule's requests: weight of the sum of all weights.
    pub weight: u32,
    /// Where to.
    pub target: Target,
    /// Changes applied after the rule's own.
    pub filters: Filters,
}

/// Where a request goes.
#[derive(Debug)]
pub enum Target {
    /// To an endpoint of a backend.
    Backend {
        /// The backend.
        backend: Arc<Backend>,
        /// Port of its endpoints; `None` takes the authority's, else the scheme's (dynamic backends only).
        port: Option<NonZeroU16>,
    },
    /// Answered by the proxy: the share of a reference that cannot be honoured.
    Respond(Respond),
}

/// Sends the client elsewhere.
#[derive(Debug)]
pub struct Redirect {
    /// `http` or `https`; `None` keeps the request's.
    pub scheme: Option<Box<str>>,
    /// `None` keeps the request's.
    pub hostname: Option<Box<str>>,
    /// `None` keeps the request's.
    pub path: Option<PathEdit>,
    /// `None`: the well-known port of the scheme when one is given, else the listener's.
    pub port: Option<NonZeroU16>,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

/// An answer written by the operator.
#[derive(Debug, Clone)]
pub struct Respond {
    /// Its status.
    pub status: StatusCode,
    /// Its body; empty sends none.
    pub body: Bytes,
    /// Content type of a body.
    pub content_type: HeaderValue,
}

impl Respond {
    /// An answer in plain text.
    pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), content_type: HeaderValue::from_static("text/plain") }
    }
}
