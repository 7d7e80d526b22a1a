//! Source: Gateway API v1.7, the limits and rules of its published schema for HTTPRoute. What is well formed and cannot
//! be honoured (a reference to nothing, a filter that Backstay does not have) is for the status to say.

mod cors;
mod filters;
mod matches;
mod parents;
mod retry;
mod timeouts;

use std::collections::HashSet;

use super::super::APOXY_GROUP;
use super::super::reference::MAX_NAME;
use super::{HttpBackendRef, HttpRoute, HttpRouteRule, PathMatchType};
use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;
use crate::object::Object;

const MAX_HOSTNAMES: usize = 16;
const MAX_RULES: usize = 16;
const MAX_MATCHES: usize = 64;
/// Matches of all rules together.
const MAX_ALL_MATCHES: usize = 128;
/// Regular expressions of all rules together. Each may take a millisecond to compile, here and in every proxy.
const MAX_EXPRESSIONS: usize = 256;
const MAX_BACKENDS: usize = 16;
const MAX_WEIGHT: i32 = 1_000_000;

/// Finds everything wrong with an HTTPRoute.
pub(in crate::gateway) fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let route: HttpRoute = match typed(new) {
        Ok(route) => route,
        Err(errors) => return errors,
    };
    let path = FieldPath::new("spec");
    let mut findings = Findings::default();
    parents::check(&route.spec.parent_refs, &path.child("parentRefs"), &mut findings);
    let hostnames = path.child("hostnames");
    if findings.most(&hostnames, route.spec.hostnames.len(), MAX_HOSTNAMES) {
        // Apoxy's own manifests have it; the Gateway API says the same by leaving hostnames out.
        let any_host = |hostname: &str| hostname == "*" && new.group() == APOXY_GROUP;
        for (index, hostname) in route.spec.hostnames.iter().enumerate().filter(|(_, it)| !any_host(it)) {
            findings.each(&hostnames.index(index), hostname, name::hostname(hostname));
        }
    }
    rules(&route.spec.rules, &path.child("rules"), &mut findings);
    timeouts::check(new, &mut findings);
    findings.finish()
}

fn rules(rules: &[HttpRouteRule], path: &FieldPath, findings: &mut Findings) {
    if rules.is_empty() {
        findings.required(path, "at least one rule; leave it out for one that matches everything");
    }
    if !findings.most(path, rules.len(), MAX_RULES) {
        return;
    }
    let all: usize = rules.iter().map(|rule| rule.matches.len()).sum();
    if all > MAX_ALL_MATCHES {
        let detail = format!("all rules together must have at most {MAX_ALL_MATCHES} matches");
        findings.add(FieldError::invalid(path.clone(), all, &detail));
    }
    let expressions: usize = rules.iter().flat_map(|rule| &rule.matches).map(matches::expressions).sum();
    if expressions > MAX_EXPRESSIONS {
        let detail = format!("all rules together must have at most {MAX_EXPRESSIONS} regular expressions");
        findings.add(FieldError::invalid(path.clone(), expressions, &detail));
        return;
    }
    let mut names = HashSet::new();
    for (index, given) in rules.iter().enumerate() {
        let path = path.index(index);
        if let Some(name) = &given.name {
            findings.each(&path.child("name"), name, name::subdomain(name));
            if !names.insert(name) {
                findings.add(FieldError::duplicate(path.child("name"), name));
            }
        }
        rule(given, &path, findings);
    }
}

fn rule(rule: &HttpRouteRule, path: &FieldPath, findings: &mut Findings) {
    if findings.most(&path.child("matches"), rule.matches.len(), MAX_MATCHES) {
        for (index, given) in rule.matches.iter().enumerate() {
            matches::check(given, &path.child("matches").index(index), findings);
        }
    }
    // Only then is it known which prefix is replaced.
    let one_prefix = match rule.matches.as_slice() {
        [only] => only.path.as_ref().is_none_or(|path| path.kind.unwrap_or_default() == PathMatchType::PathPrefix),
        _ => false,
    };
    filters::check(&rule.filters, one_prefix, &path.child("filters"), findings);
    if let Some(given) = &rule.retry {
        retry::check(given, &path.child("retry"), findings);
    }
    if let Some(given) = &rule.session_persistence {
        retry::check_session(given, &path.child("sessionPersistence"), findings);
    }
    let redirects = rule.filters.iter().any(|filter| filter.request_redirect.is_some());
    if redirects && !rule.backend_refs.is_empty() {
        let detail = "must not be used together with a RequestRedirect filter, which answers by itself";
        findings.forbidden(&path.child("backendRefs"), detail);
    }
    if findings.most(&path.child("backendRefs"), rule.backend_refs.len(), MAX_BACKENDS) {
        for (index, given) in rule.backend_refs.iter().enumerate() {
            backend(given, one_prefix, &path.child("backendRefs").index(index), findings);
        }
    }
}

fn backend(backend: &HttpBackendRef, one_prefix: bool, path: &FieldPath, findings: &mut Findings) {
    findings.text(&path.child("name"), &backend.name, MAX_NAME);
    if let Some(namespace) = &backend.namespace {
        findings.each(&path.child("namespace"), namespace, name::label(namespace));
    }
    if let Some(port) = backend.port {
        findings.port(&path.child("port"), port);
    }
    if let Some(weight) = backend.weight {
        findings.within(&path.child("weight"), weight, &(0..=MAX_WEIGHT));
    }
    filters::check(&backend.filters, one_prefix, &path.child("filters"), findings);
}
