//! One route in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_model::Route;

use crate::config::Rule;
use backstay_upstream::Backend;

/// A route in force: as it is configured, and joined with the backends there are.
#[derive(Debug)]
pub(super) struct RouteItem {
    pub(super) route: Route,
    /// Backends it names, there or not.
    pub(super) backends: BTreeSet<Arc<str>>,
    /// Its rules, in their order.
    pub(super) rules: Vec<Arc<Rule>>,
}

impl RouteItem {
    /// Joins the route called `name` with the backends that `find` finds. What refers to one that is not there answers 500 until
    /// it is.
    pub(super) fn new(name: &Arc<str>, route: Route, find: &dyn Fn(&str) -> Option<Arc<Backend>>) -> Self {
        let mut item = Self { backends: route.backends(), rules: Vec::new(), route };
        item.join(name, find);
        item
    }

    /// Joins it anew: a backend has come, gone, or changed its identity.
    pub(super) fn join(&mut self, name: &Arc<str>, find: &dyn Fn(&str) -> Option<Arc<Backend>>) {
        self.rules = self.route.rules.iter().map(|rule| Arc::new(Rule::join(name, rule, find))).collect();
    }
}
