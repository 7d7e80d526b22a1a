//! One route in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_model::Route;

use crate::config::{Rule, Unmatched};

/// A route in force: as it is configured, and joined with the backends there are.
#[derive(Debug)]
pub(super) struct RouteItem {
    pub(super) route: Route,
    /// Backends, tables, address sets and revocations that it names, there or not.
    pub(super) references: BTreeSet<Arc<str>>,
    /// Its rules, in their order.
    pub(super) rules: Vec<Arc<Rule>>,
    /// What is done with requests that none of them matches.
    pub(super) unmatched: Option<Arc<Unmatched>>,
}

impl RouteItem {
    /// A route that is not joined yet.
    pub(super) fn new(name: &Arc<str>, route: Route, limiters: &Registry) -> Self {
        let lookups = route.tables().into_iter().chain(route.address_sets()).chain(route.revocations());
        let references = route.backends().into_iter().chain(lookups).collect();
        Self { references, rules: Vec::new(), unmatched: Unmatched::of(name, &route, limiters), route }
    }
}
