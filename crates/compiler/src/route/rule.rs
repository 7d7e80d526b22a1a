//! Rules: matches, filters and what becomes of a request.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_proto::config::filter::Kind;
use backstay_proto::config::respond::InsteadOf;
use backstay_proto::config::rule::Action;
use backstay_proto::config::weighted_backend::Target;
use backstay_resources::gateway::{HttpRouteMatch, HttpRouteRule, HttpRouteTimeouts};

use super::filter::{FilterFault, Filters, Place, filters, of_forwarding};
use super::matching::{by_prefix, matching, preflight};
use super::reference::{BackendState, RefFault, Reference, resolve};
use crate::backend::duration;

/// What rules are compiled with.
pub(crate) struct Scope<'a> {
    /// What there is of Backends.
    pub(crate) backends: &'a dyn Fn(&str) -> BackendState,
    /// Limit of each regular expression.
    pub(crate) regex_bytes: usize,
}

/// A rule that cannot be honoured, or not whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuleFault {
    /// Reason of the conditions.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// References that could not be honoured, as they come to light.
#[derive(Debug, Default)]
pub(super) struct Found {
    faults: Vec<RefFault>,
}

/// All rules of a route.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) compiled: Vec<config::Rule>,
    /// Names of the Backends that they send requests to.
    pub(crate) backends: BTreeSet<Arc<str>>,
    /// References that cannot be honoured.
    pub(crate) ref_faults: Vec<RefFault>,
    pub(crate) faults: Vec<RuleFault>,
    /// Fields that rules are served without.
    pub(crate) left: Vec<String>,
    /// Whether any rule, or a part of one, does what the user asked for.
    pub(crate) any_sound: bool,
}

