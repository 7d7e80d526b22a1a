use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{Fallback, Field, MOST, Part, SHORT, Takes};

/// What holds of a whole version. Nothing is cached, so that only the host has an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The host that backends see. Empty: that of the request.
    #[serde(rename = "general.default_host")]
    pub default_host: String,
    /// Seconds. Stored.
    #[serde(rename = "general.default_ttl")]
    pub default_ttl: u32,
    /// Stored.
    #[serde(rename = "general.default_pci")]
    pub default_pci: u32,
    /// Stored.
    #[serde(rename = "general.stale_if_error")]
    pub stale_if_error: bool,
    /// Seconds. Stored.
    #[serde(rename = "general.stale_if_error_ttl")]
    pub stale_if_error_ttl: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_host: String::new(),
            default_ttl: 3600,
            default_pci: 0,
            stale_if_error: false,
            stale_if_error_ttl: 43_200,
        }
    }
}

/// To the API.
pub(crate) static FIELDS: &[Field] = &[
    Field::new("general.default_host", Takes::Text(SHORT), Fallback::Text("")),
    Field::new("general.default_ttl", Takes::Number(0, MOST), Fallback::Number(3600)),
    Field::new("general.default_pci", Takes::Number(0, 1), Fallback::Number(0)),
    Field::new("general.stale_if_error", Takes::Boolean, Fallback::Boolean(false)),
    Field::new("general.stale_if_error_ttl", Takes::Number(0, MOST), Fallback::Number(43_200)),
];

impl Part for Settings {
    fn check(&self) -> Result<(), String> {
        if self.default_host.is_empty() || super::host::is_host_header(&self.default_host) {
            return Ok(());
        }
        Err(format!("General.default host '{}' is not a valid Host header", self.default_host))
    }
}
