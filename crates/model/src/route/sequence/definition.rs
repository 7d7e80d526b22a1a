//! A sequence as it is configured.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use backstay_expression::{AddressSet, Table, Truth};
use backstay_proto::config;
use http::HeaderName;

use super::expression::truth;
use super::scope::Scope;
use super::{Destination, LocalReplies, Operation, destination, operation, reply};
use crate::fault::{Checked, Together, Within, all};
use crate::lookup::Slot;
use crate::route::filter::header_name;
use crate::scalar::limit;

/// Steps that decide on a request one after another. `B` stands for a backend, as in [`Action`](crate::Action).
#[derive(Clone, Debug)]
pub struct Sequence<B = Arc<str>> {
    /// Its steps. Their expressions name tables, address sets and destinations by their positions in the lists below.
    pub steps: Arc<[Step]>,
    /// What can be selected.
    pub destinations: Box<[Destination<B>]>,
    /// What can be looked up in.
    pub tables: Box<[Linked<Table>]>,
    /// What addresses can be looked up in.
    pub address_sets: Box<[Linked<AddressSet>]>,
    /// How failures are worded.
    pub replies: Arc<LocalReplies>,
    /// Header that tells the client where a response came from.
    pub backend_header: Option<HeaderName>,
    /// From the request's head to the last byte of the answer.
    pub request_timeout: Option<Duration>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it is taken; `None`: always.
    pub when: Option<Truth>,
    /// What it does, in order.
    pub operations: Box<[Operation]>,
}

/// A table or an address set by name, and, once it is joined, what a program has of that name.
#[derive(Debug)]
pub struct Linked<T> {
    /// Name of the resource.
    pub name: Arc<str>,
    /// The resource; `None` if it is not there (yet).
    pub slot: Option<Arc<Slot<T>>>,
}

/// What a program has of the names in a route.
#[expect(missing_debug_implementations, reason = "functions have nothing to show")]
pub struct Resolver<'a, B> {
    /// The backend of a name, for the port that is given with it.
    pub backend: &'a dyn Fn(&str, Option<NonZeroU16>) -> Option<B>,
    /// The table of a name.
    pub table: &'a dyn Fn(&str) -> Option<Arc<Slot<Table>>>,
    /// The address set of a name.
    pub address_set: &'a dyn Fn(&str) -> Option<Arc<Slot<AddressSet>>>,
}

impl<T> Linked<T> {
    fn named(name: Arc<str>) -> Self {
        Self { name, slot: None }
    }

    fn join(&self, find: &dyn Fn(&str) -> Option<Arc<Slot<T>>>) -> Self {
        Self { name: Arc::clone(&self.name), slot: find(&self.name) }
    }
}

impl<T> Clone for Linked<T> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), slot: self.slot.clone() }
    }
}

impl Sequence {
    /// The same sequence on what `found` has of the names in it.
    pub fn join<B>(&self, found: &Resolver<'_, B>) -> Sequence<B> {
        Sequence {
            steps: Arc::clone(&self.steps),
            destinations: self.destinations.iter().map(|destination| destination.join(found.backend)).collect(),
            tables: self.tables.iter().map(|table| table.join(found.table)).collect(),
            address_sets: self.address_sets.iter().map(|set| set.join(found.address_set)).collect(),
            replies: Arc::clone(&self.replies),
            backend_header: self.backend_header.clone(),
            request_timeout: self.request_timeout,
        }
    }
}

/// A sequence, checked.
pub(in crate::route) fn sequence(message: &config::Sequence) -> Checked<Sequence> {
    // Steps and pools can name what is defined after them, so that names come first.
    let mut scope = Scope { destinations: destination::names(&message.destinations)?, ..Scope::default() };
    let destinations =
        message.destinations.iter().enumerate().map(|(index, message)| {
            destination::destination(message, &mut scope).within_element("destinations", index)
        });
    let destinations: Checked<Vec<_>> = all(destinations);
    let steps = message.steps.iter().enumerate();
    let steps: Checked<Vec<_>> =
        all(steps.map(|(index, message)| step(message, &mut scope).within_element("steps", index)));
    let backend_header = match message.backend_header.as_str() {
        "" => Ok(None),
        name => header_name(name).map(Some).within("backend_header"),
    };
    let (destinations, steps, replies, backend_header, request_timeout) = (
        destinations,
        steps,
        reply::replies(&message.local_replies),
        backend_header,
        limit("request_timeout", message.request_timeout),
    )
        .together()?;
    Ok(Sequence {
        steps: steps.into(),
        destinations: destinations.into(),
        tables: scope.tables.into_iter().map(Linked::named).collect(),
        address_sets: scope.address_sets.into_iter().map(Linked::named).collect(),
        replies: Arc::new(replies),
        backend_header,
        request_timeout,
    })
}

fn step(message: &config::Step, scope: &mut Scope) -> Checked<Step> {
    let when = message.when.as_ref().map(|when| truth(when, scope).within("when")).transpose();
    let operations = message.operations.iter().enumerate();
    let operations: Checked<Vec<_>> =
        all(operations.map(|(index, one)| operation::operation(one, scope).within_element("operations", index)));
    let (when, operations) = (when, operations).together()?;
    Ok(Step { when, operations: operations.into() })
}
