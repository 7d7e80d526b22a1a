//! A scanned document: a flat list of nodes, each a range of the bytes that were received.

use std::borrow::Cow;

use bytes::Bytes;

use crate::text;

/// A document that has been scanned. Nodes stand in the order of the text; the members of an object are a node for the name,
/// followed by the nodes of the value.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(super) source: Bytes,
    pub(super) nodes: Vec<Node>,
    /// For objects whose names are not in order: how many members there are, and where their names' nodes are, in order.
    pub(super) orders: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) start: u32,
    /// Of a name with [`Order::Whole`], where its value ends.
    pub(super) end: u32,
    /// The node after this one and all below it.
    pub(super) next: u32,
    pub(super) order: Order,
    pub(super) kind: Kind,
    /// The range is what an encoder would write. A container of which that holds may have no nodes below it.
    pub(super) canonical: bool,
    /// Of strings and names: what stands between the quotes is the text, without an escape.
    pub(super) literal: bool,
}

/// In which order the members of an object are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As the nodes stand.
    Written,
    /// As the tape's `orders` say from this position on.
    At(u32),
    /// Of a name: it and its value are written as they were received.
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
    Name,
}

impl Tape {
    pub(super) fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    /// The bytes of a node as they were received.
    pub(super) fn raw(&self, node: &Node) -> &[u8] {
        self.source.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The text of a string or a name.
    pub(super) fn text(&self, node: &Node) -> Cow<'_, [u8]> {
        let raw = self.quoted(node);
        if node.literal { Cow::Borrowed(raw) } else { text::unescape(raw) }
    }

    /// The text of a string or a name, as a part of what was received where that is possible.
    pub(super) fn shared_text(&self, node: &Node) -> Bytes {
        match self.text(node) {
            Cow::Borrowed(text) => self.source.slice_ref(text),
            Cow::Owned(text) => text.into(),
        }
    }

    fn quoted(&self, node: &Node) -> &[u8] {
        let start = node.start as usize + 1;
        // The range of a name may include its value.
        let end = match node.order {
            Order::Whole if node.kind == Kind::Name => {
                let rest = self.source.get(start..).unwrap_or_default();
                start + memchr::memchr(b'"', rest).unwrap_or(rest.len())
            }
            _ => node.end.saturating_sub(1) as usize,
        };
        self.source.get(start..end).unwrap_or_default()
    }

    /// The nodes of an object's names, in order.
    pub(super) fn names(&self, at: u32) -> Names<'_> {
        match self.node(at) {
            Some(Node { kind: Kind::Object, order: Order::At(order), .. }) => {
                let first = *order as usize + 1;
                let count = self.orders.get(*order as usize).map_or(0, |count| *count as usize);
                Names::Listed(self.orders.get(first..first + count).unwrap_or_default().iter())
            }
            Some(Node { kind: Kind::Object, next, .. }) => Names::Written { tape: self, at: at + 1, end: *next },
            _ => Names::Listed([].iter()),
        }
    }

    /// The nodes of an array's elements.
    pub(super) fn elements(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.node(at).map_or(at, |node| node.next);
        let mut at = at + 1;
        std::iter::from_fn(move || {
            let current = (at < end).then_some(at)?;
            at = self.node(current)?.next;
            Some(current)
        })
    }

    /// Writes a value as JSON: names in the order of their bytes, without blanks.
    pub(super) fn write(&self, at: u32, out: &mut Vec<u8>) {
        let Some(node) = self.node(at) else { return };
        if node.canonical {
            out.extend_from_slice(self.raw(node));
            return;
        }
        match node.kind {
            Kind::Object => {
                out.push(b'{');
                let mut first = true;
                for name in self.names(at) {
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    self.write_member(name, out);
                }
                out.push(b'}');
            }
            Kind::Array => {
                out.push(b'[');
                let mut first = true;
                for element in self.elements(at) {
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    self.write(element, out);
                }
                out.push(b']');
            }
            _ => text::write_string(out, &self.text(node)),
        }
    }

    fn write_member(&self, name: u32, out: &mut Vec<u8>) {
        let Some(node) = self.node(name) else { return };
        if node.canonical {
            out.extend_from_slice(self.raw(node));
            if node.order == Order::Whole {
                return;
            }
        } else {
            text::write_string(out, &self.text(node));
        }
        out.push(b':');
        self.write(name + 1, out);
    }
}

/// The names of an object's members, as nodes.
pub(super) enum Names<'a> {
    Listed(std::slice::Iter<'a, u32>),
    Written { tape: &'a Tape, at: u32, end: u32 },
}

impl Iterator for Names<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Listed(nodes) => nodes.next().copied(),
            Self::Written { tape, at, end } => {
                let current = (*at < *end).then_some(*at)?;
                *at = tape.node(current)?.next;
                Some(current)
            }
        }
    }
}
