use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, NAME, Part, Rename, Shape, Takes, settle};

/// What is cached, and for how long. Stored; nothing is cached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CacheSettings {
    /// Unique within the version.
    pub name: String,
    /// `pass`, `cache`, `restart` or `deliver`.
    pub action: Option<String>,
    /// Name of a condition.
    pub cache_condition: Option<String>,
    /// Seconds for which what has expired may be served.
    pub stale_ttl: u32,
    /// Seconds.
    pub ttl: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "cache_settings",
    list: "cache_settings",
    label: "Cache setting",
    fields: &[
        NAME,
        Field::new("action", Takes::Choice(&["pass", "cache", "restart", "deliver"]), Fallback::Null),
        Field::optional("cache_condition"),
        Field::number("stale_ttl", 0).as_text(),
        Field::number("ttl", 0).as_text(),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<CacheSettings>,
};

impl Part for CacheSettings {}
