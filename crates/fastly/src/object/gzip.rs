use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, NAME, Part, Rename, Shape, Takes, settle};

/// What is compressed. Stored; nothing is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Gzip {
    /// Unique within the version.
    pub name: String,
    /// Media types, with spaces between.
    pub content_types: Option<String>,
    /// Extensions, with spaces between.
    pub extensions: Option<String>,
    /// Name of a condition.
    pub cache_condition: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "gzip",
    list: "gzips",
    label: "Gzip",
    fields: &[
        NAME,
        Field::new("content_types", Takes::Text(LONG), Fallback::Null),
        Field::new("extensions", Takes::Text(LONG), Fallback::Null),
        Field::optional("cache_condition"),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Gzip>,
};

impl Part for Gzip {}
