//! Conditions on requests.

use backstay_model::route::{HeaderMatch, Matcher, PathMatch, QueryMatch, ValueMatch};
use envoy_types::pb::envoy::config::route::v3 as pb;
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use pb::header_matcher::HeaderMatchSpecifier;
use pb::query_parameter_matcher::QueryParameterMatchSpecifier;
use pb::route_match::PathSpecifier;

use crate::regex::portable;
use crate::wire::{exactly, expression, regex};

/// Conditions as Envoy has them.
pub(super) struct Matching {
    pub(super) condition: pb::RouteMatch,
    /// Conditions that Envoy does not have, by field and why. Without them more requests match than are meant.
    pub(super) missing: Vec<(String, &'static str)>,
}

pub(super) fn matching(matcher: &Matcher) -> Matching {
    let mut missing = Vec::new();
    let mut miss = |field: String, why| {
        missing.push((field, why));
        None
    };
    let path = match &matcher.path {
        PathMatch::Exact(path) => Some(PathSpecifier::Path(path.to_string())),
        PathMatch::Prefix(prefix) => match prefix.trim_end_matches('/') {
            "" => None,
            prefix => Some(PathSpecifier::PathSeparatedPrefix(prefix.to_owned())),
        },
        PathMatch::Regex(path) => match portable(path.as_str()) {
            Ok(path) => Some(PathSpecifier::SafeRegex(regex(&path))),
            Err(why) => miss("path".to_owned(), why),
        },
        PathMatch::Template(_) => miss("path".to_owned(), "has variables of decoded paths, which Envoy does not have"),
    };
    let method = matcher.method.as_ref().map(|method| header(":method", exactly(method.as_str())));
    let mut headers: Vec<pb::HeaderMatcher> = method.into_iter().collect();
    for (index, HeaderMatch { name, value }) in matcher.headers.iter().enumerate() {
        // Envoy knows the host of a request by the name that HTTP/2 has for it.
        let name = if name == http::header::HOST { ":authority" } else { name.as_str() };
        match text(value) {
            Ok(text) => headers.push(header(name, text)),
            Err(why) => drop(miss(format!("headers[{index}]"), why)),
        }
    }
    let mut query_parameters = Vec::new();
    for (index, QueryMatch { name, value }) in matcher.query.iter().enumerate() {
        match text(value) {
            Ok(text) => query_parameters.push(pb::QueryParameterMatcher {
                name: name.to_string(),
                query_parameter_match_specifier: Some(QueryParameterMatchSpecifier::StringMatch(text)),
            }),
            Err(why) => drop(miss(format!("query[{index}]"), why)),
        }
    }
    let condition = pb::RouteMatch {
        path_specifier: Some(path.unwrap_or_else(|| PathSpecifier::Prefix("/".to_owned()))),
        headers,
        query_parameters,
        ..Default::default()
    };
    Matching { condition, missing }
}

pub(super) fn header(name: &str, text: StringMatcher) -> pb::HeaderMatcher {
    pb::HeaderMatcher {
        name: name.to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(text)),
        ..Default::default()
    }
}

fn text(value: &ValueMatch) -> Result<StringMatcher, &'static str> {
    match value {
        ValueMatch::Exact(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(exactly(text)),
            Err(_) => Err("is not UTF-8, which Envoy's conditions are"),
        },
        ValueMatch::Regex(regex) => portable(regex.as_str()).map(|regex| expression(&regex)),
    }
}
