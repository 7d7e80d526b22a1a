#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::super::{CookieLifetime, Retry, SessionPersistence, SessionType};
use super::filters::header_name;
use crate::field::{FieldError, FieldPath, Findings};

/// Statuses that say that a request failed.
const FAILURES: RangeInclusive<i32> = 400..=599;

/// Checks when a request is sent again. The times are checked where they are read as they are written.
pub(super) fn check(given: &Retry, path: &FieldPath, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for (index, code) in given.codes.iter().enumerate() {
        let path = path.child("codes").index(index);
        findings.within(&path, *code, &FAILURES);
        if !seen.insert(code) {
            findings.add(FieldError::duplicate(path, code));
        }
    }
    if let Some(attempts) = given.attempts.filter(|attempts| *attempts < 0) {
        findings.add(FieldError::invalid(path.child("attempts"), attempts, "must be at least 0"));
    }
}

/// Checks how requests of a session stay together.
pub(super) fn check_session(given: &SessionPersistence, path: &FieldPath, findings: &mut Findings) {
    let kind = given.kind.unwrap_or(SessionType::Cookie);
    if given.cookie.is_some() && kind != SessionType::Cookie {
        findings.forbidden(&path.child("cookie"), "must not be specified unless type is Cookie");
    }
    if given.header.is_some() && kind != SessionType::Header {
        findings.forbidden(&path.child("header"), "must not be specified unless type is Header");
    }
    if let Some(header) = &given.header {
        header_name(&header.name, &path.child("header").child("name"), findings);
    }
    if let Some(name) = given.cookie.as_ref().and_then(|cookie| cookie.name.as_ref()) {
        header_name(name, &path.child("cookie").child("name"), findings);
    }
    let lifetimes = [
        given.cookie.as_ref().and_then(|cookie| cookie.lifetime_type),
        given.cookie_config.as_ref().and_then(|cookie| cookie.lifetime_type),
    ];
    if lifetimes.contains(&Some(CookieLifetime::Permanent)) && given.absolute_timeout.is_none() {
        findings.required(&path.child("absoluteTimeout"), "must be specified when lifetimeType is Permanent");
    }
}
