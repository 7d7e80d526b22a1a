//! Server-side apply.
//!
//! Source: Kubernetes, `structured-merge-diff`, `merge.Updater`, and `apimachinery/pkg/util/managedfields`.

use std::borrow::Cow;

use backstay_resources::{Kind, ManagedFields};
use serde_json::{Map, Value};

use super::client_side::{self, KUBECTL};
use super::compare::Comparison;
use super::conflict::Conflict;
use super::managers::{Manager, Managers, Operation, Writer};
use super::merge::merge;
use super::of_value::fields_of;
use super::record;
use super::remove::remove;
use super::set::FieldSet;
use super::shape::{self, Shape};
use super::written::{canonical, find_faults};

/// Who is said to own what was there before anybody applied, if nothing is known.
const BEFORE_FIRST: &str = "before-first-apply";

/// What is never anybody's: it says which object it is, or is the server's.
const NOBODYS: [&[&str]; 11] = [
    &["f:apiVersion"],
    &["f:kind"],
    &["f:metadata"],
    &["f:metadata", "f:name"],
    &["f:metadata", "f:namespace"],
    &["f:metadata", "f:creationTimestamp"],
    &["f:metadata", "f:selfLink"],
    &["f:metadata", "f:uid"],
    &["f:metadata", "f:generation"],
    &["f:metadata", "f:managedFields"],
    &["f:metadata", "f:resourceVersion"],
];

/// Who applies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applier<'a> {
    pub(crate) writer: Writer<'a>,
    /// Whether to take over what others own.
    pub(crate) force: bool,
}

/// An object as it is after an apply, before it is admitted.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) fields: Map<String, Value>,
    pub(crate) managed_fields: ManagedFields,
    /// Whether who owns what is as it was, whenever that was.
    pub(crate) same_owners: bool,
}

/// Why something cannot be applied.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// It is no object of the kind.
    Faults(Vec<String>),
    /// Others own what it says otherwise.
    Conflicts(Vec<Conflict>),
}

/// Applies `applied` to an object of `kind`. `live` is its stored state without who owns what, which is `owned`; both are empty if
/// there is none.
pub(crate) fn apply(
    kind: &Kind,
    live: Map<String, Value>,
    owned: &ManagedFields,
    applied: &Map<String, Value>,
    applier: &Applier<'_>,
) -> Result<Applied, ApplyError> {
    let shape = shape::of(kind);
    let faults = find_faults(shape, &Value::Object(applied.clone()));
    if !faults.is_empty() {
        return Err(ApplyError::Faults(faults));
    }
    let (live, config) = (Value::Object(live), Value::Object(canonical(kind, shape, applied)));
    let api_version = kind.api_version();
    let before = Managers::stored(owned);
    let mut managers = before.clone();
    if managers.0.is_empty() {
        let first = Writer { manager: BEFORE_FIRST, ..applier.writer };
        let mut all = Comparison::of(shape, None, Some(&live)).without(&unwritten(shape, applier.writer.subresource));
        strip(&mut all.added);
        record::update(&mut managers, all, &first, Cow::Borrowed(&api_version));
    }
    let job = Job { shape, live: &live, config: &config, applier, api_version: &api_version };
    let outcome = match job.run(managers.clone(), applier.force) {
        Err(conflicts) if applier.writer.manager == KUBECTL => job.upgrade(managers, conflicts),
        outcome => outcome,
    };
    let (merged, mut managers) = outcome.map_err(ApplyError::Conflicts)?;
    let changed = merged != live;
    let mut fields = if let Value::Object(fields) = merged { fields } else { Map::new() };
    if applier.writer.manager == KUBECTL {
        client_side::keep_in_step(&mut fields, applied);
    }
    if !changed {
        keep_time(&mut managers, &before);
    }
    let same_owners = same_but_times(&managers, &before);
    Ok(Applied { fields, managed_fields: managers.encode(), same_owners })
}

/// One apply.
struct Job<'a> {
    shape: &'a Shape,
    live: &'a Value,
    config: &'a Value,
    applier: &'a Applier<'a>,
    api_version: &'a str,
}

