//! TLS, as a policy has it.

use backstay_proto::config;
use backstay_proto::config::backend::Protocol;
use backstay_proto::config::client_tls::Version;
use backstay_resources::backstay::{BackendTls, SecretRef, TlsVersion, cipher_suite};

use crate::secret::{DEFAULT_NAMESPACE, Role, SecretName, SecretUse};

pub(super) fn client_tls(settings: &BackendTls) -> config::ClientTls {
    let secret = |used: Option<SecretUse>| used.map(|used| used.resource().to_string()).unwrap_or_default();
    config::ClientTls {
        sni: settings.sni.clone().unwrap_or_default(),
        verified_name: settings.verified_name.clone().unwrap_or_default(),
        ca_secret: secret(authority(settings)),
        ca_bundle: settings.ca_certificate.clone().unwrap_or_default().into(),
        client_certificate: secret(certificate(settings)),
        skip_verification: settings.insecure_skip_verify,
        min_version: version(settings.min_version),
        max_version: version(settings.max_version),
        // One spelling for proxies to know.
        cipher_suites: settings
            .ciphers
            .iter()
            .map(|name| cipher_suite(name).map_or(name.as_str(), |suite| suite.iana).to_owned())
            .collect(),
        alpn: settings.alpn.clone(),
    }
}

/// The Secret with the authorities to trust.
pub(super) fn authority(settings: &BackendTls) -> Option<SecretUse> {
    settings.ca_certificate_ref.as_ref().map(|secret| named(secret).used_as(Role::Authority))
}

/// The Secret with the certificate to present.
pub(super) fn certificate(settings: &BackendTls) -> Option<SecretUse> {
    settings.client_certificate_ref.as_ref().map(|secret| named(secret).used_as(Role::Certificate))
}

/// What is wrong with offering `alpn` for a protocol: the endpoint may choose any of it, and is then spoken to in the
/// Backend's protocol all the same.
pub(super) fn alpn_problem(alpn: &[String], protocol: Protocol) -> Option<&'static str> {
    let has = |name: &str| alpn.iter().any(|offered| offered == name);
    match protocol {
        _ if alpn.is_empty() => None,
        Protocol::Http2Tls if !has("h2") => Some("its protocol h2 needs h2 to be offered"),
        Protocol::Http2Tls if has("http/1.1") || has("http/1.0") => {
            Some("an endpoint that chose HTTP/1 would be spoken to in HTTP/2, its protocol")
        }
        Protocol::Http1Tls if has("h2") => {
            Some("an endpoint that chose h2 would be spoken to in HTTP/1.1; for HTTP/2 give it protocol h2")
        }
        _ => None,
    }
}

fn named(secret: &SecretRef) -> SecretName {
    let namespace = if secret.namespace.is_empty() { DEFAULT_NAMESPACE } else { &secret.namespace };
    SecretName::new(namespace, &secret.name)
}

fn version(version: Option<TlsVersion>) -> i32 {
    let version = match version {
        None => Version::Default,
        Some(TlsVersion::V1_2) => Version::Tls12,
        Some(TlsVersion::V1_3) => Version::Tls13,
    };
    version.into()
}
