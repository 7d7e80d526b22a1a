use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, NAME, Part, Rename, Shape, Takes, settle};

const TYPES: &[&str] =
    &["init", "recv", "hash", "hit", "miss", "pass", "fetch", "error", "deliver", "log", "none", "prehash"];

/// A piece of VCL. Stored, and not run. What a dynamic one says is the service's
/// ([`ServiceSpec::dynamic_snippets`](super::ServiceSpec::dynamic_snippets)), and `content` is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Snippet {
    /// The same in every version.
    pub id: String,
    /// Unique within the version.
    pub name: String,
    /// The subroutine that it is a part of: `init`, `recv`, `fetch` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it changes without a new version.
    pub dynamic: bool,
    /// Lower ones come first.
    pub priority: u32,
    /// Its text.
    pub content: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "snippet",
    list: "snippets",
    label: "Snippet",
    fields: &[
        NAME,
        Field::new("type", Takes::Choice(TYPES), Fallback::Required),
        Field::new("dynamic", Takes::Boolean, Fallback::Boolean(false)).as_text(),
        Field::number("priority", 100).as_text(),
        Field::new("content", Takes::Text(LONG), Fallback::Text("")),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Id,
    settle: settle::<Snippet>,
};

impl Part for Snippet {}
