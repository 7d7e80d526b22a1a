//! From what a client sent to an object that may be stored.

use backstay_resources::decode::{Decoded, MAX_SURPLUS};
use backstay_resources::{Object, Surplus, check};
use serde_json::{Map, Value};

use crate::api::Api;
use crate::ownership::{self, Claim};
use crate::query::FieldValidation;
use crate::served::{ServedKind, is_of_kubernetes};
use crate::status::Failure;

/// Metadata that is the server's to say.
const SERVER_METADATA: [&str; 8] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "managedFields",
    "selfLink",
];

/// What a client sent, unknown fields dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    fields: Map<String, Value>,
    /// One for each field that was dropped.
    pub(crate) warnings: Vec<String>,
}

impl Draft {
    /// Checks that it is an object of the kind that the URL names, and drops fields that the kind does not have.
    pub(crate) fn new(served: &ServedKind, decoded: Decoded, validation: FieldValidation) -> Result<Self, Failure> {
        let mut value = decoded.value;
        if is_of_kubernetes(served.kind) {
            name_kind(served, &mut value);
        }
        check_kind(served, &value)?;
        let mut surplus = decoded.duplicates;
        surplus.extend(check::prune(served.kind, &mut value));
        surplus.truncate(MAX_SURPLUS);
        let surplus: Vec<String> = surplus.iter().map(Surplus::to_string).collect();
        if validation == FieldValidation::Strict && !surplus.is_empty() {
            let (kind, version) = (served.kind.kind, served.kind.version);
            return Err(Failure::bad_request(format!(
                "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {}",
                surplus.join(", ")
            )));
        }
        let Value::Object(fields) = value else {
            return Err(Failure::bad_request("the request body is not an object"));
        };
        let warnings = if validation == FieldValidation::Warn { surplus } else { Vec::new() };
        let draft = Self { fields, warnings };
        draft.check_metadata(served)?;
        Ok(draft)
    }

    /// Refuses metadata of another type where the URL or the server says what it is: what is not read would be taken for what is not
    /// there, and a number for a version for none that is expected. The rest is checked when all of it is.
    fn check_metadata(&self, served: &ServedKind) -> Result<(), Failure> {
        let Some(metadata) = self.fields.get("metadata").and_then(Value::as_object) else { return Ok(()) };
        let names = SERVER_METADATA.iter().chain(&["name", "namespace"]);
        let errors: Vec<_> = names
            .filter_map(|name| Some((*name, metadata.get(*name)?)))
            .flat_map(|(name, value)| check::metadata_field(served.kind, name, value))
            .collect();
        let name = self.metadata("name");
        if errors.is_empty() { Ok(()) } else { Err(Failure::invalid(served.kind, name, &errors)) }
    }

    /// What was merged of an object that is there and one that is applied, in which there is nothing unknown.
    pub(crate) fn merged(fields: Map<String, Value>, warnings: Vec<String>) -> Self {
        Self { fields, warnings }
    }

    /// Takes out what it says of who owns what.
    pub(crate) fn take_claim(&mut self) -> Claim {
        let metadata = self.fields.get_mut("metadata").and_then(Value::as_object_mut);
        let claim = metadata.and_then(|metadata| metadata.shift_remove("managedFields"));
        ownership::claim_of(claim.as_ref())
    }

    /// A text of the metadata, empty if it is not there.
    pub(crate) fn metadata(&self, name: &str) -> &str {
        let metadata = self.fields.get("metadata").and_then(|metadata| metadata.get(name));
        metadata.and_then(Value::as_str).unwrap_or_default()
    }

    /// Fills in what the URL says, if the object does not say otherwise.
    pub(crate) fn locate(&mut self, name: Option<&str>, namespace: &str) -> Result<(), Failure> {
        if let Some(name) = name {
            let said = self.metadata("name");
            if !said.is_empty() && said != name {
                return Err(Failure::bad_request(format!(
                    "the name of the object ({said}) does not match the name on the URL ({name})"
                )));
            }
        }
        let said = self.metadata("namespace");
        // Of what is in no namespace, Kubernetes passes over one that is written.
        if !namespace.is_empty() && !said.is_empty() && said != namespace {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let metadata = self.fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        if let Some(metadata) = metadata.as_object_mut() {
            if let Some(name) = name {
                metadata.insert("name".into(), name.into());
            }
            match namespace {
                "" => drop(metadata.remove("namespace")),
                namespace => drop(metadata.insert("namespace".into(), namespace.into())),
            }
        }
        Ok(())
    }

    /// Gives it another name.
    pub(crate) fn rename(&mut self, name: String) {
        if let Some(metadata) = self.fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".into(), name.into());
        }
    }

