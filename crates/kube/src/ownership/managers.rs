//! Who owns which fields of an object, as `metadata.managedFields` has it.
//!
//! Source: Kubernetes, `meta/v1` `ManagedFieldsEntry`, and `apimachinery/pkg/util/managedfields`.

use std::borrow::Cow;
use std::collections::{HashMap, hash_map};

use backstay_resources::{ManagedFields, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::set::FieldSet;

/// How long the name of a manager may be, in bytes.
pub const MAX_MANAGER_BYTES: usize = 128;

/// How long the name of a subresource may be, in bytes.
const MAX_SUBRESOURCE_BYTES: usize = 256;

/// How many managers may own what they updated, as in Kubernetes. Of more the oldest become one.
const MAX_UPDATERS: usize = 10;

/// What the oldest of too many are called together.
const ANCIENT: &str = "ancient-changes";

/// What Backstay calls itself where it writes: statuses, and the objects that always exist.
pub const CONTROLLER: &str = "backstay";

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The name that the client gives itself.
    pub manager: &'a str,
    /// Such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Now.
    pub time: Timestamp,
}

/// How fields came to be owned. Those who apply come before those who update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manager<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) operation: Operation,
    pub(crate) api_version: Cow<'a, str>,
    pub(crate) subresource: Cow<'a, str>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) fields: FieldSet<'a>,
}

/// All of them, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Managers<'a>(pub(crate) Vec<Manager<'a>>);

/// What a client says of who owns what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing that can be understood: it stays as it is.
    Kept,
    /// That nobody owns anything.
    Reset,
    /// This, as JSON.
    Given(String),
}

/// An entry as it is encoded, its fields in the order in which Kubernetes writes them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    fields_type: Cow<'a, str>,
    #[serde(borrow, default, rename = "fieldsV1")]
    fields: FieldSet<'a>,
    #[serde(borrow, default)]
    manager: Cow<'a, str>,
    operation: Operation,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    subresource: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
}

/// An entry whose fields are left as they are encoded.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encoded<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    fields_type: Cow<'a, str>,
    #[serde(borrow, rename = "fieldsV1")]
    fields: &'a RawValue,
    #[serde(borrow)]
    manager: Cow<'a, str>,
    operation: Operation,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    subresource: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
}

/// Stored entries with one more, of a manager who has none and of fields that nobody owns. `None` where it may have one, or there are as
/// many as there may be.
pub(super) fn with_one_more(stored: &ManagedFields, manager: Manager<'_>) -> Option<ManagedFields> {
    let fields = serde_json::value::to_raw_value(&manager.fields).ok()?;
    let mut entries: Vec<Encoded<'_>> = serde_json::from_str(stored.json()).ok()?;
    let is_known = |entry: &Encoded<'_>| entry.manager == manager.name && entry.subresource == manager.subresource;
    if entries.len() >= MAX_UPDATERS || entries.iter().any(is_known) {
        return None;
    }
    let Manager { name, operation, api_version, subresource, time, .. } = manager;
    let fields_type = Cow::Borrowed("FieldsV1");
    entries.push(Encoded { api_version, fields_type, fields: &fields, manager: name, operation, subresource, time });
    entries.sort_by(|one, other| {
        let seconds = |time: Option<Timestamp>| time.map_or(0, |time| time.0.as_second());
        let by_age = one.operation.cmp(&other.operation).then(seconds(one.time).cmp(&seconds(other.time)));
        let by_name = by_age.then_with(|| one.manager.cmp(&other.manager));
        by_name
            .then_with(|| one.api_version.cmp(&other.api_version))
            .then_with(|| one.subresource.cmp(&other.subresource))
    });
    ManagedFields::of_entries(&entries).ok()
}

/// What `metadata.managedFields` of a client's object means. Once it is absent, or not as it should be, it says nothing: clients that do
/// not know it would otherwise take everybody's fields away.
pub(crate) fn claim_of(value: Option<&Value>) -> Claim {
    let Some(Value::Array(entries)) = value else { return Claim::Kept };
    match entries.as_slice() {
        // Unlike a list of one empty entry, which nobody sends by accident.
        [] => Claim::Kept,
        [Value::Object(entry)] if entry.values().all(|value| value.is_null() || value == "") => Claim::Reset,
        _ => {
            let json = Value::Array(entries.clone()).to_string();
            match Managers::decode(&json) {
                Ok(managers) if !managers.0.is_empty() => Claim::Given(json),
                _ => Claim::Kept,
            }
        }
    }
}

