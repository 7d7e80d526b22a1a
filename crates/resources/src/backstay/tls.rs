//! TLS to the endpoints.

mod ciphers;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::ciphers::{CIPHER_SUITES, CipherSuite, cipher_suite};

/// TLS to the endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendTls {
    /// Server name to send. Default: the endpoint's fqdn; with dynamicProxy, the request's authority. Envoy: `sni`.
    /// Fastly: `ssl_sni_hostname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// Name or address that the certificate must carry. Default: the name that is sent. Envoy:
    /// `match_typed_subject_alt_names`. Fastly: `ssl_cert_hostname`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
    /// A Secret whose `ca.crt` holds the authorities to trust. Default: the system's. Envoy: `trusted_ca`. Fastly:
    /// `ssl_ca_cert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate_ref: Option<SecretRef>,
    /// The authorities to trust as PEM, in place of a Secret; at most 256 KiB. Envoy: `trusted_ca.inline_string`. Fastly:
    /// `ssl_ca_cert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// A Secret of the type kubernetes.io/tls with the certificate to present. Default: none. Envoy:
    /// `tls_certificates`. Fastly: `ssl_client_cert`, `ssl_client_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate_ref: Option<SecretRef>,
    /// Accepts any certificate, so that whoever is on the way can read and change everything. Default false. The
    /// condition `Insecure` warns of it. Envoy: `ACCEPT_UNTRUSTED`. Fastly: `ssl_check_cert` false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
    /// Lowest version of TLS: `"1.2"` or `"1.3"`. Default 1.2. Envoy: `tls_minimum_protocol_version`. Fastly:
    /// `min_tls_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-backstay-refused" = {"1.0": TOO_OLD, "1.1": TOO_OLD}))]
    pub min_version: Option<TlsVersion>,
    /// Highest version of TLS: `"1.2"` or `"1.3"`. Default 1.3. Envoy: `tls_maximum_protocol_version`. Fastly:
    /// `max_tls_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-backstay-refused" = {"1.0": TOO_OLD, "1.1": TOO_OLD}))]
    pub max_version: Option<TlsVersion>,
    /// The only cipher suites to offer, by OpenSSL's names or IANA's. A version of TLS without one in the list is not
    /// offered. Default: all that are supported, each of which is safe. Envoy: `cipher_suites`, there for TLS 1.2 alone.
    /// Fastly: `ssl_ciphers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub ciphers: Vec<String>,
    /// Protocols to offer, such as `h2` or `http/1.1`. Default: what the Backend's protocol needs. Envoy:
    /// `alpn_protocols`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub alpn: Vec<String>,
}

const TOO_OLD: &str = "TLS 1.0 and 1.1 are broken and withdrawn by RFC 8996, and rustls does not have them; an endpoint \
    that has nothing newer cannot be reached over TLS";

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

impl TlsVersion {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }
}

/// A Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// Name of the Secret.
    #[serde(default)]
    pub name: String,
    /// Namespace of the Secret. Default `default`.
    #[serde(default)]
    pub namespace: String,
}
