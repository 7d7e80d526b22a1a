//! Matches, and which of several wins.

use backstay_proto::config;
use backstay_resources::gateway::{HttpRouteMatch, MatchType, PathMatch, PathMatchType};
use http::HeaderName;
use http::header::ACCESS_CONTROL_REQUEST_METHOD;
use regex::RegexBuilder;

/// Methods that the Gateway API knows.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Compiles a match. `regex_bytes` limits each expression.
///
/// # Errors
/// A sentence that says what to do.
pub(super) fn matching(wanted: &HttpRouteMatch, regex_bytes: usize) -> Result<config::Match, String> {
    let path = path(wanted.path.as_ref(), regex_bytes)?;
    let method = wanted.method.clone().unwrap_or_default();
    if !method.is_empty() && !METHODS.contains(&method.as_str()) {
        return Err(format!("method {method:?} is not one of {}", METHODS.join(", ")));
    }
    let mut headers: Vec<config::NamedMatch> = Vec::new();
    for header in &wanted.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| format!("{:?} is not a header name", header.name))?;
        let compiled = named("header", name.as_str().to_owned(), header.kind, &header.value, regex_bytes)?;
        // Of several entries for one name the first counts: Gateway API, HTTPHeaderMatch.
        if !headers.iter().any(|earlier| earlier.name == compiled.name) {
            headers.push(compiled);
        }
    }
    let mut query: Vec<config::NamedMatch> = Vec::new();
    for parameter in &wanted.query_params {
        let compiled = named("query parameter", parameter.name.clone(), parameter.kind, &parameter.value, regex_bytes)?;
        if !query.iter().any(|earlier| earlier.name == compiled.name) {
            query.push(compiled);
        }
    }
    let precedence = precedence(&path, !method.is_empty(), headers.len(), query.len());
    Ok(config::Match { precedence, path: Some(config::PathMatch { kind: Some(path) }), method, headers, query })
}

/// The match of preflights for requests that `of` matches by their method: browsers ask by OPTIONS whether pages may send them. They ask
/// without the headers of the request.
pub(super) fn preflight(of: &config::Match) -> Option<config::Match> {
    if of.method.is_empty() || of.method == "OPTIONS" {
        return None;
    }
    let asked = config::NamedMatch {
        name: ACCESS_CONTROL_REQUEST_METHOD.as_str().to_owned(),
        kind: Some(config::named_match::Kind::Exact(of.method.clone())),
    };
    Some(config::Match { method: "OPTIONS".to_owned(), headers: vec![asked], ..of.clone() })
}

/// Whether a match is by path prefix, so that the prefix can be replaced.
pub(super) fn by_prefix(compiled: &config::Match) -> bool {
    let path = compiled.path.as_ref().and_then(|path| path.kind.as_ref());
    matches!(path, Some(config::path_match::Kind::Prefix(_)))
}

/// The precedence of the Gateway API as one number: an exact path before a longer prefix before a method before more
/// headers before more query parameters. Each count has its own bits and is capped where they end.
///
/// Regular expressions, which the Gateway API leaves to implementations, stand between exact paths and prefixes, the
/// longer expression first, as in Envoy Gateway: who writes one wants an exception from a prefix.
fn precedence(path: &config::path_match::Kind, method: bool, headers: usize, query: usize) -> u64 {
    let capped = |count: usize, bits: u32| u64::try_from(count).unwrap_or(u64::MAX).min((1 << bits) - 1);
    let (class, length) = match path {
        config::path_match::Kind::Exact(path) => (3, path.len()),
        config::path_match::Kind::Regex(path) => (2, path.len()),
        // As specific as a regular expression: it is one of another notation.
        config::path_match::Kind::Template(template) => (2, template.elements.len()),
        config::path_match::Kind::Prefix(path) => (1, path.len()),
    };
    class << 40 | capped(length, 16) << 24 | u64::from(method) << 16 | capped(headers, 8) << 8 | capped(query, 8)
}

fn path(wanted: Option<&PathMatch>, regex_bytes: usize) -> Result<config::path_match::Kind, String> {
    let kind = wanted.and_then(|path| path.kind).unwrap_or_default();
    let value = wanted.and_then(|path| path.value.as_deref()).unwrap_or("/");
    if kind == PathMatchType::RegularExpression {
        check_regex("path", value, regex_bytes)?;
        return Ok(config::path_match::Kind::Regex(value.to_owned()));
    }
    if !value.starts_with('/') {
        return Err(format!("path {value:?} must begin with /"));
    }
    Ok(match kind {
        PathMatchType::Exact => config::path_match::Kind::Exact(value.to_owned()),
        _ => config::path_match::Kind::Prefix(without_trailing_slash(value).to_owned()),
    })
}

/// A prefix says the same with and without a slash at its end; without it, equal prefixes are equally long.
pub(super) fn without_trailing_slash(prefix: &str) -> &str {
    match prefix.trim_end_matches('/') {
        "" => "/",
        trimmed => trimmed,
    }
}

fn named(
    what: &str,
    name: String,
    kind: Option<MatchType>,
    value: &str,
    regex_bytes: usize,
) -> Result<config::NamedMatch, String> {
    if name.is_empty() {
        return Err(format!("a {what} match has no name"));
    }
    let kind = match kind.unwrap_or_default() {
        MatchType::Exact => config::named_match::Kind::Exact(value.to_owned()),
        MatchType::RegularExpression => {
            check_regex(&format!("{what} {name}"), value, regex_bytes)?;
            config::named_match::Kind::Regex(value.to_owned())
        }
    };
    Ok(config::NamedMatch { name, kind: Some(kind) })
}

/// Compiles the expression, and then as a proxy does, for the whole value. Alone it must be one too: `a)|(b` is not.
fn check_regex(what: &str, expression: &str, regex_bytes: usize) -> Result<(), String> {
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(regex_bytes).build();
    let whole = || {
        // The newline ends a comment that the expression may leave open in extended mode.
        build(&format!(r"\A(?:{expression})\z")).or_else(|_| build(&format!("\\A(?:{expression}\n)\\z")))
    };
    build(expression).and_then(|_| whole()).map(|_| ()).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("{what}: the regular expression needs more than {limit} bytes; make it simpler")
        }
        // The last line says what is wrong; those before it draw the place.
        other => {
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("{what}: {expression:?} is not a regular expression: {reason}")
        }
    })
}
