use std::collections::HashSet;

use regex::RegexBuilder;

use super::super::{HttpRouteMatch, MatchType, PathMatch, PathMatchType};
use crate::field::{FieldError, FieldPath, Findings};

const MAX_PARAMETERS: usize = 16;
const MAX_PATH: usize = 1024;
const MAX_HEADER_NAME: usize = 256;
const MAX_HEADER_VALUE: usize = 4096;
const MAX_QUERY_NAME: usize = 256;
const MAX_QUERY_VALUE: usize = 1024;
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// How much memory a compiled expression may take, in bytes. An expression of a few characters can ask for gigabytes.
const MAX_EXPRESSION: usize = 256 * 1024;

/// Checks one match.
pub(super) fn check(given: &HttpRouteMatch, path: &FieldPath, findings: &mut Findings) {
    if let Some(given) = &given.path {
        match_path(given, &path.child("path"), findings);
    }
    if let Some(method) = &given.method {
        findings.one_of(&path.child("method"), method, &METHODS);
    }
    let headers = given.headers.iter().map(|header| (header.kind, &header.name, &header.value));
    parameters(headers, [MAX_HEADER_NAME, MAX_HEADER_VALUE], &path.child("headers"), findings);
    let queries = given.query_params.iter().map(|query| (query.kind, &query.name, &query.value));
    parameters(queries, [MAX_QUERY_NAME, MAX_QUERY_VALUE], &path.child("queryParams"), findings);
}

/// How many regular expressions a match has.
pub(super) fn expressions(given: &HttpRouteMatch) -> usize {
    let path = given.path.as_ref().and_then(|path| path.kind) == Some(PathMatchType::RegularExpression);
    let headers = given.headers.iter().map(|header| header.kind);
    let others = headers.chain(given.query_params.iter().map(|query| query.kind));
    usize::from(path) + others.filter(|kind| *kind == Some(MatchType::RegularExpression)).count()
}

fn match_path(given: &PathMatch, path: &FieldPath, findings: &mut Findings) {
    let path = path.child("value");
    let value = given.value.as_deref().unwrap_or("/");
    if !findings.longest(&path, value, MAX_PATH) {
        return;
    }
    if given.kind == Some(PathMatchType::RegularExpression) {
        expression(value, &path, findings);
        return;
    }
    if !value.starts_with('/') {
        findings.invalid(
            &path,
            value,
            "must be an absolute path, which starts with '/', for types Exact and PathPrefix",
        );
    }
    for part in ["//", "/./", "/../", "%2f", "%2F", "#"] {
        if value.contains(part) {
            findings.invalid(&path, value, &format!("must not contain '{part}' for types Exact and PathPrefix"));
        }
    }
    for end in ["/..", "/."] {
        if value.ends_with(end) {
            findings.invalid(&path, value, &format!("must not end with '{end}' for types Exact and PathPrefix"));
        }
    }
    if !value.contains('#') && !is_path(value) {
        let detail = "must only have characters of a path as in RFC 3986, others percent-encoded, for types Exact and PathPrefix";
        findings.invalid(&path, value, detail);
    }
}

/// Whether all characters are those that a path may have, RFC 3986 section 3.3.
fn is_path(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            }
            _ => byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@".contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Names are compared as they are written: two spellings of one header are allowed, and the first counts.
fn parameters<'a>(
    given: impl ExactSizeIterator<Item = (Option<MatchType>, &'a String, &'a String)>,
    [longest_name, longest_value]: [usize; 2],
    path: &FieldPath,
    findings: &mut Findings,
) {
    if !findings.most(path, given.len(), MAX_PARAMETERS) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, (kind, name, value)) in given.enumerate() {
        let path = path.index(index);
        if findings.text(&path.child("name"), name, longest_name) {
            if !is_token(name) {
                let detail = "must be a token as in RFC 9110: letters, digits and any of !#$%&'*+-.^_`|~";
                findings.invalid(&path.child("name"), name, detail);
            }
            if !seen.insert(name) {
                findings.add(FieldError::duplicate(path.child("name"), name));
            }
        }
        let path = path.child("value");
        if findings.text(&path, value, longest_value) && kind == Some(MatchType::RegularExpression) {
            expression(value, &path, findings);
        }
    }
}

/// Whether it is a token, RFC 9110 section 5.6.2: what names of headers are.
pub(super) fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn expression(value: &str, path: &FieldPath, findings: &mut Findings) {
    let problem = match RegexBuilder::new(value).size_limit(MAX_EXPRESSION).build() {
        Ok(_) => return,
        Err(regex::Error::CompiledTooBig(limit)) => {
            format!("is too complex: compiled, it would take more than {limit} bytes")
        }
        // The parser draws the expression and an arrow, on lines of their own: its last line says what is wrong.
        Err(error) => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("is not a regular expression: {}", last.trim_start_matches("error: "))
        }
    };
    findings.invalid(path, value, &problem);
}
