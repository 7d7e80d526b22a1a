//! The cipher suites that there are: those of rustls.
//!
//! All are authenticated encryption with forward secrecy, so that any of them is a safe choice.

use super::TlsVersion;

/// A cipher suite.
#[derive(Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// The name that OpenSSL and Envoy know, such as `ECDHE-RSA-AES128-GCM-SHA256`. For TLS 1.3 it is IANA's.
    pub openssl: &'static str,
    /// The name in IANA's registry, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
    pub iana: &'static str,
    /// The one version of TLS that has it.
    pub version: TlsVersion,
}

const fn v1_3(name: &'static str) -> CipherSuite {
    CipherSuite { openssl: name, iana: name, version: TlsVersion::V1_3 }
}

const fn v1_2(openssl: &'static str, iana: &'static str) -> CipherSuite {
    CipherSuite { openssl, iana, version: TlsVersion::V1_2 }
}

/// All that there are.
pub static CIPHER_SUITES: [CipherSuite; 9] = [
    v1_3("TLS_AES_256_GCM_SHA384"),
    v1_3("TLS_AES_128_GCM_SHA256"),
    v1_3("TLS_CHACHA20_POLY1305_SHA256"),
    v1_2("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    v1_2("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    v1_2("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    v1_2("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    v1_2("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    v1_2("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// The suite of this name, OpenSSL's or IANA's.
#[must_use]
pub fn cipher_suite(name: &str) -> Option<&'static CipherSuite> {
    CIPHER_SUITES.iter().find(|suite| suite.openssl == name || suite.iana == name)
}
