//! What is done with the requests of a rule.

use backstay_model::route::{Candidate, PathMatch};
use backstay_model::{Action, Rule};
use envoy_types::pb::envoy::config::route::v3 as pb;

use super::answer::{instead, redirect, respond};
use super::edits::edits;
use super::matching::{Matching, matching};
use super::{Named, Routing};
use crate::omission::Omissions;

/// The answer of Envoys to requests of rules that they are not given.
pub(super) const NOT_GIVEN: u16 = 501;
/// What it says.
pub(super) const NOT_GIVEN_BODY: &str = "this rule is not served by this proxy";

/// A match of a rule, on its way to become routes.
pub(super) struct Matched<'m> {
    pub(super) name: String,
    pub(super) index: usize,
    pub(super) rule: &'m Rule,
    pub(super) condition: pb::RouteMatch,
    /// The prefix, of a match by one.
    pub(super) prefix: Option<&'m str>,
}

impl<'a> Routing<'a> {
    /// The routes of a match of a rule, to be tried in this order.
    pub(super) fn routes(&mut self, candidate: &Candidate<Named<'a>>) -> Vec<pb::Route> {
        let (route, of, index) = candidate.rule;
        let Some(rule) = of.rules.get(index) else { return Vec::new() };
        let Matching { condition, missing } = matching(&candidate.matcher);
        let mut omissions = Omissions::of(route);
        let prefix = match &candidate.matcher.path {
            PathMatch::Prefix(prefix) => Some(&**prefix),
            _ => None,
        };
        let name = format!("{route}/{index}");
        let matched = Matched { name, index, rule, condition, prefix };
        let obstacle = obstacle(rule);
        for (field, why) in &missing {
            let position = candidate.order.position;
            omissions.left_out(format!("rules[{index}].matches[{position}].{field}"), *why);
        }
        if let Some((field, why)) = obstacle {
            omissions.left_out(format!("rules[{index}]{field}"), why);
        }
        // Whatever matches too much must let nobody in, nor on to a rule that would.
        let routes = if missing.is_empty() && obstacle.is_none() {
            self.act(&matched, &mut omissions)
        } else {
            vec![matched.not_given()]
        };
        self.omissions.extend(omissions.into_vec());
        routes
    }

    fn act(&mut self, matched: &Matched<'_>, omissions: &mut Omissions<'_>) -> Vec<pb::Route> {
        let (action, headers) = match &matched.rule.action {
            Action::Forward(forward) => return self.forward(matched, forward, omissions),
            Action::Redirect(to) => (redirect(to, self.port, matched.prefix), Vec::new()),
            Action::Respond(answer) => {
                self.longest_body = self.longest_body.max(answer.body.len());
                if answer.reason.is_some() {
                    let field = format!("rules[{}].respond.reason", matched.index);
                    omissions.approximate(field, "is not sent: Envoy's answers have the phrase of their status");
                }
                match respond(answer) {
                    Some(parts) => parts,
                    None => return vec![matched.uneditable(omissions)],
                }
            }
            Action::Sequence(_) | Action::Compose(_) | Action::Echo(_) => return vec![matched.not_given()],
        };
        let Some(response) = edits(matched.rule.filters.response_headers.iter()) else {
            return vec![matched.uneditable(omissions)];
        };
        vec![pb::Route {
            name: matched.name.clone(),
            r#match: Some(matched.condition.clone()),
            response_headers_to_add: headers.into_iter().chain(response.add).collect(),
            response_headers_to_remove: response.remove,
            action: Some(action),
            ..Default::default()
        }]
    }
}

impl Matched<'_> {
    /// Says that the rule is not served.
    pub(super) fn not_given(&self) -> pb::Route {
        pb::Route { name: self.name.clone(), ..instead(self.condition.clone(), NOT_GIVEN, NOT_GIVEN_BODY) }
    }

    /// The same, of a rule with edits that Envoy does not make.
    pub(super) fn uneditable(&self, omissions: &mut Omissions<'_>) -> pb::Route {
        let why = "changes the host by a header, or has a value that is not UTF-8: Envoy does neither";
        omissions.left_out(format!("rules[{}].filters", self.index), why);
        self.not_given()
    }
}

/// Why Envoy cannot serve a rule at all: the field, and what is wrong with it.
fn obstacle(rule: &Rule) -> Option<(&'static str, &'static str)> {
    if rule.guards.is_some() {
        return Some((".guards", "are what requests have to pass, and Envoy is not given them"));
    }
    match rule.action {
        Action::Sequence(_) => Some(("", "is a sequence of steps, which Envoy cannot go through")),
        Action::Compose(_) => Some(("", "makes one answer of those of several backends, which Envoy cannot")),
        Action::Echo(_) => Some(("", "answers with the request itself, which Envoy cannot")),
        Action::Forward(_) | Action::Redirect(_) | Action::Respond(_) => None,
    }
}
