use std::collections::BTreeMap;
use std::fmt;

use backstay_resources::{ObjectMeta, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acl::check_identifier;
use super::shape::{Encoding, Fallback, Field, Identity, Part, Rename, Shape, Takes, settle};

/// A dictionary as a version has it: its name. What is in it needs no version: [`FastlyDictionary`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Dictionary {
    /// The same in every version; the name of the [`FastlyDictionary`].
    pub id: String,
    /// Unique within the version; what conditions call it.
    pub name: String,
    /// Whether items can be written and not be read.
    pub write_only: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// The items of a dictionary. Its debug output has none of them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FastlyDictionary {
    /// Standard object metadata. The name is the dictionary's identifier.
    pub metadata: ObjectMeta,
    /// What is stored.
    pub spec: DictionarySpec,
}

/// What is stored of a dictionary.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DictionarySpec {
    /// Identifier of its service.
    pub service: String,
    /// Whether items can be written and not be read.
    pub write_only: bool,
    /// By key.
    pub items: BTreeMap<String, DictionaryItem>,
}

/// A value of a dictionary.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DictionaryItem {
    /// The value.
    pub value: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl fmt::Debug for FastlyDictionary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FastlyDictionary")
            .field("name", &self.metadata.name)
            .field("service", &self.spec.service)
            .field("items", &self.spec.items.len())
            .finish_non_exhaustive()
    }
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "dictionary",
    list: "dictionaries",
    label: "Dictionary",
    fields: &[
        Field::new("name", Takes::Text(255), Fallback::Required),
        Field::new("write_only", Takes::Boolean, Fallback::Boolean(false)),
    ],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Id,
    settle: settle::<Dictionary>,
};

impl Part for Dictionary {
    fn check(&self) -> Result<(), String> {
        check_identifier("Name", &self.name)
    }
}
