use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Encoding, Fallback, Field, Identity, LONG, NAME, Part, Rename, SHORT, Shape, Takes, settle};

/// A response that no backend is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResponseObject {
    /// Unique within the version.
    pub name: String,
    /// Its status.
    pub status: u16,
    /// Its reason phrase.
    pub response: String,
    /// Its body.
    pub content: String,
    /// Its media type.
    pub content_type: Option<String>,
    /// Name of the condition on requests. Empty or none: none.
    pub request_condition: Option<String>,
    /// Name of the condition on what backends answer. Empty or none: none.
    pub cache_condition: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "response_object",
    list: "response_objects",
    label: "Response object",
    fields: &[
        NAME,
        Field::new("status", Takes::Number(200, 599), Fallback::Number(200)).as_text(),
        Field::new("response", Takes::Text(SHORT), Fallback::Text("Ok")),
        Field::new("content", Takes::Text(LONG), Fallback::Text("")),
        Field::optional("content_type"),
        Field::optional("request_condition"),
        Field::optional("cache_condition"),
    ],
    version: Encoding::Text,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<ResponseObject>,
};

impl Part for ResponseObject {
    fn check(&self) -> Result<(), String> {
        let is_line = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
        if !is_line(&self.response) {
            return Err("Response is not a valid reason phrase".to_owned());
        }
        if self.content_type.as_deref().is_some_and(|kind| !is_line(kind)) {
            return Err("Content type is not a valid header".to_owned());
        }
        Ok(())
    }
}
