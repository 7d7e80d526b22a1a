use backstay_resources::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::{
    COMMENT, Encoding, Fallback, Field, Identity, MOST, NAME, Part, Rename, SHORT, Shape, Takes, settle,
};

/// Most headers of a probe.
const MAX_HEADERS: usize = 100;
/// The longest header of a probe, in bytes.
const MAX_HEADER: usize = 8190;
/// All headers of a probe together, in bytes.
const MAX_ALL_HEADERS: usize = 64 * 1024;

/// How it is found out whether a backend works: probes over HTTP, judged by the last few results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Healthcheck {
    /// Unique within the version.
    pub name: String,
    /// A comment.
    pub comment: String,
    /// From one probe to the next, in milliseconds.
    pub check_interval: u32,
    /// The status that is a success.
    pub expected_response: u16,
    /// Headers of the probe, `Name: value`.
    pub headers: Vec<String>,
    /// Host of the probe.
    pub host: String,
    /// `1.0` or `1.1`.
    pub http_version: String,
    /// How many successes it begins with.
    pub initial: u32,
    /// Method of the probe.
    pub method: String,
    /// Path of the probe.
    pub path: String,
    /// How many of the last results must be successes.
    pub threshold: u32,
    /// For a probe, in milliseconds.
    pub timeout: u32,
    /// How many results are looked at.
    pub window: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
}

/// To the API.
pub(super) static SHAPE: Shape = Shape {
    segment: "healthcheck",
    list: "healthchecks",
    label: "Healthcheck",
    fields: &[
        NAME,
        COMMENT,
        Field::new("check_interval", Takes::Number(1000, 3_600_000), Fallback::Number(5000)),
        Field::new("expected_response", Takes::Number(100, 599), Fallback::Number(200)),
        Field::new("headers", Takes::Lines, Fallback::Empty),
        Field::new("host", Takes::Text(SHORT), Fallback::Text("")),
        Field::new("http_version", Takes::Choice(&["1.0", "1.1"]), Fallback::Text("1.1")),
        Field::number("initial", 2),
        Field::new("method", Takes::Text(20), Fallback::Text("HEAD")),
        Field::new("path", Takes::Text(8190), Fallback::Text("/")),
        Field::number("threshold", 3),
        Field::new("timeout", Takes::Number(1, MOST), Fallback::Number(500)),
        Field::new("window", Takes::Number(1, 1000), Fallback::Number(5)),
    ],
    version: Encoding::Native,
    rename: Rename::Allowed,
    identity: Identity::Name,
    settle: settle::<Healthcheck>,
};

impl Part for Healthcheck {
    fn normalise(&mut self) {
        self.headers.retain(|header| !header.is_empty());
        for header in &mut self.headers {
            if let Some((name, value)) = header.split_once(':') {
                *header = format!("{}: {}", name.trim(), value.trim());
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        if !self.path.starts_with('/') || self.path.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(format!("Path '{}' is not a valid path", self.path));
        }
        if self.method.is_empty() || !self.method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!("Method '{}' is not a valid method", self.method));
        }
        if !self.host.is_empty() && !super::host::is_host_header(&self.host) {
            return Err(format!("Host '{}' is not a valid Host header", self.host));
        }
        if self.headers.len() > MAX_HEADERS {
            return Err(format!("Headers has more than {MAX_HEADERS} entries"));
        }
        if self.headers.iter().map(String::len).sum::<usize>() > MAX_ALL_HEADERS {
            return Err(format!("Headers is longer than {MAX_ALL_HEADERS} bytes"));
        }
        for header in &self.headers {
            let name = header.split_once(": ").map(|(name, _)| name).or_else(|| header.strip_suffix(':'));
            let is_sound = name.is_some_and(|name| http::HeaderName::try_from(name).is_ok());
            if !is_sound || header.len() > MAX_HEADER || header.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
                return Err(format!("Headers '{header}' is not a valid header"));
            }
        }
        Ok(())
    }
}
