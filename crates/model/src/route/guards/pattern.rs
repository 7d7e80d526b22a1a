//! Regular expressions that are looked for anywhere in a text.

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::fault::{Checked, Fault, all, refuse};

/// Largest compiled form of one list of expressions, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Most memory that a search may keep for the states it has come by, for each thread.
const CACHE_LIMIT: usize = 1 << 20;

/// Expressions of `field`, any of which may be found anywhere. A search takes time by the length of what is searched, whatever the
/// expressions. Letters, digits and the like are those of ASCII, as in Go's `regexp`, unless an expression asks for those of Unicode.
pub(super) fn anywhere(field: &str, patterns: &[String]) -> Checked<RegexSet> {
    any(field, patterns, patterns)
}

/// Expressions of `field`, written as `patterns` by the operator, and `made` what is looked for.
pub(super) fn any(field: &str, patterns: &[String], made: &[String]) -> Checked<RegexSet> {
    let build = |patterns: &[String], unicode| {
        let mut builder = RegexSetBuilder::new(patterns);
        builder.unicode(unicode).size_limit(SIZE_LIMIT).dfa_size_limit(CACHE_LIMIT).build()
    };
    let either = |patterns: &[String]| build(patterns, false).or_else(|_| build(patterns, true));
    let faults = patterns.iter().enumerate().map(|(index, pattern)| match either(std::slice::from_ref(pattern)) {
        Ok(_) => Ok(()),
        Err(error) => refuse(format!("{field}[{index}]"), format!("not a usable regular expression: {error}")),
    });
    all::<(), Vec<()>>(faults)?;
    either(made).map_err(|error| Fault::new(field, format!("together not usable: {error}")).into())
}
