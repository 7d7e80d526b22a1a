use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which pages of other origins may read answers: cross-origin resource sharing, as the Fetch standard has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cors {
    /// Origins: `https://example.com`, `https://*.example.com:8443`, or `*` alone. 64 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub allow_origins: Vec<String>,
    /// Whether requests may carry cookies and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    /// Methods, or `*` alone. 9 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub allow_methods: Vec<String>,
    /// Headers of requests, or `*` alone. 64 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub allow_headers: Vec<String>,
    /// Headers of answers. 64 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub expose_headers: Vec<String>,
    /// For how many seconds a browser may remember the answer to a preflight request. At least 1. Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i32>,
}
