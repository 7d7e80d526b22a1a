//! Options as KrakenD's components in Go read them: with `encoding/json`, which takes names in any case and no value of another type.
//!
//! What a component that guards something cannot read is refused here, where KrakenD goes on without it or answers nothing but errors:
//! an option that is not read must not open anything.

use std::time::Duration;

use crate::compile::written::Component;
use crate::document::{Entry, Node, Value};
use crate::duration;

/// An option that is written, and cannot be read. That is told already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// An option, or nothing where it is not written.
pub(super) type Read<T> = Result<Option<T>, Unreadable>;

impl<'a> Component<'a> {
    /// An option, in any case. Of several the last counts, as in Go.
    pub(super) fn any_case(&self, name: &str) -> Option<&'a Entry> {
        let exact = self.option(name);
        let written = || self.settings().entries().iter().filter(|entry| entry.node.value != Value::Null);
        exact.or_else(|| written().rfind(|entry| entry.key.eq_ignore_ascii_case(name)))
    }

    /// An option that is text. Empty text is nothing.
    pub(super) fn text_of(&self, name: &str) -> Read<&'a str> {
        let read = self.read(name, "text", |node| node.text())?;
        Ok(read.filter(|text| !text.is_empty()))
    }

    /// An option that is true or false. Nothing is false.
    pub(super) fn truth_of(&self, name: &str) -> Result<bool, Unreadable> {
        let read = self.read(name, "true or false", |node| match node.value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        })?;
        Ok(read.unwrap_or_default())
    }

    /// An option that is a list of texts. Nothing is an empty one.
    pub(super) fn texts_of(&self, name: &str) -> Result<Vec<String>, Unreadable> {
        let read = self.read(name, "a list of texts", |node| match &node.value {
            Value::List(members) => members.iter().map(|member| member.text().map(str::to_owned)).collect(),
            _ => None,
        })?;
        Ok(read.unwrap_or_default())
    }

    /// An option that is a whole number, not negative.
    pub(super) fn count_of(&self, name: &str) -> Read<u64> {
        self.read(name, "a whole number that is not negative", |node| match &node.value {
            Value::Number(literal) => literal.parse().ok(),
            _ => None,
        })
    }

    /// An option that is text which says a duration, not a negative one.
    pub(super) fn span_of(&self, name: &str) -> Read<Duration> {
        self.read(name, "text such as 10s", |node| match node.text() {
            Some("") => Some(None),
            Some(text) => duration::parse(text).ok().map(Some),
            None => None,
        })
        .map(Option::flatten)
    }

    fn read<T>(&self, name: &str, wanted: &str, read: impl FnOnce(&'a Node) -> Option<T>) -> Read<T> {
        let Some(entry) = self.any_case(name) else { return Ok(None) };
        match read(&entry.node) {
            Some(value) => Ok(Some(value)),
            None => {
                let message = format!(
                    "{wanted} is wanted here, and this is {}: KrakenD cannot read the component with it",
                    entry.node.kind()
                );
                self.report().not_served(entry.place, &self.path().key(&entry.key), message);
                Err(Unreadable)
            }
        }
    }

    /// Refuses options that have no effect here and would have one in KrakenD, where they are written.
    pub(super) fn refuse_options(&self, options: &[(&str, &str)]) -> Result<(), Unreadable> {
        let mut result = Ok(());
        for (name, message) in options {
            let empty = |node: &Node| match &node.value {
                Value::List(members) => members.is_empty(),
                Value::Text(text) => text.is_empty(),
                Value::Bool(truth) => !truth,
                _ => false,
            };
            if let Some(entry) = self.any_case(name).filter(|entry| !empty(&entry.node)) {
                self.report().not_served(entry.place, &self.path().key(&entry.key), *message);
                result = Err(Unreadable);
            }
        }
        result
    }
}
