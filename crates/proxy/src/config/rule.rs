//! A rule of a route, joined with the backends it names, and what is done with requests that no rule matches.

use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_model as model;
use backstay_model::sequence::Resolver;
use backstay_model::{AddressSet, ClientAddress, Revocations, Slot, Table};

use crate::tokens::{KeyStore, Validator};
use backstay_upstream::{Backend, Discovery};

use super::{Guards, Passage, Passages};
use crate::counts::CallMetrics;

/// One rule of a route.
#[derive(Debug)]
pub struct Rule {
    /// Name of the route's resource.
    pub route: Arc<str>,
    /// The rule's own name; may be empty.
    pub name: Box<str>,
    /// Whom its requests are from, where others say so; `None`: the peer of their connection.
    pub client_address: Option<Arc<ClientAddress>>,
    /// What requests have to pass before that, in this order.
    pub guards: Option<Arc<Guards>>,
    /// The guard that wants a token, joined with what it names.
    pub token: Option<Box<Validator>>,
    /// Changes on the way.
    pub filters: Edits,
    /// Where the way leads.
    pub action: Action,
    /// What is counted for the calls of a composition, in their order.
    pub calls: Box<[Arc<CallMetrics>]>,
    /// What the calls of a composition pass, in their order. Empty where none passes anything.
    pub passages: Box<[Option<Arc<Passage>>]>,
}

/// What is done with requests to a host of one route that none of its rules matches.
#[derive(Debug)]
pub struct Unmatched {
    /// Name of the route's resource.
    pub route: Arc<str>,
    /// Whom they are from, where others say so; `None`: the peer of their connection.
    pub client_address: Option<Arc<ClientAddress>>,
    /// What they have to pass before they are answered.
    pub guards: Option<Arc<Guards>>,
    /// How they are answered; `None`: 404.
    pub manners: Option<Arc<Manners>>,
}

/// See [`model::route::Manners`].
pub type Manners = model::route::Manners;
/// See [`model::Filters`].
pub type Filters = model::Filters<Arc<Backend>>;
/// See [`model::Edits`].
pub type Edits = model::Edits<Arc<Backend>>;
/// See [`model::Mirror`].
pub type Mirror = model::Mirror<Arc<Backend>>;
/// See [`model::Action`].
pub type Action = model::Action<Arc<Backend>>;
/// See [`model::Forward`].
pub type Forward = model::Forward<Arc<Backend>>;
/// See [`model::WeightedTargets`].
pub type WeightedTargets = model::WeightedTargets<Arc<Backend>>;
/// See [`model::WeightedTarget`].
pub type WeightedTarget = model::WeightedTarget<Arc<Backend>>;
/// See [`model::Target`].
pub type Target = model::Target<Arc<Backend>>;

/// See [`model::Composition`].
pub type Composition = model::Composition<Arc<Backend>>;
/// See [`model::route::composition::CallSite`].
pub type CallSite = model::route::composition::CallSite<Arc<Backend>>;
/// See [`model::route::composition::CallTarget`].
pub type CallTarget = model::route::composition::CallTarget<Arc<Backend>>;
/// See [`model::route::composition::Credentials`].
pub type Credentials = model::route::composition::Credentials<Arc<Backend>>;

/// See [`model::sequence::Sequence`].
pub type Sequence = model::sequence::Sequence<Arc<Backend>>;
/// See [`model::sequence::Destination`].
pub type Destination = model::sequence::Destination<Arc<Backend>>;
/// See [`model::sequence::Member`].
pub type Member = model::sequence::Member<Arc<Backend>>;

/// What there is of the names in a route.
pub(crate) struct Found<'a> {
    pub(crate) client_address: Option<&'a Arc<ClientAddress>>,
    /// What is counted for a call of the route, by its name.
    pub(crate) counts: &'a dyn Fn(&Arc<str>) -> Arc<CallMetrics>,
    pub(crate) backend: &'a dyn Fn(&str) -> Option<Arc<Backend>>,
    pub(crate) table: &'a dyn Fn(&str) -> Option<Arc<Slot<Table>>>,
    pub(crate) address_set: &'a dyn Fn(&str) -> Option<Arc<Slot<AddressSet>>>,
    pub(crate) revocations: &'a dyn Fn(&str) -> Option<Arc<Slot<Revocations>>>,
    pub(crate) keys: &'a KeyStore,
    pub(crate) limiters: &'a Registry,
    pub(crate) passages: &'a Passages,
}

impl Unmatched {
    /// What the route called `route` wants of them, if anything.
    pub(crate) fn of(name: &Arc<str>, route: &model::Route, limiters: &Registry) -> Option<Arc<Self>> {
        let (guards, manners) = (route.guards.as_ref(), route.manners.clone());
        if guards.is_none() && manners.is_none() {
            return None;
        }
        let guards = guards.map(|guards| Guards::join(guards, limiters));
        let (route, client_address) = (Arc::clone(name), route.client_address.clone());
        Some(Arc::new(Self { route, client_address, guards, manners }))
    }
}

impl Rule {
    /// The rule of the route called `route`, on what is `found` of the names in it.
    pub(crate) fn join(route: &Arc<str>, rule: &model::Rule, found: &Found<'_>) -> Self {
        // A backend with a list of addresses needs a port that the reference gives.
        let find = |name: &str, port: Option<NonZeroU16>| {
            (found.backend)(name).filter(|backend| port.is_some() || matches!(backend.discovery, Discovery::Dynamic(_)))
        };
        let resolver = Resolver { backend: &find, table: found.table, address_set: found.address_set };
        Self {
            route: Arc::clone(route),
            name: rule.name.clone(),
            client_address: found.client_address.map(Arc::clone),
            guards: rule.guards.as_ref().map(|guards| Guards::join(guards, found.limiters)),
            token: rule.token().map(|token| Box::new(Validator::join(token, found.keys, &find, found.revocations))),
            filters: rule.filters.join(&find),
            action: rule.action.join(&resolver),
            calls: rule.action.calls().map(|call| (found.counts)(call)).collect(),
            passages: passages(&rule.action, found.passages),
        }
    }

    /// What the call at a position of its composition passes.
    pub(crate) fn passage(&self, call: usize) -> Option<&Arc<Passage>> {
        self.passages.get(call)?.as_ref()
    }
}

/// What the calls of an action pass.
fn passages(action: &model::Action, there: &Passages) -> Box<[Option<Arc<Passage>>]> {
    let model::Action::Compose(composition) = action else { return Box::default() };
    if composition.calls.iter().all(|call| call.passage.is_none()) {
        return Box::default();
    }
    composition.calls.iter().map(|call| call.passage.as_ref().map(|passage| there.join(passage))).collect()
}
