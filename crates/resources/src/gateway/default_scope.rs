//! Who is meant where nobody is named: a Gateway by routes, and routes by a Gateway.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who is meant where nobody is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DefaultScope {
    /// Everybody.
    All,
    /// Nobody.
    None,
}
