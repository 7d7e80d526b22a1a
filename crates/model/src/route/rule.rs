//! What happens to a matched request.

mod read;

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::Edits;
use super::composition::Composition;
use super::reference::Reference;
use super::reply::{InsteadOf, Redirect, Respond};
use super::sequence::{Resolver, Sequence};
pub(super) use read::action;

/// Where the way leads. `B` stands for a backend: its name as it is configured, the backend itself once it is joined.
#[derive(Clone, Debug)]
pub enum Action<B = Arc<str>> {
    /// To a backend.
    Forward(Forward<B>),
    /// Elsewhere, by the client itself.
    Redirect(Redirect),
    /// Nowhere: the proxy answers. Boxed, as whatever few rules have: the room is every rule's.
    Respond(Box<Respond>),
    /// Wherever its steps decide.
    Sequence(Box<Sequence<B>>),
    /// To several backends, whose answers become one.
    Compose(Box<Composition<B>>),
    /// Nowhere: the request itself is the answer.
    Echo(Echo),
}

/// Answers with the request itself, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Echo {
    /// How many bytes of the request's body are told.
    pub body_bytes: usize,
}

impl Action {
    /// The targets that it chooses from by weight.
    pub(super) fn targets(&self) -> &[WeightedTarget] {
        match self {
            Self::Forward(forward) => forward.targets.all(),
            Self::Redirect(_) | Self::Respond(_) | Self::Sequence(_) | Self::Compose(_) | Self::Echo(_) => &[],
        }
    }

    /// The backends that requests go to.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        let targets = self.targets().iter().filter_map(|target| match &target.target {
            Target::Backend { backend, port } => Some((backend, *port)),
            Target::Respond(_) => None,
        });
        let destinations = self.sequence().into_iter().flat_map(|sequence| &sequence.destinations);
        let members = destinations.flat_map(|destination| destination.members());
        let composed = self.composition().into_iter().flat_map(Composition::references);
        targets.chain(members.map(|member| (&member.resource, member.port))).chain(composed)
    }

    /// The sequence, if it is one.
    pub(super) fn sequence(&self) -> Option<&Sequence> {
        match self {
            Self::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The composition, if it is one.
    pub(super) fn composition(&self) -> Option<&Composition> {
        match self {
            Self::Compose(composition) => Some(composition),
            _ => None,
        }
    }

    /// The same action on what `found` has of the backends it names, given with the port. What it does not have (yet) has its
    /// share of the requests answered 500.
    pub fn join<B>(&self, found: &Resolver<'_, B>) -> Action<B> {
        match self {
            Self::Forward(forward) => Action::Forward(Forward {
                targets: WeightedTargets::new(
                    forward.targets.all().iter().map(|target| target.join(found.backend)).collect(),
                ),
                request_timeout: forward.request_timeout,
                backend_request_timeout: forward.backend_request_timeout,
            }),
            Self::Redirect(redirect) => Action::Redirect(redirect.clone()),
            Self::Respond(respond) => Action::Respond(respond.clone()),
            Self::Sequence(sequence) => Action::Sequence(Box::new(sequence.join(found))),
            Self::Compose(composition) => Action::Compose(Box::new(composition.join(found.backend))),
            Self::Echo(echo) => Action::Echo(*echo),
        }
    }
}

impl<B> Action<B> {
    /// The names of its calls, if it is a composition.
    pub fn calls(&self) -> impl Iterator<Item = &Arc<str>> {
        let composition = match self {
            Self::Compose(composition) => Some(composition),
            _ => None,
        };
        composition.into_iter().flat_map(|composition| &composition.calls).map(|call| &call.name)
    }
}

impl WeightedTarget {
    fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> WeightedTarget<B> {
        let target = match &self.target {
            Target::Respond(respond) => Target::Respond(respond.clone()),
            Target::Backend { backend, port } => match find(backend, *port) {
                Some(backend) => Target::Backend { backend, port: *port },
                None => Target::Respond(Box::new(Respond {
                    instead_of: Some(InsteadOf::UnresolvedBackend),
                    ..Respond::text(StatusCode::INTERNAL_SERVER_ERROR, "the route's backend is not known to this proxy")
                })),
            },
        };
        WeightedTarget { weight: self.weight, target, filters: self.filters.join(find) }
    }
}

/// Sends requests to one of several targets.
#[derive(Clone, Debug)]
pub struct Forward<B = Arc<str>> {
    /// The targets of the requests, by weight.
    pub targets: WeightedTargets<B>,
    /// From the request's head to the last byte of the answer.
    pub request_timeout: Option<Duration>,
    /// From the start of an attempt to the last byte of its answer.
    pub backend_request_timeout: Option<Duration>,
}

/// Targets of a rule. Empty, or all of weight 0: requests are answered 500.
#[derive(Clone, Debug)]
pub struct WeightedTargets<B = Arc<str>> {
    targets: Box<[WeightedTarget<B>]>,
    /// Running sums of the weights, so that a choice is one search.
    sums: Box<[u64]>,
}

impl<B> Default for WeightedTargets<B> {
    fn default() -> Self {
        Self { targets: Box::default(), sums: Box::default() }
    }
}

impl<B> WeightedTargets<B> {
    /// Targets with their weights.
    pub fn new(targets: Vec<WeightedTarget<B>>) -> Self {
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
    pub fn choose(&self, below: impl FnOnce(u64) -> u64) -> Option<(usize, &WeightedTarget<B>)> {
        let total = self.sums.last().copied().filter(|total| *total > 0)?;
        let choice = if self.targets.len() == 1 { 0 } else { below(total) };
        let index = self.sums.partition_point(|sum| *sum <= choice);
        self.targets.get(index).map(|target| (index, target))
    }

    /// All targets, as given.
    pub fn all(&self) -> &[WeightedTarget<B>] {
        &self.targets
    }
}

/// One target of a rule.
#[derive(Clone, Debug)]
pub struct WeightedTarget<B = Arc<str>> {
    /// Share of the rule's requests: weight of the sum of all weights.
    pub weight: u32,
    /// The target itself.
    pub target: Target<B>,
    /// Changes applied after the rule's own.
    pub filters: Edits<B>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Target<B = Arc<str>> {
    /// To an endpoint of a backend.
    Backend {
        /// The backend.
        backend: B,
        /// Port of its endpoints; `None` takes the authority's, else the scheme's (dynamic backends only).
        port: Option<NonZeroU16>,
    },
    /// Answered by the proxy: the share of a reference that cannot be honoured.
    Respond(Box<Respond>),
}
