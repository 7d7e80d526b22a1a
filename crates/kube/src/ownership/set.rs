//! Sets of fields, and their algebra.
//!
//! Source: Kubernetes, `structured-merge-diff`, `fieldpath.Set`: what the operations mean where one set has a field and the
//! other what is below it.

use std::borrow::Cow;
use std::cmp::Ordering;

#[cfg(test)]
use super::element;
use super::shape::Shape;

/// Fields of an object, as a tree. A field may be in the set without what is below it, and the other way around.
///
/// Elements of paths are kept as `FieldsV1` writes them (`f:spec`, `k:{"name":"http"}`), which is unambiguous, so that
/// reading, comparing and writing a set needs nothing but text. Siblings are sorted by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet<'a> {
    nodes: Vec<Node<'a>>,
}

/// A field, and what of the set is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub(crate) element: Cow<'a, str>,
    /// Whether the field itself is in the set.
    pub(crate) member: bool,
    pub(crate) below: FieldSet<'a>,
}

impl Node<'_> {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl<'a> FieldSet<'a> {
    /// Of nodes in any order, none of them empty and each element once.
    pub(crate) fn from_nodes(mut nodes: Vec<Node<'a>>) -> Self {
        if !nodes.is_sorted_by(|one, other| one.element < other.element) {
            nodes.sort_unstable_by(|one, other| one.element.cmp(&other.element));
        }
        Self { nodes }
    }

    /// Adds a node; nothing if nothing is in it. [`FieldSet::sort`] must follow.
    pub(crate) fn push(&mut self, element: Cow<'a, str>, member: bool, below: FieldSet<'a>) {
        let node = Node { element, member, below };
        if !node.is_empty() {
            self.nodes.push(node);
        }
    }

    /// Brings pushed nodes into order.
    pub(crate) fn sort(&mut self) {
        *self = Self::from_nodes(std::mem::take(&mut self.nodes));
    }

    pub(crate) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// Whether no field is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What the set says of one element.
    pub(crate) fn get(&self, element: &str) -> Option<&Node<'a>> {
        let at = self.nodes.binary_search_by(|node| (*node.element).cmp(element)).ok()?;
        self.nodes.get(at)
    }

    /// Adds one field. The path must not be empty.
    pub(crate) fn insert(&mut self, path: &[&'a str]) {
        let Some((first, rest)) = path.split_first() else { return };
        let at = match self.nodes.binary_search_by(|node| (*node.element).cmp(first)) {
            Ok(at) => at,
            Err(at) => {
                let node = Node { element: Cow::Borrowed(first), member: false, below: FieldSet::default() };
                self.nodes.insert(at, node);
                at
            }
        };
        match rest.is_empty() {
            true => self.nodes[at].member = true,
            false => self.nodes[at].below.insert(rest),
        }
    }

    /// What is in either.
    pub(crate) fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        let (mut ours, mut theirs) = (self.nodes.into_iter().peekable(), other.nodes.into_iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (Some(one), Some(other)) => one.element.cmp(&other.element),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            match order {
                Ordering::Less => nodes.extend(ours.next()),
                Ordering::Greater => nodes.extend(theirs.next()),
                Ordering::Equal => {
                    if let (Some(one), Some(other)) = (ours.next(), theirs.next()) {
                        let below = one.below.union(other.below);
                        nodes.push(Node { element: one.element, member: one.member || other.member, below });
                    }
                }
            }
        }
        Self { nodes }
    }

    /// Takes out what is in `other`. A field goes only if it is itself in `other`, whatever of it is above or below.
    pub(crate) fn subtract(&mut self, other: &FieldSet<'_>) {
        if other.is_empty() {
            return;
        }
        self.nodes.retain_mut(|node| {
            if let Some(gone) = other.get(&node.element) {
                node.member &= !gone.member;
                node.below.subtract(&gone.below);
            }
            !node.is_empty()
        });
    }

    /// Takes out a field of the object itself with all that is below it.
    pub(crate) fn drop_field(&mut self, element: &str) {
        self.nodes.retain(|node| node.element != element);
    }

    /// Takes out what is in `other`, each field with all that is below it.
    pub(crate) fn subtract_trees(&mut self, other: &FieldSet<'_>) {
        self.nodes.retain_mut(|node| {
            if let Some(gone) = other.get(&node.element) {
                if gone.member {
                    return false;
                }
                node.below.subtract_trees(&gone.below);
            }
            !node.is_empty()
        });
    }

    /// What is in both.
    pub(crate) fn intersection<'s>(&'s self, other: &FieldSet<'_>) -> FieldSet<'s> {
        let mut nodes = Vec::new();
        for node in &self.nodes {
            let Some(also) = other.get(&node.element) else { continue };
            let (member, below) = (node.member && also.member, node.below.intersection(&also.below));
            if member || !below.is_empty() {
                nodes.push(Node { element: Cow::Borrowed(&*node.element), member, below });
            }
        }
        FieldSet { nodes }
    }

    /// The same set, for as long as this one lives.
    pub(crate) fn borrowed(&self) -> FieldSet<'_> {
        let nodes = self.nodes.iter().map(|node| Node {
            element: Cow::Borrowed(&*node.element),
            member: node.member,
            below: node.below.borrowed(),
        });
        FieldSet { nodes: nodes.collect() }
    }

    /// The set with every field of a fixed name in it that something is in it of: to remove all that somebody owned of a
    /// structure is to remove the structure.
    pub(crate) fn with_named_fields(&self, shape: &Shape) -> FieldSet<'_> {
        let nodes = self.nodes.iter().map(|node| {
            let named = !node.below.is_empty() && shape.has_named(&node.element);
            let below = shape.below(&node.element).map(|shape| node.below.with_named_fields(shape));
            Node {
                element: Cow::Borrowed(&*node.element),
                member: node.member || named,
                below: below.unwrap_or_else(|| node.below.borrowed()),
            }
        });
        FieldSet { nodes: nodes.collect() }
    }

    /// Whether a field is in it, by its path.
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        match path {
            [] => false,
            [last] => self.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.get(first).is_some_and(|node| node.below.has(rest)),
        }
    }

    /// Calls `look` with the path of every field, those of one level before those below them.
    pub(crate) fn each<'s>(&'s self, path: &mut Vec<&'s str>, look: &mut impl FnMut(&[&'s str])) {
        for node in self.nodes.iter().filter(|node| node.member) {
            path.push(&node.element);
            look(path);
            path.pop();
        }
        for node in &self.nodes {
            path.push(&node.element);
            node.below.each(path, look);
            path.pop();
        }
    }

    /// The paths of all fields as messages write them: `.spec.listeners[name="http"].port`.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.each(&mut Vec::new(), &mut |path| paths.push(element::shown(path)));
        paths
    }
}
