//! A value within a document that was received.

use std::sync::Arc;

use bytes::Bytes;

use super::scan;
use super::tape::{Kind, Tape};
use super::value::Value;

/// A value of a scanned document, as a position in it. A clone shares the document.
#[derive(Clone)]
pub(crate) struct Slice {
    tape: Arc<Tape>,
    node: u32,
}

impl Slice {
    pub(super) fn new(tape: Arc<Tape>, node: u32) -> Self {
        Self { tape, node }
    }

    /// Appends the value as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.tape.write(self.node, out);
    }

    /// About how many bytes it is as JSON: as many as it was.
    pub(crate) fn size_hint(&self) -> usize {
        self.tape.node(self.node).map_or(0, |node| node.end.saturating_sub(node.start) as usize)
    }

    /// How many bytes the document has that it is part of.
    pub(crate) fn document_bytes(&self) -> usize {
        self.tape.source.len()
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.tape.node(self.node).is_some_and(|node| node.kind == Kind::Object)
    }

    /// Whether it is an object or an array without anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.tape.node(self.node).is_some_and(|node| match node.kind {
            Kind::Object => {
                if node.canonical {
                    self.tape.raw(node) == b"{}"
                } else {
                    self.tape.names(self.node).next().is_none()
                }
            }
            Kind::Array => node.next == self.node + 1 && (!node.canonical || self.tape.raw(node) == b"[]"),
            _ => false,
        })
    }

    /// The members of an object, in order; none of anything else.
    pub(crate) fn members(&self) -> Vec<(Bytes, Value)> {
        let opened = self.opened();
        let member = |name| {
            let text = opened.tape.node(name).map(|node| opened.tape.shared_text(node)).unwrap_or_default();
            (text, Value::Slice(Self { tape: opened.tape.clone(), node: name + 1 }))
        };
        opened.tape.names(opened.node).map(member).collect()
    }

    /// The value, opened one level: what is directly in it is slices again.
    pub(crate) fn open(&self) -> Value {
        let Some(node) = self.tape.node(self.node) else { return Value::Null };
        match node.kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(self.tape.source.slice_ref(self.tape.raw(node))),
            Kind::String | Kind::Name => Value::String(self.tape.shared_text(node)),
            Kind::Object => Value::Object(self.members().into_iter().collect()),
            Kind::Array => {
                let opened = self.opened();
                let element = |node| Value::Slice(Self { tape: opened.tape.clone(), node });
                Value::Array(opened.tape.elements(opened.node).map(element).collect())
            }
        }
    }

    /// The same value with its nodes: what was written as it was received has none, and is scanned once more.
    fn opened(&self) -> Self {
        let Some(node) = self.tape.node(self.node) else { return self.clone() };
        // One that is empty looks the same, and is soon scanned.
        let closed = matches!(node.kind, Kind::Object | Kind::Array) && node.canonical && node.next == self.node + 1;
        if !closed {
            return self.clone();
        }
        let source = self.tape.source.slice_ref(self.tape.raw(node));
        // It was scanned before, within the same limits: there is nothing in it that does not scan.
        scan::rescan(source).map_or_else(|| self.clone(), |tape| Self::new(Arc::new(tape), 0))
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}
