use std::fmt::Display;
use std::ops::RangeInclusive;

use super::{FieldError, FieldPath};

/// What validation has found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    pub(crate) fn add(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// The value of a field is malformed.
    pub(crate) fn invalid(&mut self, path: &FieldPath, value: &str, detail: &str) {
        self.add(FieldError::invalid(path.clone(), value, detail));
    }

    /// The value of a field is malformed in several ways, or in none.
    pub(crate) fn each(&mut self, path: &FieldPath, value: &str, problems: Vec<String>) {
        for problem in problems {
            self.invalid(path, value, &problem);
        }
    }

    pub(crate) fn forbidden(&mut self, path: &FieldPath, detail: &str) {
        self.add(FieldError::forbidden(path.clone(), detail));
    }

    pub(crate) fn required(&mut self, path: &FieldPath, detail: &str) {
        self.add(FieldError::required(path.clone(), detail));
    }

    /// A text that must be there, of `limit` bytes at most. Returns whether it is worth a closer look.
    pub(crate) fn text(&mut self, path: &FieldPath, text: &str, limit: usize) -> bool {
        if text.is_empty() {
            self.required(path, "");
        }
        self.longest(path, text, limit) && !text.is_empty()
    }

    /// A text of `limit` bytes at most.
    pub(crate) fn longest(&mut self, path: &FieldPath, text: &str, limit: usize) -> bool {
        if text.len() > limit {
            self.add(FieldError::too_long(path.clone(), limit));
        }
        text.len() <= limit
    }

    /// A list or map of `limit` elements at most. Returns whether its elements are worth a look.
    pub(crate) fn most(&mut self, path: &FieldPath, count: usize, limit: usize) -> bool {
        if count > limit {
            self.add(FieldError::too_many(path.clone(), count, limit));
        }
        count <= limit
    }

    /// A number within a range.
    pub(crate) fn within<N: PartialOrd + Display>(&mut self, path: &FieldPath, number: N, range: &RangeInclusive<N>) {
        if !range.contains(&number) {
            let detail = format!("must be between {} and {}, inclusive", range.start(), range.end());
            self.add(FieldError::invalid(path.clone(), format_args!("{number}"), &detail));
        }
    }

    /// A TCP port.
    pub(crate) fn port(&mut self, path: &FieldPath, port: i32) {
        self.within(path, port, &(1..=65535));
    }

    /// A value that must be one of a few.
    pub(crate) fn one_of(&mut self, path: &FieldPath, value: &str, known: &[&str]) -> bool {
        let found = known.contains(&value);
        if !found {
            self.add(FieldError::not_supported(path.clone(), value, known));
        }
        found
    }

    pub(crate) fn finish(self) -> Vec<FieldError> {
        self.0
    }
}
