//! Links between objects that can be followed backwards: from what is referred to, to who refers to it.

use std::collections::{BTreeSet, HashMap};

use backstay_resources::Kind;

use crate::change::ObjectKey;

/// Objects, by kind. Kinds are few.
#[derive(Debug, Default)]
pub(super) struct ByKind(Vec<(&'static Kind, BTreeSet<ObjectKey>)>);

impl ByKind {
    pub(super) fn of_mut(&mut self, kind: &'static Kind) -> &mut BTreeSet<ObjectKey> {
        let index = self.0.iter().position(|(of, _)| *of == kind).unwrap_or_else(|| {
            self.0.push((kind, BTreeSet::new()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }

    pub(super) fn take(&mut self, kind: &Kind) -> BTreeSet<ObjectKey> {
        let index = self.0.iter().position(|(of, _)| *of == kind);
        index.map(|index| self.0.swap_remove(index).1).unwrap_or_default()
    }
}

/// Who refers to what, whether that exists or not.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Sorted.
    targets: HashMap<ObjectKey, Vec<ObjectKey>>,
    dependents: HashMap<ObjectKey, ByKind>,
}

impl Links {
    /// `owner` refers to exactly these.
    pub(super) fn set(&mut self, owner: &ObjectKey, mut targets: Vec<ObjectKey>) {
        targets.sort_unstable();
        targets.dedup();
        let before = self.targets.remove(owner).unwrap_or_default();
        for target in before.iter().filter(|target| targets.binary_search(target).is_err()) {
            self.unlink(owner, target);
        }
        for target in targets.iter().filter(|target| before.binary_search(target).is_err()) {
            self.dependents.entry(target.clone()).or_default().of_mut(owner.kind).insert(owner.clone());
        }
        if !targets.is_empty() {
            self.targets.insert(owner.clone(), targets);
        }
    }

    fn unlink(&mut self, owner: &ObjectKey, target: &ObjectKey) {
        let Some(by_kind) = self.dependents.get_mut(target) else { return };
        by_kind.of_mut(owner.kind).remove(owner);
        by_kind.0.retain(|(_, dependents)| !dependents.is_empty());
        if by_kind.0.is_empty() {
            self.dependents.remove(target);
        }
    }

    /// The objects of one kind that refer to `target`, sorted.
    pub(super) fn dependents<'a>(
        &'a self,
        target: &ObjectKey,
        kind: &Kind,
    ) -> impl Iterator<Item = &'a ObjectKey> + use<'a> {
        let of_kind = self.all_dependents(target).find(|(of, _)| *of == kind);
        of_kind.into_iter().flat_map(|(_, dependents)| dependents)
    }

    /// All that refer to `target`.
    pub(super) fn all_dependents<'a>(
        &'a self,
        target: &ObjectKey,
    ) -> impl Iterator<Item = &'a (&'static Kind, BTreeSet<ObjectKey>)> + use<'a> {
        self.dependents.get(target).into_iter().flat_map(|by_kind| &by_kind.0)
    }
}
