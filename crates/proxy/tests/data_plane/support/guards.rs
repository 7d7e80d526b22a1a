//! Routes with guards, as the control plane sends them.

use std::sync::Arc;

use backstay_limiter::Registry;
use backstay_model::{HostPattern, Route};
use backstay_proto::config;
use backstay_proxy::config::{Action, Edits, Guards, Rule, Unmatched};
use backstay_proxy::route::Table;

/// A route with a rule for some paths, and guards of both.
#[derive(Default)]
pub(crate) struct Guarded {
    pub(crate) route: Option<config::Guards>,
    pub(crate) rule: Option<config::Guards>,
    /// Whom requests are from, where others say so.
    pub(crate) client_address: Option<config::ClientAddress>,
    /// What becomes of requests that the rule does not match.
    pub(crate) unmatched: Option<config::Unmatched>,
}

impl Guarded {
    /// The guards of a whole route.
    pub(crate) fn route(guards: config::Guards) -> Self {
        Self { route: Some(guards), ..Self::default() }
    }

    /// The guards of one rule.
    pub(crate) fn rule(guards: config::Guards) -> Self {
        Self { rule: Some(guards), ..Self::default() }
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
        let message = config::Route {
            attachments,
            rules: vec![rule],
            guards: self.route,
            client_address: self.client_address,
            unmatched: self.unmatched,
            ..config::Route::default()
        };
        let route = Route::try_from(&message).unwrap();
        let limiters = Registry::new(1024, Arc::default());
        let rule = Arc::new(Rule {
            route: "route/test".into(),
            name: "".into(),
            client_address: route.client_address.clone(),
            guards: route.rules[0].guards.as_ref().map(|guards| Guards::join(guards, &limiters)),
            token: None,
            filters: Edits::default(),
            calls: action.calls().map(|_| Arc::default()).collect(),
            action,
            passages: Box::default(),
        });
        let guards = route.guards.as_ref().map(|guards| Guards::join(guards, &limiters));
        let (client_address, manners) = (route.client_address.clone(), route.manners.clone());
        let unmatched = Arc::new(Unmatched { route: "route/test".into(), client_address, guards, manners });
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

/// The path `path` with one variable at its end.
pub(crate) fn template(path: &str, variable: &str) -> config::PathMatch {
    let literal = |text: &str| config::path_template::Element { literal: text.to_owned(), variable: String::new() };
    let mut elements: Vec<_> = path.trim_start_matches('/').split('/').map(literal).collect();
    elements.push(config::path_template::Element { literal: String::new(), variable: variable.to_owned() });
    let template = config::PathTemplate { elements, refuse_encoded_values: true };
    config::PathMatch { kind: Some(config::path_match::Kind::Template(template)) }
}
