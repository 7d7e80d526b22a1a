//! A CORS filter is checked as Gateway API's own schema does.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::Cors;
use super::filters::header_name;
use crate::field::{FieldError, FieldPath, Findings};

const MAX_ITEMS: usize = 64;
const MAX_ORIGIN: usize = 253;
const ANY: &str = "*";
const METHODS: [&str; 10] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", ANY];

/// A scheme, a host that may begin with a wildcard, and perhaps a port. Nothing only if the expression were malformed,
/// which a test rules out.
static ORIGIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let host = r"(\*\.)?([a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+";
    Regex::new(&format!(r"^(\*|https?://({host}|\*)(:[0-9]{{1,5}})?)$")).ok()
});

/// Checks a CORS filter.
pub(super) fn check(given: &Cors, path: &FieldPath, findings: &mut Findings) {
    list(&given.allow_origins, MAX_ITEMS, true, &path.child("allowOrigins"), findings, |origin, path, findings| {
        if findings.text(path, origin, MAX_ORIGIN) && !ORIGIN.as_ref().is_some_and(|it| it.is_match(origin)) {
            let detail = "must be '*', or a scheme, a host and perhaps a port (e.g. 'https://*.example.com:8443')";
            findings.invalid(path, origin, detail);
        }
    });
    // As many as there are methods.
    let most = METHODS.len() - 1;
    list(&given.allow_methods, most, true, &path.child("allowMethods"), findings, |method, path, findings| {
        findings.one_of(path, method, &METHODS);
    });
    let header = |name: &str, path: &FieldPath, findings: &mut Findings| header_name(name, path, findings);
    list(&given.allow_headers, MAX_ITEMS, true, &path.child("allowHeaders"), findings, header);
    list(&given.expose_headers, MAX_ITEMS, false, &path.child("exposeHeaders"), findings, header);
    if let Some(age) = given.max_age.filter(|age| *age < 1) {
        findings.add(FieldError::invalid(path.child("maxAge"), age, "must be at least 1"));
    }
}

/// Checks a list of `most` different items. `alone`: the wildcard says all, so that nothing may stand beside it.
fn list(
    items: &[String],
    most: usize,
    alone: bool,
    path: &FieldPath,
    findings: &mut Findings,
    check: impl Fn(&str, &FieldPath, &mut Findings),
) {
    if !findings.most(path, items.len(), most) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let path = path.index(index);
        check(item, &path, findings);
        if !seen.insert(item.as_str()) {
            findings.add(FieldError::duplicate(path, item));
        }
    }
    if alone && items.len() > 1 && seen.contains(ANY) {
        findings.invalid(path, ANY, "cannot contain '*' alongside others");
    }
}
