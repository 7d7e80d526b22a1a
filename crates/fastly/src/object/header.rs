use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, MOST, NAME, Part, Rename, SHORT, Shape, Takes, settle};

/// What is done with a header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeaderAction {
    /// It gets a value.
    #[default]
    Set,
    /// A value is added.
    Append,
    /// It is removed.
    Delete,
    /// The first match is replaced.
    Regex,
    /// Every match is replaced.
    RegexRepeat,
}

/// When a header object acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HeaderType {
    /// On requests.
    #[default]
    Request,
    /// On requests that go to a backend.
    Fetch,
    /// On responses that are cached.
    Cache,
    /// On responses.
    Response,
}

/// Changes a header, or another variable of the request: its target, its backend.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Header {
    /// Unique within the version.
    pub name: String,
    /// What is done.
    pub action: HeaderAction,
    /// When.
    #[serde(rename = "type")]
    pub kind: HeaderType,
    /// What is changed: `http.NAME`, `url`, `backend`.
    pub dst: String,
    /// The value, a VCL expression.
    pub src: Option<String>,
    /// What `regex` and `regex_repeat` look for.
    pub regex: Option<String>,
    /// What they put in place.
    pub substitution: Option<String>,
    /// Whether a header that is there stays.
    pub ignore_if_set: bool,
    /// Lower ones act first.
    pub priority: u32,
    /// Name of a condition. Empty or none: always.
    pub request_condition: Option<String>,
    /// Name of a condition. Empty or none: always.
    pub cache_condition: Option<String>,
    /// Name of a condition. Empty or none: always.
    pub response_condition: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "header",
    list: "headers",
    label: "Header",
    fields: &[
        NAME,
        Field::new(
            "action",
            Takes::Choice(&["set", "append", "delete", "regex", "regex_repeat"]),
            Fallback::Text("set"),
        ),
        Field::new("type", Takes::Choice(&["request", "fetch", "cache", "response"]), Fallback::Text("request")),
        Field::new("dst", Takes::Text(SHORT), Fallback::Required),
        Field::new("src", Takes::Text(LONG), Fallback::Null),
        Field::new("regex", Takes::Text(LONG), Fallback::Null),
        Field::new("substitution", Takes::Text(LONG), Fallback::Null),
        Field::new("ignore_if_set", Takes::Boolean, Fallback::Boolean(false)).as_text(),
        Field::new("priority", Takes::Number(0, MOST), Fallback::Number(100)).as_text(),
        Field::optional("request_condition"),
        Field::optional("cache_condition"),
        Field::optional("response_condition"),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Header>,
};

impl Part for Header {}
