//! Answers, merged one after the other.

use super::answer::Answer;
use super::failure::CallError;
use crate::document::Object;

/// Data that is merged, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Merging {
    pub(super) merged: Option<Answer>,
    pub(super) errors: Vec<CallError>,
    pub(super) required_failed: bool,
    /// How many parts have come to something.
    pub(super) count: usize,
}

impl Merging {
    /// Merges an answer: of members with the same name, its own count.
    pub(super) fn add(&mut self, answer: Answer) {
        self.count += 1;
        let Some(before) = self.merged.take() else {
            self.merged = Some(answer);
            return;
        };
        // Data that is not there leaves a merge incomplete, and is an empty object if nothing else is there either.
        let complete = before.complete && answer.complete && before.data.is_some() && answer.data.is_some();
        let data = match (before.data, answer.data) {
            (Some(before), Some(after)) => before.merged(after),
            (before, after) => before.or(after).unwrap_or_else(Object::empty),
        };
        let status = before.status.or(answer.status);
        self.merged = Some(Answer { data: Some(data), complete, status, passed: None, body: None });
    }
}