/// Why entries cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManagersError {
    /// Not of their shape.
    #[error("metadata.managedFields: {0}")]
    Json(#[from] serde_json::Error),
    /// An entry says what no entry may.
    #[error("metadata.managedFields[{0}]: {1}")]
    Entry(usize, &'static str),
}

impl<'a> Manager<'a> {
    /// Whether two entries are the same manager's. One who applies is the same whatever version it applies.
    pub(crate) fn is(&self, other: &Manager<'_>) -> bool {
        self.operation == other.operation
            && self.name == other.name
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The entry of who writes, without any fields.
    pub(crate) fn of(writer: &Writer<'a>, operation: Operation, api_version: Cow<'a, str>) -> Self {
        let name = if writer.manager.is_empty() { "unknown" } else { writer.manager };
        Self {
            name: Cow::Borrowed(name),
            operation,
            api_version,
            subresource: Cow::Borrowed(writer.subresource),
            time: Some(writer.time),
            fields: FieldSet::default(),
        }
    }
}

impl<'a> Managers<'a> {
    /// Reads stored entries, or a client's.
    pub(crate) fn decode(json: &'a str) -> Result<Self, ManagersError> {
        let entries: Vec<Entry<'a>> = serde_json::from_str(json)?;
        let mut managers: Vec<Manager<'a>> = Vec::with_capacity(entries.len());
        // Of entries of one manager the last counts.
        let mut known = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let wrong = |why| Err(ManagersError::Entry(index, why));
            if entry.api_version.is_empty() {
                return wrong("apiVersion must not be empty");
            }
            if entry.fields_type != "FieldsV1" {
                return wrong("fieldsType must be FieldsV1");
            }
            if entry.manager.len() > MAX_MANAGER_BYTES || entry.subresource.len() > MAX_SUBRESOURCE_BYTES {
                return wrong("manager or subresource is too long");
            }
            let version =
                if entry.operation == Operation::Apply { Cow::Borrowed("") } else { entry.api_version.clone() };
            let identity = (entry.operation, entry.manager.clone(), entry.subresource.clone(), version);
            let manager = Manager {
                name: entry.manager,
                operation: entry.operation,
                api_version: entry.api_version,
                subresource: entry.subresource,
                time: entry.time.map(|time| Timestamp::from_second(time.0.as_second())),
                fields: entry.fields,
            };
            match known.entry(identity) {
                hash_map::Entry::Occupied(known) => managers[*known.get()] = manager,
                hash_map::Entry::Vacant(known) => {
                    known.insert(managers.len());
                    managers.push(manager);
                }
            }
        }
        Ok(Self(managers))
    }

    /// Those of a stored object. What cannot be read is nobody's.
    pub(crate) fn stored(fields: &'a ManagedFields) -> Self {
        if fields.is_empty() {
            return Self::default();
        }
        Self::decode(fields.json()).unwrap_or_else(|error| {
            tracing::error!(%error, "stored managed fields cannot be read");
            Self::default()
        })
    }

    /// Adds an entry, instead of the one that its manager may have.
    pub(crate) fn put(&mut self, manager: Manager<'a>) {
        match self.0.iter_mut().find(|one| one.is(&manager)) {
            Some(one) => *one = manager,
            None => self.0.push(manager),
        }
    }

    /// Adds fields to what a manager owns.
    pub(crate) fn add(&mut self, manager: Manager<'a>) {
        match self.0.iter_mut().find(|one| one.is(&manager)) {
            Some(one) => {
                let owned = std::mem::take(&mut one.fields);
                *one = Manager { fields: owned.union(manager.fields), ..manager };
            }
            None => self.0.push(manager),
        }
    }

    /// Merges the oldest of those who update as long as there are too many.
    pub(crate) fn cap(&mut self) {
        let mut updaters = self.0.iter().filter(|manager| manager.operation == Operation::Update).count();
        if updaters <= MAX_UPDATERS {
            return;
        }
        let (mut oldest, mut kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|manager| manager.operation == Operation::Update);
        oldest.sort_by(|one, other| age(one).cmp(&age(other)));
        let mut merged: Vec<Manager<'a>> = Vec::new();
        for manager in oldest {
            if updaters <= MAX_UPDATERS {
                kept.push(manager);
                continue;
            }
            match merged.iter_mut().find(|one| one.api_version == manager.api_version) {
                Some(one) => {
                    let fields = std::mem::take(&mut one.fields).union(manager.fields);
                    let (name, subresource) = (Cow::Borrowed(ANCIENT), Cow::Borrowed(""));
                    *one = Manager { name, subresource, fields, ..manager };
                    updaters -= 1;
                }
                None => merged.push(manager),
            }
        }
        self.0 = kept;
        merged.into_iter().for_each(|manager| self.add(manager));
    }

    /// As the store keeps them.
    pub(crate) fn encode(mut self) -> ManagedFields {
        self.0.sort_by(|one, other| order(one).cmp(&order(other)));
        let entries: Vec<Entry<'_>> = self.0.into_iter().map(Manager::into_entry).collect();
        if entries.is_empty() {
            return ManagedFields::default();
        }
        ManagedFields::of_entries(&entries).unwrap_or_else(|error| {
            tracing::error!(%error, "managed fields cannot be encoded");
            ManagedFields::default()
        })
    }
}

impl<'a> Manager<'a> {
    fn into_entry(self) -> Entry<'a> {
        Entry {
            api_version: self.api_version,
            fields_type: Cow::Borrowed("FieldsV1"),
            fields: self.fields,
            manager: self.name,
            operation: self.operation,
            subresource: self.subresource,
            time: self.time,
        }
    }
}

fn seconds(manager: &Manager<'_>) -> i64 {
    manager.time.map_or(0, |time| time.0.as_second())
}

/// Oldest first; of one second, by name.
fn age<'m>(manager: &'m Manager<'_>) -> (i64, &'m str, &'m str, &'m str) {
    (seconds(manager), &manager.name, &manager.api_version, &manager.subresource)
}

/// The order in which Kubernetes lists them.
fn order<'m>(manager: &'m Manager<'_>) -> (Operation, i64, &'m str, &'m str, &'m str) {
    (manager.operation, seconds(manager), &manager.name, &manager.api_version, &manager.subresource)
}
