//! Links between objects that can be followed backwards: from what is referred to, to who refers to it.

use std::collections::{BTreeSet, HashMap};

use backstay_resources::Kind;

use crate::change::ObjectKey;

/// Objects, by kind.
type ByKind = Vec<(&'static Kind, BTreeSet<ObjectKey>)>;

/// Who refers to what, whether that exists or not.
#[derive(Debug, Default)]
pub(super) struct Links {
    targets: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    dependents: HashMap<ObjectKey, ByKind>,
}

impl Links {
    /// `owner` refers to exactly these.
    pub(super) fn set(&mut self, owner: &ObjectKey, targets: BTreeSet<ObjectKey>) {
        let before = match targets.is_empty() {
            true => self.targets.remove(owner),
            false => self.targets.insert(owner.clone(), targets.clone()),
        };
        let before = before.unwrap_or_default();
        for target in before.difference(&targets) {
            self.unlink(owner, target);
        }
        for target in targets.difference(&before) {
            let by_kind = self.dependents.entry(target.clone()).or_default();
            match by_kind.iter_mut().find(|(kind, _)| *kind == owner.kind) {
                Some((_, dependents)) => {
                    dependents.insert(owner.clone());
                }
                None => by_kind.push((owner.kind, BTreeSet::from([owner.clone()]))),
            }
        }
    }

    fn unlink(&mut self, owner: &ObjectKey, target: &ObjectKey) {
        let Some(by_kind) = self.dependents.get_mut(target) else { return };
        if let Some((_, dependents)) = by_kind.iter_mut().find(|(kind, _)| *kind == owner.kind) {
            dependents.remove(owner);
        }
        by_kind.retain(|(_, dependents)| !dependents.is_empty());
        if by_kind.is_empty() {
            self.dependents.remove(target);
        }
    }

    /// The objects of one kind that refer to `target`, sorted.
    pub(super) fn dependents<'a>(
        &'a self,
        target: &ObjectKey,
        kind: &Kind,
    ) -> impl Iterator<Item = &'a ObjectKey> + use<'a> {
        let mut by_kind = self.dependents.get(target).into_iter().flatten();
        by_kind.find(|(of, _)| *of == kind).into_iter().flat_map(|(_, dependents)| dependents)
    }

    /// All that refer to `target`.
    pub(super) fn all_dependents<'a>(
        &'a self,
        target: &ObjectKey,
    ) -> impl Iterator<Item = &'a (&'static Kind, BTreeSet<ObjectKey>)> + use<'a> {
        self.dependents.get(target).into_iter().flatten()
    }
}
