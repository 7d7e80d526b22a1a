//! What KrakenD's router answers itself: health, debug and echo, `OPTIONS`, and what no endpoint takes.

use std::collections::BTreeMap;

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::operation::Kind as Operation;
use backstay_proto::config::path_match::Kind as PathKind;
use backstay_proto::config::rule::Action;
use backstay_proto::config::variable::{Kind as Variable, Part};

use super::Product;
use super::endpoint::template;
use crate::plan::{Endpoint, Method, RoutePath, RouteSegment, Router};

/// The header that tells whether all parts of a response arrived.
pub(super) const COMPLETED: &str = "X-Krakend-Completed";
/// The header that tells the version.
const VERSION: &str = "X-Krakend";
const JSON: &str = "application/json; charset=utf-8";
/// After all endpoints: what is here conflicts with none of them.
const PRECEDENCE: u64 = 2 << 40;

/// How the router shows itself.
pub(super) struct Manners<'a> {
    pub(super) product: &'a Product,
    pub(super) router: &'a Router,
    /// `/__debug` answers whatever the configuration says.
    pub(super) debug: bool,
}

impl Manners<'_> {
    /// The header that tells the version.
    pub(super) fn version(&self) -> config::ResponseField {
        let version = if self.router.hide_version_header { "undefined" } else { &self.product.version };
        field(VERSION, &format!("Version {version}"))
    }

    /// The answer to what no endpoint takes.
    fn refusal(&self, status: u16, text: &str) -> config::Respond {
        let body = self.router.error_bodies.iter().find(|(of, _)| *of == status).map(|(_, body)| body);
        config::Respond {
            status: status.into(),
            body: body.cloned().unwrap_or_else(|| text.to_owned()),
            content_type: if body.is_some() { JSON } else { "text/plain" }.to_owned(),
            headers: vec![self.version(), field(COMPLETED, "false")],
            ..Default::default()
        }
    }

    /// The manners towards what no endpoint takes.
    pub(super) fn unmatched(&self) -> config::Unmatched {
        let not_allowed =
            (!self.router.disable_handle_method_not_allowed).then(|| self.refusal(405, "405 method not allowed"));
        config::Unmatched {
            // There are rules for it, which tell the version as well.
            answer_options: false,
            redirect_trailing_slash: !self.router.disable_redirect_trailing_slash,
            redirect_cleaned: !self.router.disable_redirect_fixed_path,
            method_not_allowed: not_allowed,
            not_found: Some(self.refusal(404, "404 page not found")),
        }
    }

    /// The rules of the router's own endpoints.
    pub(super) fn rules(&self) -> Vec<config::Rule> {
        let mut rules = Vec::new();
        if let Some(path) = &self.router.health_path {
            // KrakenD's router has it before what guards all others: whoever asks for the health of a server may do so by its address.
            let guards = Some(config::Guards { apart: true, ..Default::default() });
            let health = rule("health", literal(path), "GET", Action::Sequence(health()));
            rules.push(config::Rule { guards, ..health });
        }
        if self.router.debug_endpoint || self.debug {
            let pong = json(r#"{"message":"pong"}"#);
            rules.push(rule("debug", prefix("/__debug"), "", Action::Respond(pong)));
        }
        if self.router.echo_endpoint {
            rules.push(rule("echo", prefix("/__echo"), "", Action::Echo(config::Echo::default())));
        }
        rules
    }

    /// `OPTIONS` for the paths of endpoints, with their methods.
    pub(super) fn options(&self, endpoints: &[Endpoint], precedences: &[u64]) -> Vec<config::Rule> {
        if !self.router.auto_options {
            return Vec::new();
        }
        let mut paths: BTreeMap<&str, (u64, &RoutePath, Vec<Method>)> = BTreeMap::new();
        for (endpoint, precedence) in endpoints.iter().zip(precedences) {
            let path = &endpoint.path;
            let entry = paths.entry(&path.pattern).or_insert_with(|| (*precedence, path, Vec::new()));
            entry.2.push(endpoint.method);
        }
        let rule = |(precedence, path, methods): (u64, &RoutePath, Vec<Method>)| {
            let mut methods: Vec<_> = methods.into_iter().map(Method::as_str).collect();
            methods.sort_unstable();
            let headers = vec![field("Allow", &methods.join(", ")), self.version()];
            let respond = config::Respond { status: 200, headers, ..Default::default() };
            let name = format!("OPTIONS {}", path.pattern);
            let path = template(path, self.router.disable_path_decoding);
            config::Rule {
                matches: vec![matching(precedence, path, "OPTIONS")],
                ..self::rule(&name, config::PathMatch::default(), "OPTIONS", Action::Respond(respond))
            }
        };
        paths.into_values().map(rule).collect()
    }
}

fn field(name: &str, value: &str) -> config::ResponseField {
    config::ResponseField { name: name.to_owned(), value: value.to_owned() }
}

fn rule(name: &str, path: config::PathMatch, method: &str, action: Action) -> config::Rule {
    config::Rule {
        name: name.to_owned(),
        matches: vec![matching(PRECEDENCE, path, method)],
        action: Some(action),
        ..Default::default()
    }
}

fn matching(precedence: u64, path: config::PathMatch, method: &str) -> config::Match {
    config::Match { precedence, path: Some(path), method: method.to_owned(), ..Default::default() }
}

/// A path without variables, matched as those of endpoints are.
fn literal(path: &str) -> config::PathMatch {
    let segments = path.split('/').skip(1);
    let segments = segments.map(|text| RouteSegment { literal: text.to_owned(), variable: None }).collect();
    template(&RoutePath { pattern: path.to_owned(), segments }, true)
}

fn prefix(path: &str) -> config::PathMatch {
    config::PathMatch { kind: Some(PathKind::Prefix(path.to_owned())) }
}

fn json(body: &str) -> config::Respond {
    config::Respond { status: 200, body: body.to_owned(), content_type: JSON.to_owned(), ..Default::default() }
}

/// What a proxy that can answer is: well. There are no agents that could be otherwise. What is computed is a step of a sequence.
fn health() -> config::Sequence {
    let text = |text: &str| config::Expression { kind: Some(Expression::Text(text.to_owned())) };
    let now = Expression::Variable(config::Variable { kind: Some(Variable::Part(Part::Now.into())) });
    let operands =
        vec![text(r#"{"agents":{},"now":""#), config::Expression { kind: Some(now) }, text(r#"","status":"ok"}"#)];
    let body = config::Expression { kind: Some(Expression::Concatenation(config::Expressions { operands })) };
    let respond = config::Respond { computed_body: Some(body), ..json("") };
    let operation = config::Operation { kind: Some(Operation::Respond(respond)) };
    let step = config::Step { when: None, operations: vec![operation] };
    config::Sequence { steps: vec![step], ..Default::default() }
}
