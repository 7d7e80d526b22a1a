//! A document as a tree of labelled edges, in which elements of arrays are edges as well.

use std::collections::HashMap;

use bytes::Bytes;

use crate::document::{Object, Value};

const ANY: &[u8] = b"*";

type Segment = Box<[u8]>;

#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// What it is without edges: a scalar, or an object or array that was empty from the start.
    value: Value,
    is_array: bool,
    edges: Vec<(Bytes, Tree)>,
}

/// A node that a path has led to: the labels on the way, and the positions of the edges.
struct Met {
    labels: Vec<Bytes>,
    positions: Vec<usize>,
}

impl Tree {
    pub(super) fn new(value: Value) -> Self {
        let mut tree = Self::leaf();
        tree.set(value);
        tree
    }

    fn leaf() -> Self {
        Self { value: Value::Null, is_array: false, edges: Vec::new() }
    }

    /// Puts a value here: members and elements join those that are here already.
    fn set(&mut self, value: Value) {
        match value.open() {
            Value::Object(object) => {
                self.is_array = false;
                if object.is_empty() {
                    self.value = Value::Object(object);
                    return;
                }
                self.set_all(object.into_members());
            }
            Value::Array(elements) => {
                self.is_array = true;
                if elements.is_empty() {
                    self.value = Value::Array(elements);
                    return;
                }
                self.set_all(elements.into_iter().enumerate().map(|(at, value)| (Bytes::from(at.to_string()), value)));
            }
            value => {
                self.is_array = false;
                self.value = value;
            }
        }
    }

    fn set_all(&mut self, entries: impl IntoIterator<Item = (Bytes, Value)>) {
        // Labels are looked for only among those that were here: the new ones differ from each other.
        let mut present = HashMap::with_capacity(self.edges.len());
        for (at, (label, _)) in self.edges.iter().enumerate() {
            present.entry(label.clone()).or_insert(at);
        }
        for (label, value) in entries {
            match present.get(&label).and_then(|&at| self.child_mut(at)) {
                Some(child) => child.set(value),
                None => self.edges.push((label, Self::new(value))),
            }
        }
    }

    fn edge(&self, label: &[u8]) -> Option<usize> {
        self.edges.iter().position(|(known, _)| known.as_ref() == label)
    }

    fn child(&self, at: usize) -> Option<&Self> {
        self.edges.get(at).map(|(_, child)| child)
    }

    fn child_mut(&mut self, at: usize) -> Option<&mut Self> {
        self.edges.get_mut(at).map(|(_, child)| child)
    }

    /// The child with that label, which is added if there is none.
    fn grown(&mut self, label: &[u8]) -> Option<&mut Self> {
        let at = self.edge(label).unwrap_or_else(|| {
            self.edges.push((Bytes::copy_from_slice(label), Self::leaf()));
            self.edges.len() - 1
        });
        self.child_mut(at)
    }

    pub(super) fn delete(&mut self, path: &[Segment]) {
        let Some((first, rest)) = path.split_first() else { return };
        if first.as_ref() == ANY {
            if rest.is_empty() {
                self.edges.clear();
                return;
            }
            for (_, child) in &mut self.edges {
                child.delete(rest);
            }
            return;
        }
        let Some(at) = self.edge(first) else { return };
        if rest.is_empty() {
            self.edges.remove(at);
        } else if let Some(child) = self.child_mut(at) {
            child.delete(rest);
        }
    }

    /// What is at a path; of `*`, an array of what is at the rest of the path in each.
    fn get(&self, path: &[Segment]) -> Value {
        let Some((first, rest)) = path.split_first() else { return self.clone().into_value() };
        if self.edges.is_empty() {
            return Value::Null;
        }
        if first.as_ref() == ANY {
            return Value::Array(self.edges.iter().map(|(_, child)| child.get(rest)).collect());
        }
        self.edge(first).and_then(|at| self.child(at)).map_or(Value::Null, |child| child.get(rest))
    }

    pub(super) fn append(&mut self, from: &[Segment], to: &[Segment]) {
        let (Value::Array(appended), Value::Array(mut elements)) = (self.get(from), self.get(to)) else { return };
        elements.extend(appended);
        let mut place = Some(&mut *self);
        for segment in to {
            place = place.and_then(|tree| tree.grown(segment));
        }
        if let Some(place) = place {
            place.set(Value::Array(elements));
        }
        self.delete(from);
    }

    pub(super) fn relocate(&mut self, from: &[Segment], to: &[Segment]) {
        let (Some((from_last, from_parents)), Some((to_last, to_parents))) = (from.split_last(), to.split_last())
        else {
            return;
        };
        let mut moved = Vec::new();
        for met in self.meet(from_parents) {
            let Some(node) = self.at(&met.positions) else { continue };
            let Some(at) = node.edge(from_last) else { continue };
            if from.len() == to.len() {
                if let Some((label, _)) = node.edges.get_mut(at) {
                    *label = Bytes::copy_from_slice(to_last);
                }
                continue;
            }
            let (_, tree) = node.edges.remove(at);
            moved.push((met, tree));
        }
        for (met, tree) in moved {
            let place = if from.len() > to.len() {
                Some(self.promoted(to_parents, &met))
            } else {
                let down = to_parents.get(from_parents.len()..).unwrap_or_default();
                self.at(&met.positions).and_then(|node| down.iter().try_fold(node, |node, segment| node.grown(segment)))
            };
            if let Some(place) = place {
                place.edges.push((Bytes::copy_from_slice(to_last), tree));
            }
        }
    }

    /// Where what is moved up goes: as far along the path as there is something.
    fn promoted(&mut self, parents: &[Segment], met: &Met) -> &mut Self {
        let mut place = self;
        for (depth, segment) in parents.iter().enumerate() {
            let label = match met.labels.get(depth) {
                Some(label) if segment.as_ref() == ANY => label.as_ref(),
                _ => segment.as_ref(),
            };
            // It is mostly where it was met: looking there first spares a search for each of many.
            let there = |at: &usize| place.edges.get(*at).is_some_and(|(known, _)| known.as_ref() == label);
            let first = met.positions.get(depth).copied().filter(there);
            let Some(at) = first.or_else(|| place.edge(label)) else { break };
            place = &mut place.edges[at].1;
        }
        place
    }

    fn at(&mut self, positions: &[usize]) -> Option<&mut Self> {
        positions.iter().try_fold(self, |node, &position| node.child_mut(position))
    }

    /// The nodes that a path leads to.
    fn meet(&self, path: &[Segment]) -> Vec<Met> {
        let mut met = Vec::new();
        self.meet_below(path, &mut Vec::new(), &mut Vec::new(), &mut met);
        met
    }

    fn meet_below(&self, path: &[Segment], labels: &mut Vec<Bytes>, positions: &mut Vec<usize>, met: &mut Vec<Met>) {
        let Some((first, rest)) = path.split_first() else {
            met.push(Met { labels: labels.clone(), positions: positions.clone() });
            return;
        };
        let any = first.as_ref() == ANY;
        for (position, (label, child)) in self.edges.iter().enumerate() {
            if !any && label.as_ref() != first.as_ref() {
                continue;
            }
            labels.push(label.clone());
            positions.push(position);
            child.meet_below(rest, labels, positions, met);
            labels.pop();
            positions.pop();
            if !any {
                return;
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        if self.edges.is_empty() {
            return self.value;
        }
        if self.is_array {
            return Value::Array(self.edges.into_iter().map(|(_, child)| child.into_value()).collect());
        }
        let members: Object = self.edges.into_iter().map(|(label, child)| (label, child.into_value())).collect();
        Value::Object(members)
    }
}
