//! Objects as they are changed.

use std::sync::Arc;

use backstay_auth::User;
use backstay_resources::{Kind, Object, ObjectMeta, Timestamp};
use backstay_store::{Entry, Expect, Key, Operation, Prefix, Revision, Snapshot, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::object::{
    AclSpec, DictionarySpec, FASTLY_ACL, FASTLY_DICTIONARY, FASTLY_SERVICE, FASTLY_TOMBSTONE, FASTLY_VERSION,
    ServiceSpec, TombstoneSpec, VersionSpec, version_name,
};

/// An object, and what its `spec` says.
#[derive(Debug, Clone)]
pub(crate) struct Record<S> {
    kind: &'static Kind,
    object: Object,
    pub(crate) spec: S,
    /// None for one that is not stored yet.
    modified: Option<Revision>,
}

/// A version as it is stored: its parts are read one by one, as their shapes say.
pub(crate) type VersionMap = Map<String, Value>;

impl<S: Serialize + DeserializeOwned> Record<S> {
    /// A new object.
    pub(crate) fn new(kind: &'static Kind, name: &str, spec: S) -> Self {
        let metadata = ObjectMeta {
            name: name.to_owned(),
            uid: uuid::Uuid::new_v4().to_string(),
            creation_timestamp: Some(Timestamp::now()),
            ..ObjectMeta::default()
        };
        let object = Object { api_version: kind.api_version(), kind: kind.kind.to_owned(), metadata, body: Map::new() };
        Self { kind, object, spec, modified: None }
    }

    pub(super) fn read(kind: &'static Kind, entry: &Entry) -> Result<Self, Failure> {
        let damaged = |error: serde_json::Error| Failure::damaged(entry.key.as_str(), &error);
        let mut object = Object::decode(&entry.value.bytes()).map_err(damaged)?;
        let spec = object.body.remove("spec").unwrap_or_default();
        let spec = serde_json::from_value(spec).map_err(damaged)?;
        Ok(Self { kind, object, spec, modified: Some(entry.modified) })
    }

    /// The object's name.
    pub(crate) fn name(&self) -> &str {
        &self.object.metadata.name
    }

    fn key(&self) -> Key {
        Key::new(&self.kind.resource(), "", self.name())
    }

    fn expect(&self) -> Expect {
        self.modified.map_or(Expect::Absent, Expect::Modified)
    }

    /// Stores it, if it is as it was read.
    pub(crate) fn put(mut self) -> Result<Write, Failure> {
        let (key, expect) = (self.key(), self.expect());
        let damaged = |error: serde_json::Error| Failure::damaged(key.as_str(), &error);
        let spec = serde_json::to_value(&self.spec).map_err(damaged)?;
        // Where it was: before the status, if there is one.
        let status = self.object.body.remove("status");
        self.object.body.insert("spec".to_owned(), spec);
        self.object.body.extend(status.map(|status| ("status".to_owned(), status)));
        self.object.metadata.generation += 1;
        let value = self.object.encode().map_err(damaged)?;
        Ok(Write { key, expect, operation: Operation::Put(value.into()) })
    }

    /// Takes it away, if it is as it was read.
    pub(crate) fn delete(&self) -> Write {
        Write { key: self.key(), expect: self.expect(), operation: Operation::Delete }
    }

    /// Does the rest of a commit only if it is as it was read.
    pub(crate) fn guard(&self) -> Write {
        Write::guard(self.key(), self.expect())
    }
}

fn find<S: Serialize + DeserializeOwned>(
    snapshot: &Snapshot,
    kind: &'static Kind,
    name: &str,
) -> Result<Option<Record<S>>, Failure> {
    // What is no name of an object is none of ours, and no key either.
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return Ok(None);
    }
    snapshot.get(&Key::new(&kind.resource(), "", name)).map(|entry| Record::read(kind, entry)).transpose()
}

/// A service that this identity sees. One that it saw before it was deleted is told apart from one that never was.
pub(crate) fn service(snapshot: &Snapshot, identity: &User, id: &str) -> Result<Record<ServiceSpec>, Failure> {
    let found: Option<Record<ServiceSpec>> = find(snapshot, &FASTLY_SERVICE, id)?;
    if let Some(service) = found.filter(|service| identity.sees(&service.spec.customer_id, id)) {
        return Ok(service);
    }
    let left: Option<Record<TombstoneSpec>> = find(snapshot, &FASTLY_TOMBSTONE, id)?;
    match left.filter(|tombstone| identity.sees(&tombstone.spec.customer_id, id)) {
        Some(_) => Err(Failure::deleted(id)),
        None => Err(Failure::not_found("Service", &[("id", id)])),
    }
}

