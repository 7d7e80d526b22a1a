//! Modifiers of several.

use std::cmp::Reverse;

use backstay_proto::config;
use backstay_proto::config::modifier::Kind;

use super::fields::Fields;
use super::scope::Scope;
use super::{Found, Reader, modifier};

impl Reader<'_> {
    /// `fifo.Group`: in the order of the list.
    pub(super) fn fifo(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let aggregate_errors = found.fields.truth("aggregateErrors");
        let path = found.path.key("modifiers");
        let read = |(index, node): (usize, &_)| {
            let node: &crate::document::Node = node;
            self.read(node, node.place, &path.index(index))
        };
        let modifiers: Vec<_> = found.fields.list("modifiers")?.iter().enumerate().map(read).collect();
        let modifiers = modifiers.into_iter().collect::<Option<Vec<_>>>()?;
        Some(modifier(scope?, Kind::Group(config::ModifierGroup { modifiers, aggregate_errors: aggregate_errors? })))
    }

    /// `priority.Group`: the highest priority first, and of those alike the last one written.
    pub(super) fn priority(self, found: &Found<'_>) -> Option<config::Modifier> {
        let scope = self.scope(found, Scope::BOTH);
        let path = found.path.key("modifiers");
        let mut modifiers = Vec::new();
        let mut is_whole = true;
        for (index, node) in found.fields.list("modifiers")?.iter().enumerate() {
            let path = path.index(index);
            let fields = Fields::of(node, &path, self.report);
            let priority = fields.integer("priority");
            let inner = match fields.get("modifier") {
                Some(entry) => self.read(&entry.node, entry.place, &path.key(&entry.key)),
                None => {
                    self.report.unreadable(node.place, &path, "modifier is missing");
                    None
                }
            };
            match (priority, inner) {
                (Some(priority), Some(inner)) => modifiers.push((priority, inner)),
                _ => is_whole = false,
            }
            fields.finish("priority.Group");
        }
        modifiers.reverse();
        modifiers.sort_by_key(|(priority, _)| Reverse(*priority));
        let modifiers = modifiers.into_iter().map(|(_, modifier)| modifier).collect();
        let group = Kind::Group(config::ModifierGroup { modifiers, aggregate_errors: false });
        is_whole.then_some(modifier(scope?, group))
    }
}