    /// Drops what clients do not decide about a new object.
    pub(crate) fn strip_for_create(&mut self, served: &ServedKind) {
        if let Some(metadata) = self.fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for name in SERVER_METADATA {
                metadata.remove(name);
            }
        }
        if served.kind.has_status {
            self.fields.remove("status");
        }
    }

    /// Takes from the stored object what clients do not decide about it: some metadata, and the status.
    pub(crate) fn carry_over(&mut self, served: &ServedKind, current: &Map<String, Value>) {
        if let Some(metadata) = self.fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for name in SERVER_METADATA {
                metadata.remove(name);
                if let Some(value) = current.get("metadata").and_then(|metadata| metadata.get(name)) {
                    metadata.insert(name.into(), value.clone());
                }
            }
        }
        if served.kind.has_status {
            self.fields.remove("status");
            if let Some(status) = current.get("status") {
                self.fields.insert("status".into(), status.clone());
            }
        }
    }

    /// The stored object with this one's status.
    pub(crate) fn only_status(mut self, current: &Map<String, Value>) -> Self {
        let mut fields = current.clone();
        fields.remove("status");
        if let Some(status) = self.fields.remove("status") {
            fields.insert("status".into(), status);
        }
        Self { fields, warnings: self.warnings }
    }

    /// Fills in defaults, and finds everything that is wrong.
    pub(crate) fn admit(self, served: &ServedKind, old: Option<&Object>) -> Result<(Object, Vec<String>), Failure> {
        let name = self.metadata("name").to_owned();
        let mut admitted = check::admit(served.kind, Value::Object(self.fields), old)
            .map_err(|errors| Failure::invalid(served.kind, &name, &errors))?;
        served.stored_version().clone_into(&mut admitted.object.api_version);
        let mut warnings = self.warnings;
        warnings.extend(admitted.warnings);
        Ok((admitted.object, warnings))
    }
}

/// Clients with generated types for the kinds of Kubernetes leave out what the URL says anyway.
fn name_kind(served: &ServedKind, value: &mut Value) {
    if let Value::Object(fields) = value {
        for (name, text) in [("apiVersion", served.api_version.as_str()), ("kind", served.kind.kind)] {
            let field = fields.entry(name).or_insert(Value::Null);
            if field.is_null() || field == "" {
                *field = text.into();
            }
        }
    }
}

/// Checks that a value says of itself that it is an object of a kind.
pub(crate) fn check_kind(served: &ServedKind, value: &Value) -> Result<(), Failure> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    if kind.is_empty() {
        return Err(Failure::bad_request("Object 'Kind' is missing in the request body"));
    }
    if api_version.is_empty() {
        return Err(Failure::bad_request("Object 'apiVersion' is missing in the request body"));
    }
    if api_version != served.api_version {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({})",
            served.api_version
        )));
    }
    if kind != served.kind.kind {
        let (version, expected) = (served.kind.version, served.kind.kind);
        return Err(Failure::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {expected}: the kind does not match the URL"
        )));
    }
    Ok(())
}

/// 413 if what is known of who owns what takes more room than it may, unless it takes less than before.
pub(crate) fn check_size(api: &Api, old: Option<&Object>, new: &Object) -> Result<(), Failure> {
    let size = |object: &Object| object.metadata.managed_fields.json().len();
    let (limit, taken) = (api.options.max_managed_fields_bytes, size(new));
    if taken <= limit || old.is_some_and(|old| taken <= size(old)) {
        return Ok(());
    }
    api.options.meter.reached("max_managed_fields_bytes");
    Err(Failure::too_large(format!(
        "metadata.managedFields would take {taken} bytes, and may take {limit}: let field managers give up fields, or reset them all \
         with managedFields: [{{}}]"
    )))
}
