use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::host;
use super::shape::{COMMENT, Encoding, Fallback, Field, Identity, Part, Rename, Shape, Takes, settle};

/// A host that a service answers for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Domain {
    /// A host name in lower case, or `*.` and one, which covers one label more.
    pub name: String,
    /// A comment.
    pub comment: String,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "domain",
    list: "domains",
    label: "Domain",
    fields: &[Field::new("name", Takes::Text(255), Fallback::Required), COMMENT],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Domain>,
};

impl Part for Domain {
    fn normalise(&mut self) {
        self.name.make_ascii_lowercase();
    }

    fn check(&self) -> Result<(), String> {
        if host::is_domain(&self.name) { Ok(()) } else { Err(format!("Domain '{}' is not a valid domain", self.name)) }
    }
}