impl Found {
    /// Keeps what a reference resolved to, or why it did not.
    pub(super) fn collect(&mut self, resolved: Result<config::BackendRef, RefFault>) -> Option<config::BackendRef> {
        match resolved {
            Ok(backend) => Some(backend),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }
}

/// Compiles all rules. A route without rules has one that matches everything.
pub(crate) fn rules(wanted: &[HttpRouteRule], scope: &Scope<'_>) -> Rules {
    let default = [HttpRouteRule::default()];
    let wanted = if wanted.is_empty() { &default[..] } else { wanted };
    let mut rules = Rules::default();
    let mut found = Found::default();
    for (index, wanted) in wanted.iter().enumerate() {
        rule(wanted, index, scope, &mut found, &mut rules);
    }
    rules.backends = rules.compiled.iter().flat_map(backends).collect();
    rules.ref_faults = found.faults;
    rules
}

fn rule(wanted: &HttpRouteRule, index: usize, scope: &Scope<'_>, found: &mut Found, rules: &mut Rules) {
    rules.left.extend(wanted.unhonoured().into_iter().map(|it| format!("rules[{index}].{}", it.field)));
    let default = [HttpRouteMatch::default()];
    let wanted_matches = if wanted.matches.is_empty() { &default[..] } else { &wanted.matches };
    let mut matches = Vec::new();
    for (position, wanted) in wanted_matches.iter().enumerate() {
        match matching(wanted, scope.regex_bytes) {
            Ok(compiled) => matches.push(compiled),
            Err(message) => {
                let message = format!("rules[{index}].matches[{position}] matches nothing: {message}");
                rules.faults.push(RuleFault { reason: "UnsupportedValue", message });
            }
        }
    }
    if matches.is_empty() {
        return;
    }
    let prefixes = matches.iter().all(by_prefix);
    let (Filters { changes, cors, .. }, action) = match filters_and_action(wanted, index, prefixes, scope, found) {
        Ok(both) => {
            rules.any_sound = true;
            both
        }
        Err(fault) => {
            let message = format!("rules[{index}] answers with 500: {fault}");
            rules.faults.push(RuleFault { reason: fault.reason(), message });
            (Filters::default(), Action::Respond(failure(InsteadOf::RefusedRule)))
        }
    };
    let name = wanted.name.clone().unwrap_or_default();
    if cors.is_some() {
        let preflights: Vec<_> = matches.iter().filter_map(preflight).collect();
        matches.extend(preflights);
    }
    let guards = cors.map(|cors| config::Guards { cors: Some(cors), ..config::Guards::default() });
    rules.compiled.push(config::Rule { name, matches, filters: changes, action: Some(action), guards });
}

/// Gateway API: what cannot be sent anywhere is answered with 500.
fn failure(of: InsteadOf) -> config::Respond {
    config::Respond { status: 500, instead_of: of.into(), ..config::Respond::default() }
}

fn filters_and_action(
    wanted: &HttpRouteRule,
    index: usize,
    by_prefix: bool,
    scope: &Scope<'_>,
    found: &mut Found,
) -> Result<(Filters, Action), FilterFault> {
    let at = format!("rules[{index}].filters");
    let place = Place { at: &at, by_prefix, of_backend: false };
    let mut compiled = filters(&wanted.filters, place, scope, found)?;
    let action = match compiled.redirect.take() {
        Some(_) if !wanted.backend_refs.is_empty() => {
            let message = "filter RequestRedirect and backendRefs cannot be combined";
            return Err(FilterFault::Value(message.to_owned()));
        }
        Some(redirect) => Action::Redirect(redirect),
        None if wanted.backend_refs.is_empty() => match of_forwarding(&wanted.filters) {
            Some(kind) => return Err(FilterFault::NothingToForward(kind)),
            None => Action::Respond(failure(InsteadOf::NoBackend)),
        },
        None => forward(wanted, index, by_prefix, scope, found)?,
    };
    Ok((compiled, action))
}

fn forward(
    wanted: &HttpRouteRule,
    index: usize,
    by_prefix: bool,
    scope: &Scope<'_>,
    found: &mut Found,
) -> Result<Action, FilterFault> {
    let mut backends = Vec::new();
    let mut serves = false;
    for (position, reference) in wanted.backend_refs.iter().enumerate() {
        let at = format!("rules[{index}].backendRefs[{position}]");
        let weight = u32::try_from(reference.weight.unwrap_or(1))
            .map_err(|_| FilterFault::Value(format!("{at}: a weight is at least 0")))?;
        let filters_at = format!("{at}.filters");
        let place = Place { at: &filters_at, by_prefix, of_backend: true };
        let Filters { changes, .. } = filters(&reference.filters, place, scope, found)?;
        let resolved = found.collect(resolve(Reference::from(reference), &at, scope.backends));
        serves |= resolved.is_some() && weight > 0;
        let (target, filters) = match resolved {
            Some(backend) => (Target::Backend(backend), changes),
            None => (Target::Respond(failure(InsteadOf::UnresolvedBackend)), Vec::new()),
        };
        backends.push(config::WeightedBackend { weight, target: Some(target), filters });
    }
    if !serves {
        let unresolved = backends.iter().any(|backend| matches!(backend.target, Some(Target::Respond(_))));
        let of = if unresolved { InsteadOf::UnresolvedBackend } else { InsteadOf::NoBackend };
        return Ok(Action::Respond(failure(of)));
    }
    let (request_timeout, backend_request_timeout) = timeouts(wanted.timeouts.as_ref())?;
    Ok(Action::Forward(config::Forward { backends, request_timeout, backend_request_timeout }))
}

/// Names of the Backends that a compiled rule sends requests to.
fn backends(rule: &config::Rule) -> BTreeSet<Arc<str>> {
    fn mirrors(filters: &[config::Filter]) -> impl Iterator<Item = &config::BackendRef> {
        filters.iter().filter_map(|filter| match &filter.kind {
            Some(Kind::Mirror(mirror)) => mirror.backend.as_ref(),
            _ => None,
        })
    }
    let mut references: Vec<_> = mirrors(&rule.filters).collect();
    if let Some(Action::Forward(forward)) = &rule.action {
        for weighted in &forward.backends {
            references.extend(mirrors(&weighted.filters));
            if let Some(Target::Backend(backend)) = &weighted.target {
                references.push(backend);
            }
        }
    }
    let names = references.into_iter().filter_map(|reference| ResourceName::backend(&reference.backend));
    names.map(Arc::from).collect()
}

type Span = Option<prost_types::Duration>;

fn timeouts(wanted: Option<&HttpRouteTimeouts>) -> Result<(Span, Span), FilterFault> {
    let Some(HttpRouteTimeouts { request, backend_request }) = wanted else { return Ok((None, None)) };
    if let (Some(whole), Some(attempt)) = (request, backend_request)
        && !whole.0.is_zero()
        && attempt > whole
    {
        let message = format!("timeouts.backendRequest ({attempt}) is longer than timeouts.request ({whole})");
        return Err(FilterFault::Value(message));
    }
    Ok((request.map(|span| duration(span.0)), backend_request.map(|span| duration(span.0))))
}
