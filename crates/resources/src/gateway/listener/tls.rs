//! TLS of listeners, and what a Gateway says of TLS for all of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS of a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerTls {
    /// Only `Terminate`, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TlsMode>,
    /// Secrets with certificates; the one whose names cover the client's server name is used, else the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_refs: Vec<CertificateRef>,
    /// Settings of an implementation. Backstay has none: a listener that has any is not served.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// What `spec.tls.frontend` was before Gateway API v1.4. Not honoured: a listener that has it is not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend_validation: Option<ClientValidation>,
}

/// What is done with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsMode {
    /// The proxy ends it.
    Terminate,
    /// The proxy passes it on.
    Passthrough,
}

/// A Secret with a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateRef {
    /// Only the core group, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only `Secret`, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name of the Secret.
    #[serde(default)]
    pub name: String,
    /// Its namespace. Default: the Gateway's; `default` for a cluster-scoped Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// TLS that all listeners of a Gateway share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayTls {
    /// Towards clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<FrontendTls>,
    /// Towards endpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendTls>,
}

/// TLS towards clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrontendTls {
    /// Of all HTTPS listeners whose port has nothing of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<PortTlsConfig>,
    /// Of the HTTPS listeners of a port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["port"]))]
    pub per_port: Vec<PortTls>,
}

/// TLS towards the clients of a port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortTls {
    /// 1 to 65535.
    #[serde(default)]
    pub port: i32,
    /// What holds for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<PortTlsConfig>,
}

/// What is asked of clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortTlsConfig {
    /// The certificate that a client must present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ClientValidation>,
}

/// How the certificates of clients are validated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientValidation {
    /// The authorities that are trusted.
    #[serde(default)]
    pub ca_certificate_refs: Vec<CaCertificateRef>,
    /// Default `AllowValidOnly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ClientValidationMode>,
}

/// What becomes of a client without a valid certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClientValidationMode {
    /// It is refused.
    AllowValidOnly,
    /// It is served all the same.
    AllowInsecureFallback,
}

/// An object with certificates of authorities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaCertificateRef {
    /// API group.
    #[serde(default)]
    pub group: String,
    /// Such as `ConfigMap`.
    #[serde(default)]
    pub kind: String,
    /// Name of the object.
    #[serde(default)]
    pub name: String,
    /// Its namespace. Default: the Gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// TLS towards endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendTls {
    /// The certificate that endpoints are shown. A BackendPolicy has one that is honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<CertificateRef>,
}
