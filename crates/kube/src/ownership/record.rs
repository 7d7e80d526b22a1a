//! Who owns what after a write that is not an apply: what it changed is the writer's, and no longer anybody else's.

use std::borrow::Cow;

use backstay_resources::{Kind, ManagedFields, Object, ObjectMeta};
use serde_json::{Map, Value};

use super::compare::Comparison;
use super::managers::{self, Claim, Manager, Managers, Operation, Writer};
use super::set::FieldSet;
use super::shape::{self, Shape};

/// Notes in `new`, which is about to be stored, what `writer` changed since `old`. `old` is `None` if it is created.
pub fn record(kind: &Kind, old: Option<&Object>, new: &mut Object, writer: &Writer<'_>) {
    record_from(kind, old, new, &Claim::Kept, writer);
}

/// Notes in `object`, which is about to be stored, that `writer` changed its status, which was `old`.
pub fn record_status(kind: &Kind, old: Option<&Value>, object: &mut Object, writer: &Writer<'_>) {
    let (stored, new) = (object.metadata.managed_fields.clone(), object.body.get("status"));
    let Some(below) = shape::of(kind).member("status").filter(|_| !stored.is_empty()) else { return };
    if let (None, Some(new)) = (old, new)
        && let Some(fields) = first_status(below, new, &stored, writer, kind)
    {
        object.metadata.managed_fields = fields;
        return;
    }
    let mut managers = Managers::stored(&stored);
    if managers.0.is_empty() {
        return;
    }
    let mut changes = Comparison::default();
    match (old, new) {
        (None, None) => return,
        (old, new) => changes.put("f:status", below, old, new),
    }
    update(&mut managers, changes, writer, Cow::Owned(kind.api_version()));
    managers.cap();
    object.metadata.managed_fields = managers.encode();
}

/// What is noted where there was no status, and nobody owns anything of one: an entry more. Every object comes to this, so that the others'
/// entries are not taken apart for it. `None` where they have to be.
fn first_status(
    below: &Shape,
    status: &Value,
    stored: &ManagedFields,
    writer: &Writer<'_>,
    kind: &Kind,
) -> Option<ManagedFields> {
    if memchr::memmem::find(stored.json().as_bytes(), b"\"f:status\"").is_some() {
        return None;
    }
    let mut fields = FieldSet::default();
    fields.push(Cow::Borrowed("f:status"), true, Comparison::made(below, status));
    let manager = Manager::of(writer, Operation::Update, Cow::Owned(kind.api_version()));
    managers::with_one_more(stored, Manager { fields, ..manager })
}

/// The same as [`record`], where the client itself says who owned what until then.
pub(crate) fn record_from(kind: &Kind, old: Option<&Object>, new: &mut Object, claim: &Claim, writer: &Writer<'_>) {
    let stored = old.map(|old| old.metadata.managed_fields.clone()).unwrap_or_default();
    let mut managers = match claim {
        Claim::Kept => Managers::stored(&stored),
        Claim::Reset => Managers::default(),
        Claim::Given(json) => Managers::decode(json).unwrap_or_default(),
    };
    // Of an object of which nobody is known to own anything, as one that an earlier version stored, nothing is noted until somebody applies it.
    if managers.0.is_empty() && old.is_some() {
        new.metadata.managed_fields = managers.encode();
        return;
    }
    if old.is_none() && *claim == Claim::Kept {
        let fields = made(shape::of(kind), new, writer);
        managers.add(Manager { fields, ..Manager::of(writer, Operation::Update, Cow::Owned(kind.api_version())) });
        managers.0.retain(|manager| !manager.fields.is_empty());
        new.metadata.managed_fields = managers.encode();
        return;
    }
    let mut changes = compare(shape::of(kind), old, new);
    if writer.subresource.is_empty() {
        // Its status is not written with an object, at most made with it.
        changes.drop_field("f:status");
    }
    if changes.is_empty() && *claim == Claim::Kept {
        new.metadata.managed_fields = stored;
        return;
    }
    update(&mut managers, changes, writer, Cow::Owned(kind.api_version()));
    managers.cap();
    new.metadata.managed_fields = managers.encode();
}

/// Takes what changed from everybody, and gives it to the writer. Nothing of it may be what is never anybody's.
pub(super) fn update<'a>(
    managers: &mut Managers<'a>,
    changes: Comparison,
    writer: &Writer<'a>,
    api_version: Cow<'a, str>,
) {
    managers.0.retain_mut(|manager| {
        manager.fields.subtract(&changes.removed);
        manager.fields.subtract(&changes.modified);
        manager.fields.subtract(&changes.added);
        !manager.fields.is_empty()
    });
    let fields = changes.set();
    if !fields.is_empty() {
        managers.add(Manager { fields, ..Manager::of(writer, Operation::Update, api_version) });
    }
}

/// What a new object has. The metadata that the server writes is left out, and so is its status, unless it is made with that.
fn made(shape: &Shape, new: &Object, writer: &Writer<'_>) -> FieldSet<'static> {
    let mut fields = Comparison::made_members(shape, &new.body);
    if writer.subresource.is_empty() {
        fields.drop_field("f:status");
    }
    if let Some(below) = shape.member("metadata") {
        fields.push(Cow::Borrowed("f:metadata"), false, Comparison::made_members(below, &metadata(&new.metadata)));
        fields.sort();
    }
    fields
}

/// What makes two objects differ. The metadata that the server writes is left out.
fn compare(shape: &Shape, old: Option<&Object>, new: &Object) -> Comparison {
    let mut changes = Comparison::default();
    changes.members(shape, old.map(|old| &old.body), Some(&new.body));
    let Some(below) = shape.member("metadata") else { return changes };
    if old.is_some_and(|old| same_metadata(&old.metadata, &new.metadata)) {
        return changes;
    }
    let (one, other) = (old.map(|old| metadata(&old.metadata)), metadata(&new.metadata));
    let mut of_metadata = Comparison::default();
    of_metadata.members(below, one.as_ref(), Some(&other));
    changes.put_below("f:metadata", of_metadata);
    changes
}

fn same_metadata(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    one.labels == other.labels
        && one.annotations == other.annotations
        && one.finalizers == other.finalizers
        && one.owner_references == other.owner_references
        && one.generate_name == other.generate_name
}

/// The metadata that clients own.
fn metadata(metadata: &ObjectMeta) -> Map<String, Value> {
    let texts = |map: &std::collections::BTreeMap<String, String>| -> Value {
        map.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect::<Map<_, _>>().into()
    };
    let mut fields = Map::new();
    if !metadata.labels.is_empty() {
        fields.insert("labels".into(), texts(&metadata.labels));
    }
    if !metadata.annotations.is_empty() {
        fields.insert("annotations".into(), texts(&metadata.annotations));
    }
    if !metadata.finalizers.is_empty() {
        fields.insert("finalizers".into(), metadata.finalizers.clone().into());
    }
    if !metadata.generate_name.is_empty() {
        fields.insert("generateName".into(), metadata.generate_name.clone().into());
    }
    if !metadata.owner_references.is_empty() {
        fields.insert("ownerReferences".into(), serde_json::to_value(&metadata.owner_references).unwrap_or_default());
    }
    fields
}
