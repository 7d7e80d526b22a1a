use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Timestamp;

/// Who set which field, encoded as it is stored: it is copied by all who read or write the object, and read by whoever has to
/// know. Copies share it.
#[derive(Debug, Clone, Default)]
pub struct ManagedFields(Option<Arc<RawValue>>);

impl ManagedFields {
    /// Of the JSON of a list of entries.
    ///
    /// # Errors
    /// When `json` is not JSON.
    pub fn from_json(json: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json).map(Self::of)
    }

    /// Of what serializes as a list of entries.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn of_entries(entries: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::value::to_raw_value(entries).map(Self::of)
    }

    fn of(json: Box<RawValue>) -> Self {
        let nothing = matches!(json.get(), "[]" | "null");
        Self((!nothing).then(|| Arc::from(json)))
    }

    /// Whether nobody is known to have set anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The list of entries as JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.as_ref().map_or("[]", |json| json.get())
    }
}

impl PartialEq for ManagedFields {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Serialize for ManagedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(json) => json.serialize(serializer),
            None => serializer.collect_seq(std::iter::empty::<()>()),
        }
    }
}

impl<'de> Deserialize<'de> for ManagedFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::of)
    }
}

impl JsonSchema for ManagedFields {
    fn schema_name() -> Cow<'static, str> {
        "ManagedFields".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Vec::<ManagedFieldsEntry>::json_schema(generator);
        schema.insert("x-kubernetes-list-type".into(), "atomic".into());
        schema
    }
}

/// What one client has set, as the schema tells it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is there for its schema")]
struct ManagedFieldsEntry {
    /// Group and version that the fields are of.
    api_version: Option<String>,
    /// Always `FieldsV1`.
    fields_type: Option<String>,
    /// The fields: `f:NAME` is a field or the key of a map, `k:{...}` an item of a list by its keys, `v:VALUE` an item of a set,
    /// `.` the field itself.
    fields_v1: Option<BTreeMap<String, Value>>,
    /// Who set them.
    manager: Option<String>,
    /// How: `Apply` or `Update`.
    operation: Option<String>,
    /// The subresource by which they were set; empty for the object itself.
    subresource: Option<String>,
    /// When an entry for the manager was added, or its fields or their values changed.
    time: Option<Timestamp>,
}
