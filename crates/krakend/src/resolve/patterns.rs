//! Variables of paths, as KrakenD finds and checks them.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::plan::{RoutePath, RouteSegment, UrlPart, UrlPattern};

/// The expressions are KrakenD's, because what they find and do not find decides which variables there are.
struct Expressions {
    forbidden: Regex,
    in_endpoint: Regex,
    anywhere: Regex,
    exempt: Regex,
    response: Regex,
}

/// `None` is never seen: they are constant.
static EXPRESSIONS: LazyLock<Option<Expressions>> = LazyLock::new(|| {
    Some(Expressions {
        forbidden: Regex::new(r"\*.|/__(debug|echo|health)(/.*)?$").ok()?,
        in_endpoint: Regex::new(r"/\{([a-zA-Z\-_0-9]+)\}").ok()?,
        anywhere: Regex::new(r"\{([0-9A-Za-z_\-\.:/]+)\}").ok()?,
        exempt: Regex::new(r"^(resp[0-9]+_.+)?(JWT\.([0-9A-Za-z_\-\.:/]+))?$").ok()?,
        response: Regex::new(r"^resp([0-9]+)_([0-9A-Za-z_\-\.]+)$").ok()?,
    })
});

/// How variables are found in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patterns {
    /// After a slash.
    Strict,
    /// Anywhere, with `disable_rest`.
    Loose,
}

/// Why the variables of a URL cannot be filled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// There are more than the endpoint has.
    Count {
        /// All of the URL's, sorted.
        output: Vec<String>,
    },
    /// One is not the endpoint's.
    Unknown {
        /// Which.
        name: String,
        /// All of the URL's, sorted.
        output: Vec<String>,
    },
}

impl Patterns {
    /// Whether no endpoint may have this path.
    pub(super) fn forbids(path: &str) -> bool {
        EXPRESSIONS.as_ref().is_some_and(|known| known.forbidden.is_match(path))
    }

    /// The variables of an endpoint's path, in its order.
    pub(super) fn of_endpoint(self, path: &str) -> Vec<String> {
        let expression = EXPRESSIONS.as_ref().map(|known| match self {
            Self::Strict => &known.in_endpoint,
            Self::Loose => &known.anywhere,
        });
        found(expression, path)
    }

    /// All that looks like a variable.
    pub(super) fn of_url(url: &str) -> Vec<String> {
        found(EXPRESSIONS.as_ref().map(|known| &known.anywhere), url)
    }

    /// Whether a variable of a URL is none of the endpoint's: a field of an earlier answer, or a claim.
    fn is_exempt(name: &str) -> bool {
        EXPRESSIONS.as_ref().is_some_and(|known| known.exempt.is_match(name))
    }

    /// KrakenD's check of the variables of a URL against those of the endpoint.
    pub(super) fn check(url: &str, input: &BTreeSet<String>) -> Result<(), Unfilled> {
        let names: BTreeSet<String> = Self::of_url(url).into_iter().collect();
        let output: Vec<String> = names.into_iter().collect();
        // The last of them is not counted, in KrakenD neither.
        let counted = output.iter().take(output.len().saturating_sub(1)).filter(|name| !Self::is_exempt(name)).count();
        if counted > input.len() {
            return Err(Unfilled::Count { output });
        }
        match output.iter().find(|name| !Self::is_exempt(name) && !input.contains(*name)) {
            Some(name) => Err(Unfilled::Unknown { name: name.clone(), output: output.clone() }),
            None => Ok(()),
        }
    }

    /// The parts of a URL. What `route` has no variable for stays as KrakenD leaves it.
    pub(super) fn url(url: &str, route: &RoutePath) -> UrlPattern {
        let variables: HashSet<&str> = route.variables().collect();
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = 0;
        for found in EXPRESSIONS.iter().flat_map(|known| known.anywhere.find_iter(url)) {
            literal.push_str(url.get(rest..found.start()).unwrap_or_default());
            rest = found.end();
            let name = found.as_str().trim_start_matches('{').trim_end_matches('}');
            match Self::part(name, &variables) {
                Some(part) => {
                    if !literal.is_empty() {
                        parts.push(UrlPart::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(part);
                }
                None => literal.push_str(&format!("{{{{.{}}}}}", capital(name))),
            }
        }
        literal.push_str(url.get(rest..).unwrap_or_default());
        if !literal.is_empty() {
            parts.push(UrlPart::Literal(literal));
        }
        UrlPattern { parts }
    }

    fn part(name: &str, variables: &HashSet<&str>) -> Option<UrlPart> {
        let response = EXPRESSIONS.as_ref().and_then(|known| known.response.captures(name));
        if let Some(found) = response {
            let backend = found.get(1)?.as_str().parse().ok()?;
            return Some(UrlPart::Response { backend, field: found.get(2)?.as_str().to_owned() });
        }
        if let Some(claim) = name.strip_prefix("JWT.") {
            return Some(UrlPart::Claim(claim.to_owned()));
        }
        variables.contains(name).then(|| UrlPart::Variable(name.to_owned()))
    }
}

fn found(pattern: Option<&Regex>, text: &str) -> Vec<String> {
    let all = pattern.into_iter().flat_map(|pattern| pattern.captures_iter(text));
    all.filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
}

/// KrakenD keeps parameters by names that begin with a capital letter.
fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str())).unwrap_or_default()
}

/// One slash before a path, whatever was there.
pub(super) fn rooted(path: &str) -> String {
    format!("/{}", path.strip_prefix('/').unwrap_or(path))
}

/// The path as KrakenD hands it to the router, such as `/users/:id`: wherever one of the variables stands in braces before the
/// query, it is written with a colon.
pub(super) fn colons(path: &str, variables: &HashSet<&str>) -> String {
    let (before, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut out = String::with_capacity(path.len());
    let mut rest = before;
    while let Some(start) = rest.find('{') {
        let (text, brace) = rest.split_at(start);
        out.push_str(text);
        let inner = brace.get(1..).unwrap_or_default();
        let end = inner.find(['{', '}']);
        match end.and_then(|end| inner.split_at_checked(end)) {
            Some((name, after)) if after.starts_with('}') && variables.contains(name) => {
                out.push(':');
                out.push_str(name);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                out.push('{');
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out.push_str(query);
    out
}

/// The path as the router takes it, which cleans it up and finds variables by their colons.
pub(super) fn route(path: &str) -> RoutePath {
    let pattern = clean(path);
    let segments = pattern.split('/').skip(1).map(segment).collect();
    RoutePath { pattern, segments }
}

fn segment(text: &str) -> RouteSegment {
    match text.split_once(':') {
        Some((literal, variable)) => RouteSegment { literal: literal.to_owned(), variable: Some(variable.to_owned()) },
        None => RouteSegment { literal: text.to_owned(), variable: None },
    }
}

/// Without empty segments, `.` and `..`, as Go's `path.Join` leaves a path; a slash at the end stays.
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

#[cfg(test)]
mod tests;
