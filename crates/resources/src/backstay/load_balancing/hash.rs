//! What of a request is hashed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GoDuration;
use crate::backstay::{bounds, words};
use crate::field::{FieldPath, Findings};

/// Longest name of a query parameter and longest path of a cookie, in bytes.
const MAX_TEXT: usize = 1024;

/// Something of a request that is hashed: exactly one of `header`, `cookie`, `sourceIp` and `queryParameter`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HashPolicy {
    /// Name of a header; all its values count. Envoy: `header.header_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// A cookie. Envoy: `cookie`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<HashCookie>,
    /// The client's address. Default false. Envoy: `connection_properties.source_ip`. Fastly: a director of the type client.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub source_ip: bool,
    /// Name of a query parameter. Envoy: `query_parameter.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameter: Option<String>,
    /// Whether those after it count only where this one found nothing. Default false. Envoy: `terminal`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
}

/// A cookie that is hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HashCookie {
    /// Name of the cookie.
    pub name: String,
    /// Gives a client without the cookie one for this long, in whole seconds; 0s is until it closes. Default: none is
    /// given. Envoy: `ttl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<GoDuration>,
    /// The path of the cookie that is given. Default: the client decides. Envoy: `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl HashPolicy {
    pub(super) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let given = [
            ("header", self.header.is_some()),
            ("cookie", self.cookie.is_some()),
            ("sourceIp", self.source_ip),
            ("queryParameter", self.query_parameter.is_some()),
        ];
        bounds::exactly_one(&given, path, findings);
        if let Some(name) = &self.header {
            words::header_name(name, &path.child("header"), findings);
        }
        if let Some(name) = &self.query_parameter {
            findings.text(&path.child("queryParameter"), name, MAX_TEXT);
        }
        if let Some(cookie) = &self.cookie {
            cookie.check(&path.child("cookie"), findings);
        }
    }
}

impl HashCookie {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        words::token(&self.name, &path.child("name"), findings);
        if let Some(ttl) = self.ttl {
            bounds::whole_seconds(ttl, &path.child("ttl"), findings);
        }
        if let Some(text) = &self.path {
            let path = path.child("path");
            if self.ttl.is_none() {
                findings.forbidden(&path, "is for a cookie that is given, which needs a ttl");
            }
            let sound = |byte: u8| byte.is_ascii_graphic() && byte != b';' || byte == b' ';
            if findings.text(&path, text, MAX_TEXT) && !(text.starts_with('/') && text.bytes().all(sound)) {
                findings.invalid(
                    &path,
                    text,
                    "must start with '/' and consist of visible ASCII characters without ';'",
                );
            }
        }
    }
}