/// What is left of the deleted services of a customer, oldest first.
pub(crate) fn tombstones(snapshot: &Snapshot, customer: &str) -> Result<Vec<Record<TombstoneSpec>>, Failure> {
    let prefix = Prefix::resource(&FASTLY_TOMBSTONE.resource());
    let mut entries: Vec<&Arc<Entry>> = snapshot.list(&prefix).collect();
    entries.sort_by_key(|entry| entry.created);
    let read = entries.into_iter().map(|entry| Record::<TombstoneSpec>::read(&FASTLY_TOMBSTONE, entry));
    let of_customer = |record: &Result<Record<TombstoneSpec>, Failure>| {
        record.as_ref().map_or(true, |it| it.spec.customer_id == customer)
    };
    read.filter(of_customer).collect()
}

/// All services that this identity sees, oldest first.
pub(crate) fn services(snapshot: &Snapshot, identity: &User) -> Result<Vec<Record<ServiceSpec>>, Failure> {
    let prefix = Prefix::resource(&FASTLY_SERVICE.resource());
    let mut entries: Vec<&Arc<Entry>> = snapshot.list(&prefix).collect();
    entries.sort_by_key(|entry| entry.created);
    let mut services = Vec::new();
    for entry in entries {
        let service: Record<ServiceSpec> = Record::read(&FASTLY_SERVICE, entry)?;
        if identity.sees(&service.spec.customer_id, service.name()) {
            services.push(service);
        }
    }
    Ok(services)
}

/// A version of a service.
pub(crate) fn version(snapshot: &Snapshot, service: &str, number: u32) -> Result<Record<VersionMap>, Failure> {
    let found = find(snapshot, &FASTLY_VERSION, &version_name(service, number))?;
    found.ok_or_else(|| Failure::not_found("Version", &[("service", service), ("version", &number.to_string())]))
}

/// The version of a service that is active.
pub(crate) fn active_version(
    snapshot: &Snapshot,
    service: &Record<ServiceSpec>,
) -> Result<Record<VersionMap>, Failure> {
    let absent = || Failure::not_found("Version", &[("service", service.name()), ("active", "1")]);
    version(snapshot, service.name(), service.spec.active.ok_or_else(absent)?)
}

/// The versions of a service, in the order of their numbers.
pub(crate) fn versions(snapshot: &Snapshot, service: &str) -> Result<Vec<Record<VersionMap>>, Failure> {
    let prefix = Prefix::resource(&FASTLY_VERSION.resource());
    let before = format!("{service}.");
    let start = Key::new(&FASTLY_VERSION.resource(), "", &before);
    let entries = snapshot.list_after(&prefix, start).take_while(|entry| entry.key.name().starts_with(&before));
    let mut versions =
        entries.map(|entry| Record::read(&FASTLY_VERSION, entry)).collect::<Result<Vec<_>, Failure>>()?;
    versions.sort_by_key(Record::number);
    Ok(versions)
}

/// What is in an access control list.
pub(crate) fn acl(snapshot: &Snapshot, service: &str, id: &str) -> Result<Record<AclSpec>, Failure> {
    let found: Option<Record<AclSpec>> = find(snapshot, &FASTLY_ACL, id)?;
    let found = found.filter(|acl| acl.spec.service == service);
    found.ok_or_else(|| Failure::not_found("ACL", &[("id", id), ("service", service)]))
}

/// What is in a dictionary.
pub(crate) fn dictionary(snapshot: &Snapshot, service: &str, id: &str) -> Result<Record<DictionarySpec>, Failure> {
    let found: Option<Record<DictionarySpec>> = find(snapshot, &FASTLY_DICTIONARY, id)?;
    let found = found.filter(|dictionary| dictionary.spec.service == service);
    found.ok_or_else(|| Failure::not_found("Dictionary", &[("id", id), ("service", service)]))
}

impl Record<VersionMap> {
    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.spec
            .get("number")
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or_default()
    }

    /// Whether its parts can no longer change.
    pub(crate) fn is_locked(&self) -> bool {
        self.spec.get("locked") == Some(&Value::Bool(true))
    }

    /// The parts of one kind, as its shape or the type of a version calls them.
    pub(crate) fn parts(&self, list: &str) -> &[Value] {
        self.spec.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Changes the parts of one kind.
    pub(crate) fn change<T>(&mut self, list: &str, change: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        let mut parts = match self.spec.get_mut(list).map(Value::take) {
            Some(Value::Array(parts)) => parts,
            _ => Vec::new(),
        };
        let result = change(&mut parts);
        self.spec.insert(list.to_owned(), Value::Array(parts));
        result
    }

    /// As a type.
    pub(crate) fn typed(&self) -> Result<VersionSpec, Failure> {
        let spec = serde_json::from_value(Value::Object(self.spec.clone()));
        spec.map_err(|error| Failure::damaged(self.name(), &error))
    }

    /// It was changed now.
    pub(crate) fn touch(&mut self) {
        self.spec.insert("updated_at".to_owned(), now());
    }
}

/// Now, as objects have it.
pub(crate) fn now() -> Value {
    Timestamp::now().to_string().into()
}
