use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, NAME, Part, Rename, Shape, Takes, settle};

/// A VCL file. Stored, and not run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Vcl {
    /// Unique within the version.
    pub name: String,
    /// Whether it is the one that others are included from.
    pub main: bool,
    /// Its text.
    pub content: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "vcl",
    list: "vcls",
    label: "VCL",
    fields: &[
        NAME,
        Field::new("main", Takes::Boolean, Fallback::Boolean(false)),
        Field::new("content", Takes::Text(LONG), Fallback::Required),
    ],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Vcl>,
};

impl Part for Vcl {}
