//! The fields of a modifier, as Go's `encoding/json` reads them into structs: names in any case, of two the last, and types that
//! have to be right.

use std::cell::RefCell;

use crate::document::{Entry, Node, Value};
use crate::object::is_comment;
use crate::place::{Path, Place};
use crate::problem::Report;

pub(super) struct Fields<'a> {
    entries: &'a [Entry],
    path: &'a Path<'a>,
    report: &'a Report,
    /// The names that have been asked for.
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(node: &'a Node, path: &'a Path<'a>, report: &'a Report) -> Self {
        Self { entries: node.entries(), path, report, known: RefCell::default() }
    }

    /// A field that is not null.
    pub(super) fn get(&self, name: &'static str) -> Option<&'a Entry> {
        self.known.borrow_mut().push(name);
        let entry = self.entries.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case(name))?;
        (entry.node.value != Value::Null).then_some(entry)
    }

    /// Where a field is written, or what it would be in.
    pub(super) fn place(&self, name: &str, otherwise: Place) -> Place {
        let entry = self.entries.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case(name));
        entry.map_or(otherwise, |entry| entry.place)
    }

    /// A text, empty where there is none. `None` where it is something else, which is told; so it is below.
    pub(super) fn text(&self, name: &'static str) -> Option<&'a str> {
        self.value(name, "", "text", Node::text)
    }

    pub(super) fn truth(&self, name: &'static str) -> Option<bool> {
        self.value(name, false, "true or false", |node| match node.value {
            Value::Bool(truth) => Some(truth),
            _ => None,
        })
    }

    pub(super) fn integer(&self, name: &'static str) -> Option<i64> {
        self.value(name, 0, "an integer", |node| match &node.value {
            Value::Number(literal) => literal.parse().ok(),
            _ => None,
        })
    }

    /// The members of a list, none where there is none.
    pub(super) fn list(&self, name: &'static str) -> Option<&'a [Node]> {
        self.value(name, &[], "a list", |node| match &node.value {
            Value::List(members) => Some(members.as_slice()),
            _ => None,
        })
    }

    fn value<T>(
        &self,
        name: &'static str,
        otherwise: T,
        wanted: &str,
        read: impl FnOnce(&'a Node) -> Option<T>,
    ) -> Option<T> {
        let Some(entry) = self.get(name) else { return Some(otherwise) };
        let value = read(&entry.node);
        if value.is_none() {
            let message = format!("{wanted} is wanted here, and this is {}", entry.node.kind());
            self.report.unreadable(entry.place, &self.path.key(&entry.key), message);
        }
        value
    }

    /// Tells of fields that nobody has asked for.
    pub(super) fn finish(self, modifier: &str) {
        let known = self.known.into_inner();
        for entry in self.entries {
            let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(&entry.key));
            // Of a modifier that is refused nothing has been asked.
            if !is_known && !is_comment(&entry.key) && !known.is_empty() {
                let message = format!("it is ignored: {modifier} has no such field");
                self.report.dropped(entry.place, &self.path.key(&entry.key), message);
            }
        }
    }
}
