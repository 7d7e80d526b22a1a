use std::collections::BTreeMap;
use std::fmt;

use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A log endpoint: stored as it was sent, and nothing is logged there. Its debug output has none of its fields, for they
/// hold the keys of others.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogEndpoint {
    /// Where it logs to, as paths have it: `s3`, `syslog`.
    pub kind: String,
    /// Unique within the version and the kind.
    pub name: String,
    /// Name of a condition. Empty: always.
    pub response_condition: String,
    /// All its other fields, as text.
    pub fields: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

impl fmt::Debug for LogEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("LogEndpoint");
        shown.field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}
