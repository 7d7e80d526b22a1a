//! Bounds that settings of several sections have.

use std::time::Duration;

use crate::GoDuration;
use crate::field::{FieldError, FieldPath, Findings};

/// How many elements the lists of a section have at most, unless they say otherwise.
pub(super) const MAX_LIST: usize = 32;

/// How often anything may be done again and again: more often, and it is a load of its own.
pub(super) const LEAST_INTERVAL: Duration = Duration::from_millis(10);

/// A span of time that must not be zero.
pub(super) fn positive(span: Option<GoDuration>, path: &FieldPath, findings: &mut Findings) {
    if let Some(span) = span.filter(|span| span.0.is_zero()) {
        findings.invalid(path, &span.to_string(), "must be greater than 0");
    }
}

/// A span of time with a lower bound.
pub(super) fn at_least(span: Option<GoDuration>, least: Duration, path: &FieldPath, findings: &mut Findings) {
    if let Some(span) = span.filter(|span| span.0 < least) {
        findings.invalid(path, &span.to_string(), &format!("must be at least {}", GoDuration(least)));
    }
}

/// A span of time that must not be shorter than another one, `than`, if that is given.
pub(super) fn not_shorter(
    span: Option<GoDuration>,
    than: Option<GoDuration>,
    name: &str,
    path: &FieldPath,
    findings: &mut Findings,
) {
    if let (Some(span), Some(than)) = (span, than)
        && span < than
    {
        findings.invalid(path, &span.to_string(), &format!("must not be shorter than {name}, {than}"));
    }
}

/// A number, if it is given, of at least `least`.
pub(super) fn number(number: Option<u32>, least: u32, path: &FieldPath, findings: &mut Findings) {
    if let Some(number) = number.filter(|number| *number < least) {
        let detail = format!("must be at least {least}");
        findings.add(FieldError::invalid(path.clone(), format_args!("{number}"), &detail));
    }
}

/// A share in percent, if it is given.
pub(super) fn percent(share: Option<u32>, path: &FieldPath, findings: &mut Findings) {
    if let Some(share) = share {
        findings.within(path, share, &(0..=100));
    }
}

/// A span of time in whole seconds.
pub(super) fn whole_seconds(span: GoDuration, path: &FieldPath, findings: &mut Findings) {
    if span.0.subsec_nanos() != 0 {
        findings.invalid(path, &span.to_string(), "must be whole seconds");
    }
}

/// Fields of which exactly one is set.
pub(super) fn exactly_one(fields: &[(&str, bool)], path: &FieldPath, findings: &mut Findings) {
    let mut set = fields.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name);
    let Some(first) = set.next() else {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        findings.required(path, &format!("one of {}", names.join(", ")));
        return;
    };
    for other in set {
        findings.forbidden(&path.child(other), &format!("{first} and {other} cannot be specified together"));
    }
}
