//! What makes two versions of an object differ.
//!
//! Source: Kubernetes, `structured-merge-diff`, `typed.Compare`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::element;
use super::items::{Items, list_of};
use super::set::FieldSet;
use super::shape::Shape;

/// The fields in which two versions of an object differ; each is in one of the sets at most.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) removed: FieldSet<'static>,
    pub(crate) modified: FieldSet<'static>,
    pub(crate) added: FieldSet<'static>,
}

/// What became of a field itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    removed: bool,
    modified: bool,
    added: bool,
}

impl Mark {
    /// Of a value that is one thing.
    fn leaf(one: Option<&Value>, other: Option<&Value>) -> Self {
        let mark = Self::presence(one, other);
        Self { modified: one.is_some() && other.is_some() && one != other, ..mark }
    }

    fn presence(one: Option<&Value>, other: Option<&Value>) -> Self {
        Self { removed: other.is_none(), added: one.is_none(), modified: false }
    }
}

impl Comparison {
    /// Compares two values of one shape; at least one is there.
    pub(crate) fn of(shape: &Shape, one: Option<&Value>, other: Option<&Value>) -> Self {
        let mut differences = Self::default();
        differences.walk(shape, one, other);
        differences
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// What is in the second version and not as it was.
    pub(crate) fn set(self) -> FieldSet<'static> {
        self.modified.union(self.added)
    }

