//! Routes with guards, as the control plane sends them.

use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_model::{HostPattern, Route};
use backstay_proto::config;
use backstay_proxy::config::{Action, Filters, Guards, Rule, Unmatched};
use backstay_proxy::route::Table;

/// A route with a rule for some paths, and guards of both.
#[derive(Default)]
pub(crate) struct Guarded {
    pub(crate) route: Option<config::Guards>,
    pub(crate) rule: Option<config::Guards>,
}

impl Guarded {
    /// The guards of a whole route.
    pub(crate) fn route(guards: config::Guards) -> Self {
        Self { route: Some(guards), rule: None }
    }

    /// The guards of one rule.
    pub(crate) fn rule(guards: config::Guards) -> Self {
        Self { route: None, rule: Some(guards) }
    }

    /// Requests for `path` are done with as `action` says.
    pub(crate) fn table(self, path: config::PathMatch, action: Action) -> Table {
        let matched = config::Match { path: Some(path), ..config::Match::default() };
        let rule = config::Rule {
            matches: vec![matched],
            guards: self.rule,
            action: Some(config::rule::Action::Respond(config::Respond { status: 200, ..config::Respond::default() })),
            ..config::Rule::default()
        };
        let attachments = vec![config::Attachment { listener: "listener/n/g/l".into(), hostnames: vec![] }];
        let message = config::Route { attachments, rules: vec![rule], guards: self.route, ..config::Route::default() };
        let route = Route::try_from(&message).unwrap();
        let limiters = Registry::new(1024, Arc::default());
        let rule = Arc::new(Rule {
            route: "route/test".into(),
            name: "".into(),
            client_address: route.client_address.clone(),
            guards: route.rules[0].guards.as_ref().map(|guards| Guards::join(guards, &limiters)),
            token: None,
            filters: Filters::default(),
            action,
            passages: Box::default(),
        });
        let guards = route.guards.as_ref().map(|guards| Guards::join(guards, &limiters));
        let unmatched = Arc::new(Unmatched { route: "route/test".into(), client_address: None, guards });
        let mut table = Table::builder();
        for candidate in route.candidates("listener/n/g/l", &HostPattern::Any, |_| Some(Arc::clone(&rule))) {
            table.candidate(candidate);
        }
        for unmatched in route.unmatched("listener/n/g/l", &HostPattern::Any, unmatched) {
            table.unmatched(unmatched);
        }
        table.build()
    }
}

/// The path `path` and those below.
pub(crate) fn below(path: &str) -> config::PathMatch {
    config::PathMatch { kind: Some(config::path_match::Kind::Prefix(path.into())) }
}
