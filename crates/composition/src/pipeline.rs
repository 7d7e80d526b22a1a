//! What is made of one answer: target, then allow or deny, then mapping, then group; or target, operations, group.

mod operations;
mod select;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::decode::{Decoded, Decoder};
use crate::document::{Allow, Deny, Keep, Object, Reading, Shape, Top, Uncovered, Value};
use crate::error::DecodeError;
use crate::limits::Limits;

pub use operations::{Operation, Operations, OperationsError, Path};

/// What is made of one answer, in this order.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    target: Vec<Box<[u8]>>,
    array_targets: ArrayTargets,
    change: Change,
    group: Option<Bytes>,
}

/// Which members are kept, and what they are called.
#[derive(Clone, Debug)]
pub enum Change {
    /// A selection, then new names for members of the top level.
    Select(Selection, Mapping),
    /// Operations on the whole document take the place of both.
    Operate(Operations),
}

/// Which members are kept.
#[derive(Clone, Debug, Default)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Those that are listed.
    Allow(Allow),
    /// Those that are not listed.
    Deny(Deny),
}

/// What becomes of a target that is an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrayTargets {
    /// An empty object, as of any target that is no object.
    #[default]
    Empty,
    /// An object whose one member `collection` is the array.
    Collection,
}

/// New names for members of the top level. All are renamed at once: a name may be both old and new, and what is renamed to a name
/// that stays takes its place. Of several that are renamed to one name, the one whose old name comes last counts. A member that is
/// renamed to its own name is dropped. New names end at their first dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Box<[u8]>, Bytes>);

impl Default for Change {
    fn default() -> Self {
        Self::Select(Selection::All, Mapping::default())
    }
}

// === impl Mapping ===

impl Mapping {
    /// From pairs of an old and a new name.
    pub fn new<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let renamed = |(old, new): (&str, &str)| {
            let new = new.split('.').next().unwrap_or_default();
            (old.as_bytes().into(), Bytes::copy_from_slice(new.as_bytes()))
        };
        Self(names.into_iter().map(renamed).collect())
    }

    fn apply(&self, object: Object) -> Object {
        if self.0.is_empty() || object.is_empty() {
            return object;
        }
        let mut kept = Vec::new();
        let mut renamed = Vec::new();
        for (name, value) in object.into_members() {
            match self.0.get(name.as_ref()) {
                None => kept.push((name, value)),
                Some(new) if *new == name => {}
                Some(new) => renamed.push((new.clone(), value)),
            }
        }
        kept.append(&mut renamed);
        kept.into_iter().collect()
    }
}

// === impl Pipeline ===

impl Pipeline {
    /// With a target: a path of names, joined with dots, to the object that takes the document's place. A path that leads to
    /// anything else, or nowhere, leaves an empty object.
    #[must_use]
    pub fn with_target(mut self, path: &str, arrays: ArrayTargets) -> Self {
        self.target =
            if path.is_empty() { Vec::new() } else { path.split('.').map(|name| name.as_bytes().into()).collect() };
        self.array_targets = arrays;
        self
    }

    /// With a selection and new names, or with operations.
    #[must_use]
    pub fn with_change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    /// With a group: what is left becomes the one member of that name. An empty name is none.
    #[must_use]
    pub fn with_group(mut self, name: &str) -> Self {
        self.group = (!name.is_empty()).then(|| Bytes::copy_from_slice(name.as_bytes()));
        self
    }

    /// Decodes a body and applies the steps. `uncovered` is for what follows: whether members are looked at one by one.
    pub(crate) fn run(
        &self,
        decoder: Decoder,
        body: Bytes,
        uncovered: Uncovered,
        limits: &Limits,
    ) -> Result<Top, DecodeError> {
        let looked_at = match &self.change {
            Change::Select(_, mapping) if mapping.0.is_empty() => self.group.is_none() && uncovered == Uncovered::Yes,
            _ => true,
        };
        let reading = Reading {
            shape: Shape::Any,
            target: &self.target,
            keep: self.keep(),
            uncovered: if looked_at { Uncovered::Yes } else { Uncovered::No },
            arrays: self.array_targets == ArrayTargets::Collection,
        };
        let top = match decoder.decode(body, reading, limits)? {
            Decoded::Read(top) => top,
            Decoded::Whole(object) => Some(self.select(object)),
        };
        Ok(self.rename_and_group(top))
    }

    fn keep(&self) -> Keep<'_> {
        match &self.change {
            Change::Select(Selection::Allow(allow), _) => allow.keep(),
            Change::Select(Selection::Deny(deny), _) => deny.keep(),
            Change::Select(Selection::All, _) | Change::Operate(_) => Keep::All,
        }
    }

    fn select(&self, object: Object) -> Object {
        let object = select::target(object, &self.target, self.array_targets);
        select::keep(object, self.keep())
    }

    fn rename_and_group(&self, top: Top) -> Top {
        let top = match &self.change {
            Change::Select(_, mapping) => top.map(|object| mapping.apply(object)),
            Change::Operate(operations) => operations.apply(top),
        };
        match &self.group {
            None => top,
            Some(group) => Some(Object::single(group.clone(), top.map_or(Value::Null, Value::Object))),
        }
    }
}

#[cfg(test)]
mod tests;