    /// Leaves out a field of the object itself and all below it.
    pub(crate) fn drop_field(&mut self, element: &str) {
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.drop_field(element);
        }
    }

    /// Leaves out some fields and all below them.
    pub(crate) fn without(mut self, ignored: &FieldSet<'_>) -> Self {
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.subtract_trees(ignored);
        }
        self
    }

    /// All that a value has which was not there before: what [`Comparison::of`] says of nothing and of it.
    pub(crate) fn made(shape: &Shape, value: &Value) -> FieldSet<'static> {
        let mut fields = FieldSet::default();
        match (shape, value) {
            (Shape::Struct { .. } | Shape::Map(_) | Shape::Any, Value::Object(members)) => {
                fields = Self::made_members(shape, members);
            }
            (Shape::List { keys, items }, Value::Array(list)) => {
                let all = Items::of(keys, list);
                for element in all.elements() {
                    let below = match all.get(element) {
                        [item] => Self::made(items, item),
                        _ => FieldSet::default(),
                    };
                    fields.push(Cow::Owned(element.clone()), true, below);
                }
                fields.sort();
            }
            _ => {}
        }
        fields
    }

    /// The same of the members of an object.
    pub(crate) fn made_members(shape: &Shape, members: &Map<String, Value>) -> FieldSet<'static> {
        let mut fields = FieldSet::default();
        for (name, value) in members {
            let below = shape.member(name).map_or_else(FieldSet::default, |shape| Self::made(shape, value));
            fields.push(element_of_member(shape, name), true, below);
        }
        fields.sort();
        fields
    }

    /// Compares a field of the object itself.
    pub(crate) fn put(&mut self, element: &'static str, shape: &Shape, one: Option<&Value>, other: Option<&Value>) {
        self.descend(Cow::Borrowed(element), shape, one, other);
    }

    /// Adds what became of what is below a field of the object itself.
    pub(crate) fn put_below(&mut self, element: &'static str, below: Self) {
        self.push(Cow::Borrowed(element), Mark::default(), below);
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.sort();
        }
    }

    /// Compares the members of two objects that are structures or maps; says nothing of the objects themselves.
    pub(crate) fn members(
        &mut self,
        shape: &Shape,
        one: Option<&Map<String, Value>>,
        other: Option<&Map<String, Value>>,
    ) {
        for (name, old) in one.into_iter().flatten() {
            self.member(shape, name, Some(old), other.and_then(|other| other.get(name)));
        }
        for (name, new) in other.into_iter().flatten() {
            if one.is_none_or(|one| !one.contains_key(name)) {
                self.member(shape, name, None, Some(new));
            }
        }
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.sort();
        }
    }

    fn member(&mut self, shape: &Shape, name: &str, one: Option<&Value>, other: Option<&Value>) {
        let element = element_of_member(shape, name);
        // What the schema does not know is one value, as it was when it was stored.
        let shape = shape.member(name).unwrap_or(&Shape::Atomic(""));
        self.descend(element, shape, one, other);
    }

    fn descend(&mut self, element: Cow<'static, str>, shape: &Shape, one: Option<&Value>, other: Option<&Value>) {
        let mut below = Self::default();
        let mark = below.walk(shape, one, other);
        self.push(element, mark, below);
    }

    fn push(&mut self, element: Cow<'static, str>, mark: Mark, below: Self) {
        let Self { removed, modified, added } = self;
        let parts = [
            (removed, mark.removed, below.removed),
            (modified, mark.modified, below.modified),
            (added, mark.added, below.added),
        ];
        for (set, member, below) in parts {
            if member || !below.is_empty() {
                set.push(element.clone(), member, below);
            }
        }
    }

    fn walk(&mut self, shape: &Shape, one: Option<&Value>, other: Option<&Value>) -> Mark {
        match shape {
            Shape::Struct { .. } | Shape::Map(_) => {
                let (old, new) = (one.and_then(Value::as_object), other.and_then(Value::as_object));
                if old.is_none_or(Map::is_empty) && new.is_none_or(Map::is_empty) {
                    return Mark::leaf(one, other);
                }
                self.members(shape, old, new);
                Mark::presence(one, other)
            }
            Shape::List { keys, items } => {
                let (old, new) = (list_of(one), list_of(other));
                if old.is_empty() && new.is_empty() {
                    return Mark::leaf(one, other);
                }
                self.items(keys, items, old, new);
                Mark::presence(one, other)
            }
            Shape::Any if [one, other].into_iter().flatten().all(Value::is_object) => {
                self.walk(&Shape::Map(Box::new(Shape::Any)), one, other)
            }
            Shape::Any | Shape::Scalar(_) | Shape::Atomic(_) => Mark::leaf(one, other),
        }
    }

    fn items(&mut self, keys: &[&'static str], shape: &Shape, one: &[Value], other: &[Value]) {
        let (old, new) = (Items::of(keys, one), Items::of(keys, other));
        let only_new = new.elements().iter().filter(|element| old.get(element).is_empty());
        for element in old.elements().iter().chain(only_new) {
            let owned = Cow::Owned(element.clone());
            match (old.get(element), new.get(element)) {
                // What is there twice is one thing, whatever is in it.
                (one @ [_, _, ..], other @ [_, _, ..]) => {
                    let mark = Mark { modified: one != other, ..Mark::default() };
                    self.push(owned, mark, Self::default());
                }
                (one @ [_, _, ..], other) => {
                    let mut below = Self::default();
                    let mut mark = Mark::default();
                    if let Some(other) = other.first() {
                        mark = below.walk(shape, None, Some(other));
                    }
                    self.push(owned, Mark { removed: !one.is_empty(), ..mark }, below);
                }
                (one, [_, _, ..]) => {
                    let mut below = Self::default();
                    let mut mark = Mark::default();
                    if let Some(one) = one.first() {
                        mark = below.walk(shape, Some(one), None);
                    }
                    self.push(owned, Mark { added: true, ..mark }, below);
                }
                (one, other) => self.descend(owned, shape, one.first().copied(), other.first().copied()),
            }
        }
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.sort();
        }
    }
}

fn element_of_member(shape: &Shape, name: &str) -> Cow<'static, str> {
    let element = match shape {
        Shape::Struct { fields, .. } => fields.get(name).map(|field| Cow::Borrowed(field.element)),
        _ => None,
    };
    element.unwrap_or_else(|| Cow::Owned(element::field(name)))
}