impl<'a> Job<'a> {
    fn run(&self, mut managers: Managers<'a>, force: bool) -> Result<(Value, Managers<'a>), Vec<Conflict>> {
        let Self { shape, live, config, .. } = *self;
        let ignored = &unwritten(shape, self.applier.writer.subresource);
        let me = Manager::of(&self.applier.writer, Operation::Apply, Cow::Borrowed(self.api_version));
        let last = managers.0.iter().find(|manager| manager.is(&me)).map(|manager| manager.fields.clone());
        let merged = merge(shape, Some(live), Some(config)).unwrap_or_default();
        let mut fields = fields_of(shape, config);
        fields.subtract_trees(ignored);
        managers.put(Manager { fields, ..me.clone() });
        let merged = match last {
            Some(last) if !last.is_empty() => prune(shape, merged, &managers, &last),
            _ => merged,
        };
        let changes = Comparison::of(shape, Some(live), Some(&merged)).without(ignored);
        let (removed, changed) = (changes.removed.clone(), changes.set());
        let others = || managers.0.iter().filter(|manager| !manager.is(&me));
        let mut conflicts: Vec<Conflict> =
            others().flat_map(|other| Conflict::each(other, &other.fields.intersection(&changed))).collect();
        if !force && !conflicts.is_empty() {
            conflicts.sort_by(|one, other| one.manager.cmp(&other.manager));
            return Err(conflicts);
        }
        managers.0.retain_mut(|manager| {
            if manager.is(&me) {
                strip(&mut manager.fields);
            } else {
                manager.fields.subtract(&changed);
                manager.fields.subtract(&removed);
            }
            !manager.fields.is_empty()
        });
        Ok((merged, managers))
    }

    /// What kubectl applied as a client it may change without force.
    fn upgrade(
        &self,
        managers: Managers<'a>,
        conflicts: Vec<Conflict>,
    ) -> Result<(Value, Managers<'a>), Vec<Conflict>> {
        let Some(allowed) = client_side::applied_fields(self.shape, self.api_version, self.live) else {
            return Err(conflicts);
        };
        let left: Vec<Conflict> = conflicts.into_iter().filter(|conflict| !conflict.is_in(&allowed)).collect();
        if left.is_empty() { self.run(managers, true) } else { Err(left) }
    }
}

/// The fields that are not written by way of a subresource: a status has one of its own, which writes nothing else.
fn unwritten(shape: &Shape, subresource: &str) -> FieldSet<'static> {
    let mut unwritten = FieldSet::default();
    let Shape::Struct { fields, .. } = shape else { return unwritten };
    for (_, field) in fields.iter().filter(|(name, _)| (**name == "status") == subresource.is_empty()) {
        unwritten.insert(&[field.element]);
    }
    unwritten
}

/// Takes out what is never anybody's.
fn strip(fields: &mut FieldSet<'_>) {
    let mut nobodys = FieldSet::default();
    NOBODYS.iter().for_each(|path| nobodys.insert(path));
    fields.subtract(&nobodys);
}

/// Takes away what the applier owned, does not apply any more, and nobody else owns.
fn prune(shape: &Shape, merged: Value, managers: &Managers<'_>, last: &FieldSet<'_>) -> Value {
    let without = |gone: &FieldSet<'_>| {
        let mut left = merged.clone();
        remove(shape, &mut left, gone);
        left
    };
    let last = last.with_named_fields(shape);
    let everybodys = managers.0.iter().fold(FieldSet::default(), |all, manager| all.union(manager.fields.borrowed()));
    let everything = fields_of(shape, &merged);
    let everything = everything.with_named_fields(shape);
    // First what others own, or the applier still does, comes back,
    let kept = fields_of(shape, &without(&last));
    let mut gone = everything.clone();
    gone.subtract(&kept.with_named_fields(shape).union(everybodys.with_named_fields(shape)));
    // then what only went because it was below what went.
    let kept = fields_of(shape, &without(&gone));
    let mut gone = everything.clone();
    gone.subtract(&kept.with_named_fields(shape));
    without(&gone.intersection(&last))
}

/// One who changes neither an object nor what they own of it leaves the time as it is.
fn keep_time(managers: &mut Managers<'_>, before: &Managers<'_>) {
    for manager in &mut managers.0 {
        if let Some(earlier) = before.0.iter().find(|earlier| earlier.is(manager) && earlier.fields == manager.fields) {
            manager.time = earlier.time;
        }
    }
}

fn same_but_times(one: &Managers<'_>, other: &Managers<'_>) -> bool {
    let among = |all: &Managers<'_>, one: &Manager<'_>| {
        all.0.iter().any(|other| other.is(one) && other.fields == one.fields && other.api_version == one.api_version)
    };
    one.0.len() == other.0.len() && one.0.iter().all(|manager| among(other, manager))
}
