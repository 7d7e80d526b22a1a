//! Which headers and query parameters go on.

use super::Context;
use crate::config;
use crate::place::{At, Path};
use crate::plan::{HeaderRule, QueryRule};
use crate::problem::Report;
use crate::quote::quoted;

/// The headers that an endpoint lets pass.
pub(super) fn headers(
    context: &Context<'_>,
    config: &config::Endpoint<'_>,
    path: &Path<'_>,
    method: &str,
) -> HeaderRule {
    let report = context.report;
    let path = path.key("input_headers");
    let Some(list) = config.input_headers.as_ref().filter(|list| !list.value.is_empty()) else {
        return HeaderRule::ContentType;
    };
    names(&list.value, &path, report);
    if list.value.iter().any(|name| name.value == "*") {
        return HeaderRule::All;
    }
    let names: Vec<String> = list.value.iter().map(|name| canonical(&name.value)).collect();
    let has_body = matches!(method.to_uppercase().as_str(), "POST" | "PUT" | "PATCH");
    if has_body && !names.iter().any(|name| name == "Content-Type") {
        let message = "Content-Type is not in the list, so the backend is not told what the body is: the list takes the place of \
                       the default, which lets it pass";
        report.surprising(list.place, &path, message);
    }
    HeaderRule::Only(names)
}

fn names(list: &[At<String>], path: &Path<'_>, report: &Report) {
    for (index, name) in list.iter().enumerate() {
        let path = path.index(index);
        let text = name.value.as_str();
        if text.eq_ignore_ascii_case("host") {
            report.dropped(name.place, &path, "Host never goes on: the backend's own host takes its place");
        } else if text == "*" && list.len() > 1 {
            report.surprising(name.place, &path, "\"*\" lets every header pass, so the others in the list say nothing");
        } else if text != "*" && !is_token(text) {
            report.dropped(name.place, &path, format!("{} is no name of a header and never matches", quoted(text)));
        }
    }
}

/// The query parameters that an endpoint lets pass.
pub(super) fn query(context: &Context<'_>, config: &config::Endpoint<'_>, path: &Path<'_>) -> QueryRule {
    let path = path.key("input_query_strings");
    let list = config.input_query_strings.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
    parameters(list, &path, context.report);
    if list.iter().any(|name| name.value == "*") {
        return QueryRule::All;
    }
    QueryRule::Only(list.iter().map(|name| name.value.clone()).collect())
}

fn parameters(list: &[At<String>], path: &Path<'_>, report: &Report) {
    for (index, name) in list.iter().enumerate() {
        let text = name.value.as_str();
        if text.contains(['{', '}', '?', '&', '=']) {
            let message = format!("{} never matches: a list names parameters, such as \"page\"", quoted(text));
            report.dropped(name.place, &path.index(index), message);
        }
    }
}

/// The headers that a backend lets pass of those that reach it.
pub(super) fn backend_headers(config: &config::Backend<'_>, path: &Path<'_>, report: &Report) -> Option<Vec<String>> {
    let list = config.input_headers.as_ref().filter(|list| !list.value.is_empty())?;
    star(list, &path.key("input_headers"), report);
    let names = list.value.iter().filter(|name| !name.value.is_empty());
    Some(names.map(|name| canonical(&name.value)).collect())
}

/// The query parameters that a backend lets pass of those that reach it.
pub(super) fn backend_query(config: &config::Backend<'_>, path: &Path<'_>, report: &Report) -> Option<Vec<String>> {
    let list = config.input_query_strings.as_ref().filter(|list| !list.value.is_empty())?;
    let path = path.key("input_query_strings");
    star(list, &path, report);
    parameters(&list.value, &path, report);
    Some(list.value.iter().filter(|name| !name.value.is_empty()).map(|name| name.value.clone()).collect())
}

fn star(list: &At<Vec<At<String>>>, path: &Path<'_>, report: &Report) {
    if let Some(star) = list.value.iter().find(|name| name.value == "*") {
        let message =
            "\"*\" stands for nothing in a backend's list, so nothing passes: leave the list out to let all pass";
        report.dropped(star.place, path, message);
    }
}

/// A name as Go writes it, `X-Request-Id`: what is no name stays as it is.
pub(super) fn canonical(name: &str) -> String {
    if !is_token(name) {
        return name.to_owned();
    }
    let mut canonical = String::with_capacity(name.len());
    let mut is_first = true;
    for letter in name.chars() {
        canonical.push(if is_first { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
        is_first = letter == '-';
    }
    canonical
}

/// A token of RFC 9110, section 5.6.2.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
