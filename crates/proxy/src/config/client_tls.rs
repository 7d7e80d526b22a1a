//! TLS to endpoints, as far as it is configured.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::Protocol;
use super::tls::{FixedName, TlsError, provider};

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
pub fn cipher_suite(name: &str) -> Option<SupportedCipherSuite> {
    SUITES.iter().find(|(openssl, iana, _)| *openssl == name || *iana == name).map(|(.., suite)| *suite)
}

/// OpenSSL's names of all suites there are.
pub fn cipher_suite_names() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|(openssl, ..)| *openssl)
}

/// Whose certificates are accepted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those that lead to one of these.
    Roots(Arc<RootCertStore>),
    /// Anyone's. Whoever is on the way reads and changes everything.
    Anyone,
}

/// What a client says of itself, and demands of a server.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whose certificates are accepted.
    pub trust: Trust,
    /// Name that the certificate must carry, whatever name is sent; `None` demands that one.
    pub verified_name: Option<ServerName<'static>>,
    /// Shown to servers that ask for a certificate.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Whether TLS 1.2 may be used.
    pub tls12: bool,
    /// Whether TLS 1.3 may be used.
    pub tls13: bool,
    /// The only suites to offer; empty offers all that are safe. A version without one is not offered.
    pub suites: Vec<SupportedCipherSuite>,
    /// Protocols to offer; empty offers what is spoken.
    pub alpn: Vec<Vec<u8>>,
}

impl ClientOptions {
    /// Trusts `trust`, and leaves the rest to the library.
    pub const fn trusting(trust: Trust) -> Self {
        Self {
            trust,
            verified_name: None,
            certificate: None,
            tls12: true,
            tls13: true,
            suites: Vec::new(),
            alpn: Vec::new(),
        }
    }

    /// Whether any version is left that may be offered.
    pub fn offers_a_version(&self) -> bool {
        !self.versions().is_empty()
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let has =
            |version| self.suites.is_empty() || self.suites.iter().any(|suite| suite.version().version == version);
        let mut versions = Vec::with_capacity(2);
        if self.tls13 && has(ProtocolVersion::TLSv1_3) {
            versions.push(&rustls::version::TLS13);
        }
        if self.tls12 && has(ProtocolVersion::TLSv1_2) {
            versions.push(&rustls::version::TLS12);
        }
        versions
    }

    /// The configuration for a client that speaks `protocol`.
    ///
    /// # Errors
    /// When there are no authorities, no version is left, or rustls refuses the rest.
    pub fn build(self, protocol: Protocol) -> Result<Arc<ClientConfig>, TlsError> {
        let versions = self.versions();
        let provider = if self.suites.is_empty() {
            provider()
        } else {
            Arc::new(CryptoProvider { cipher_suites: self.suites, ..CryptoProvider::clone(&provider()) })
        };
        let verifier: Arc<dyn ServerCertVerifier> = match self.trust {
            Trust::Anyone => Arc::new(Anyone(provider.signature_verification_algorithms)),
            Trust::Roots(roots) => {
                let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
                match self.verified_name {
                    Some(name) => Arc::new(FixedName { inner, name }),
                    None => inner,
                }
            }
        };
        // "Dangerous" is rustls' word for any verifier of one's own.
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.certificate {
            Some(certificate) => config.with_client_cert_resolver(Arc::new(Identity(certificate))),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = match (self.alpn, protocol) {
            (alpn, _) if !alpn.is_empty() => alpn,
            (_, Protocol::Http1) => vec![b"http/1.1".to_vec()],
            (_, Protocol::Http2) => vec![b"h2".to_vec()],
        };
        Ok(Arc::new(config))
    }
}

/// Shows one certificate to whoever asks.
#[derive(Debug)]
struct Identity(Arc<CertifiedKey>);

impl ResolvesClientCert for Identity {
    fn resolve(&self, _authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Accepts any certificate, but only from who has its key: a session cannot be taken over.
#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _sent: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
