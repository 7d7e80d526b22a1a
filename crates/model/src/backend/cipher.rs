//! What TLS can be asked to offer.

use rustls::crypto::ring;
use rustls::{ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

/// OpenSSL's names of the suites there are, beside those of IANA.
const SUITES: [(&str, &str, SupportedCipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", ring::cipher_suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", ring::cipher_suite::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// A cipher suite by its OpenSSL or IANA name; `None` for what is not, or not any more, thought safe.
#[must_use]
pub fn cipher_suite(name: &str) -> Option<SupportedCipherSuite> {
    SUITES.iter().find(|(openssl, iana, _)| *openssl == name || *iana == name).map(|(.., suite)| *suite)
}

/// OpenSSL's names of all suites there are.
pub fn cipher_suite_names() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|(openssl, ..)| *openssl)
}

/// The versions of TLS that are left to offer, given which may be and the only suites there are, if there are any.
#[must_use]
pub fn tls_versions(
    tls12: bool,
    tls13: bool,
    suites: &[SupportedCipherSuite],
) -> Vec<&'static SupportedProtocolVersion> {
    let has = |version| suites.is_empty() || suites.iter().any(|suite| suite.version().version == version);
    let mut versions = Vec::new();
    if tls13 && has(ProtocolVersion::TLSv1_3) {
        versions.push(&rustls::version::TLS13);
    }
    if tls12 && has(ProtocolVersion::TLSv1_2) {
        versions.push(&rustls::version::TLS12);
    }
    versions
}
