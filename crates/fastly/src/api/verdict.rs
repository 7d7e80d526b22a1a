//! Whether a version can be served. The one place where the API asks what compiles versions.

use backstay_store::Snapshot;
use serde_json::Value;

use super::failure::Failure;
use super::record::Record;
use crate::object::{ServiceSpec, VersionSpec};

/// What is wrong with a version, and what of it would not be as it seems.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Verdict {
    /// Looks at a version.
    pub(crate) fn of(_: &Snapshot, _: &Record<ServiceSpec>, version: &VersionSpec) -> Result<Self, Failure> {
        let mut verdict = Self::default();
        if version.domains.is_empty() {
            verdict.errors.push("Version has no associated domains".to_owned());
        }
        Ok(verdict)
    }

    /// The warnings as answers have them.
    pub(crate) fn message(&self) -> Value {
        if self.warnings.is_empty() {
            return Value::Null;
        }
        let lines: Vec<String> = self.warnings.iter().map(|warning| format!("Warning: {warning}")).collect();
        lines.join("\n").into()
    }
}
