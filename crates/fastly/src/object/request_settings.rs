use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, NAME, Part, Rename, Shape, Takes, settle};

/// What is done with `X-Forwarded-For`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Xff {
    /// It is removed.
    Clear,
    /// It stays as it came.
    Leave,
    /// The client's address is added.
    #[default]
    Append,
    /// The client's address is added, and those of what is between.
    AppendAll,
    /// It is the client's address.
    Overwrite,
}

/// How requests are treated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RequestSettings {
    /// Unique within the version.
    pub name: String,
    /// `lookup` or `pass`: whether there is caching. Stored.
    pub action: Option<String>,
    /// Stored.
    pub bypass_busy_wait: Option<bool>,
    /// The host that backends see.
    pub default_host: Option<String>,
    /// Stored.
    pub force_miss: Option<bool>,
    /// Whether what came without TLS is redirected.
    pub force_ssl: bool,
    /// Stored.
    pub geo_headers: Option<bool>,
    /// Stored.
    pub hash_keys: Option<String>,
    /// Stored.
    pub max_stale_age: Option<u32>,
    /// Name of a condition. Empty or none: always.
    pub request_condition: Option<String>,
    /// Stored.
    pub timer_support: Option<bool>,
    /// What is done with `X-Forwarded-For`.
    pub xff: Xff,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

const fn flag(name: &'static str) -> Field {
    Field::new(name, Takes::Boolean, Fallback::Null).as_text()
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "request_settings",
    list: "request_settings",
    label: "Request setting",
    fields: &[
        NAME,
        Field::new("action", Takes::Choice(&["lookup", "pass"]), Fallback::Null),
        flag("bypass_busy_wait"),
        Field::optional("default_host"),
        flag("force_miss"),
        Field::new("force_ssl", Takes::Boolean, Fallback::Boolean(false)).as_text(),
        flag("geo_headers"),
        Field::new("hash_keys", Takes::Text(LONG), Fallback::Null),
        Field::new("max_stale_age", Takes::Number(0, super::shape::MOST), Fallback::Null).as_text(),
        Field::optional("request_condition"),
        flag("timer_support"),
        Field::new(
            "xff",
            Takes::Choice(&["clear", "leave", "append", "append_all", "overwrite"]),
            Fallback::Text("append"),
        ),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<RequestSettings>,
};

impl Part for RequestSettings {
    fn check(&self) -> Result<(), String> {
        match self.default_host.as_deref().filter(|host| !super::host::is_host_header(host)) {
            Some(host) => Err(format!("Default host '{host}' is not a valid Host header")),
            None => Ok(()),
        }
    }
}
