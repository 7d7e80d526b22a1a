//! The matches by template of one host name, as a tree of the elements of their paths.

use std::collections::HashMap;

use super::template::{DecodedPath, Element, PathTemplate};

/// Values by template.
#[derive(Debug)]
pub(super) struct Templates<T> {
    /// The first is the root.
    nodes: Vec<Node<T>>,
}

/// What follows some elements.
#[derive(Debug)]
struct Node<T> {
    /// Elements without a variable, and the positions of the nodes after them.
    literal: HashMap<Box<str>, usize>,
    /// Names of these in lower case.
    folded: HashMap<Box<str>, Vec<Box<str>>>,
    /// Text before a variable, and the position of the node after it.
    variable: Vec<(Box<str>, usize)>,
    /// Values of templates that end here.
    here: Vec<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literal: HashMap::new(), folded: HashMap::new(), variable: Vec::new(), here: Vec::new() }
    }
}

impl<T> Default for Templates<T> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl<T> Templates<T> {
    /// Adds a value, after all that were added before it.
    pub(super) fn push(&mut self, template: &PathTemplate, value: T) {
        let mut at = 0;
        for element in &template.elements {
            at = self.below(at, element);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.here.push(value);
        }
    }

    /// The position of the node after `element` at the node at `at`, made when it is not there.
    fn below(&mut self, at: usize, element: &Element) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let found = match &element.variable {
            None => node.literal.get(&element.literal).copied(),
            Some(_) => node.variable.iter().find(|(text, _)| *text == element.literal).map(|(_, node)| *node),
        };
        if let Some(found) = found {
            return found;
        }
        match &element.variable {
            None => {
                let folded = node.folded.entry(element.literal.to_ascii_lowercase().into()).or_default();
                folded.push(element.literal.clone());
                node.literal.insert(element.literal.clone(), next);
            }
            Some(_) => node.variable.push((element.literal.clone(), next)),
        }
        self.nodes.push(Node::default());
        next
    }

    /// Hands the values of every template that `path` matches to `visit`.
    pub(super) fn visit<'t>(&'t self, path: &DecodedPath<'_>, mut visit: impl FnMut(&'t [T])) {
        let Some(elements) = path.elements() else { return };
        let elements: Vec<_> = elements.collect();
        self.descend(0, &elements, &mut visit);
    }

    fn descend<'t>(&'t self, at: usize, elements: &[&str], visit: &mut impl FnMut(&'t [T])) {
        let Some(node) = self.nodes.get(at) else { return };
        let Some((first, rest)) = elements.split_first() else {
            if !node.here.is_empty() {
                visit(&node.here);
            }
            return;
        };
        if let Some(next) = node.literal.get(*first) {
            self.descend(*next, rest, visit);
        }
        for (text, next) in &node.variable {
            if first.starts_with(&**text) && (first.len() > text.len() || !rest.is_empty()) {
                self.descend(*next, rest, visit);
            }
        }
    }

    /// Hands the values of every template that these elements match in any case of ASCII letters to `visit`, with the elements as the
    /// template writes them.
    pub(super) fn visit_folded<'t>(&'t self, elements: &[&str], mut visit: impl FnMut(&'t [T], &[String])) {
        self.descend_folded(0, elements, &mut Vec::new(), &mut visit);
    }

    fn descend_folded<'t>(
        &'t self,
        at: usize,
        elements: &[&str],
        written: &mut Vec<String>,
        visit: &mut impl FnMut(&'t [T], &[String]),
    ) {
        let Some(node) = self.nodes.get(at) else { return };
        let Some((first, rest)) = elements.split_first() else {
            if !node.here.is_empty() {
                visit(&node.here, written);
            }
            return;
        };
        let names = node.folded.get(first.to_ascii_lowercase().as_str()).into_iter().flatten();
        let literals = names.filter_map(|name| Some((name.to_string(), *node.literal.get(name)?)));
        let variables = node.variable.iter().filter_map(|(text, next)| {
            let start = first.get(..text.len()).filter(|start| start.eq_ignore_ascii_case(text))?;
            let value = first.get(start.len()..).filter(|value| !value.is_empty())?;
            Some((format!("{text}{value}"), *next))
        });
        for (element, next) in literals.chain(variables) {
            written.push(element);
            self.descend_folded(next, rest, written, visit);
            written.pop();
        }
    }
}
