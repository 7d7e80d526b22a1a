use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{COMMENT, Encoding, Fallback, Field, Identity, MOST, NAME, Part, Rename, Shape, Takes, settle};

/// When a condition is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConditionType {
    /// When a request came.
    #[default]
    Request,
    /// When a response came, and it is decided whether it is cached.
    Cache,
    /// When a response is delivered.
    Response,
    /// Before a request is sent on.
    Prefetch,
}

impl ConditionType {
    /// In the middle of a sentence: `request`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Cache => "cache",
            Self::Response => "response",
            Self::Prefetch => "prefetch",
        }
    }
}

/// A condition that other parts refer to by its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Condition {
    /// Unique within the version; it never changes.
    pub name: String,
    /// A comment.
    pub comment: String,
    /// Lower ones are looked at first.
    pub priority: u32,
    /// A VCL expression, as it was written.
    pub statement: String,
    /// When it is looked at.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "condition",
    list: "conditions",
    label: "Condition",
    fields: &[
        NAME,
        COMMENT,
        Field::new("priority", Takes::Number(0, MOST), Fallback::Number(100)).as_text(),
        Field::new("statement", Takes::Text(16 * 1024), Fallback::Required),
        Field::new("type", Takes::Choice(&["REQUEST", "CACHE", "RESPONSE", "PREFETCH"]), Fallback::Text("REQUEST")),
    ],
    version: Encoding::Text,
    rename: Rename::Refused,
    identity: Identity::Name,
    settle: settle::<Condition>,
};

impl Part for Condition {}
