//! TLS to endpoints.

use std::sync::Arc;

use backstay_model::{Protocol, TlsSpec, tls_versions};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::provider::{TlsError, provider, system_roots};

/// TLS to the endpoints of a backend.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// Made by [`client_config`].
    pub config: Arc<ClientConfig>,
    /// Server name to send and verify instead of the endpoint's own. Which name is *verified* instead of this one is
    /// part of `config`.
    pub server_name: Option<ServerName<'static>>,
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

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        tls_versions(self.tls12, self.tls13, &self.suites)
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

/// The TLS of a backend, with what its secrets hold.
///
/// # Errors
/// When the system's authorities are to be trusted and there are none, or rustls refuses the rest.
pub fn client_tls(
    spec: &TlsSpec,
    protocol: Protocol,
    roots: Option<Arc<RootCertStore>>,
    certificate: Option<Arc<CertifiedKey>>,
) -> Result<ClientTls, TlsError> {
    let trust = match (roots, &spec.authorities) {
        _ if spec.skip_verification => Trust::Anyone,
        (Some(roots), _) => Trust::Roots(roots),
        (None, Some(authorities)) => Trust::Roots(Arc::clone(authorities.roots())),
        (None, None) => Trust::Roots(system_roots()?),
    };
    let options = ClientOptions {
        trust,
        verified_name: spec.verified_name.clone(),
        certificate,
        tls12: spec.tls12,
        tls13: spec.tls13,
        suites: spec.suites.clone(),
        alpn: spec.alpn.clone(),
    };
    Ok(ClientTls { config: options.build(protocol)?, server_name: spec.server_name.clone() })
}

/// A client configuration that trusts `roots` and offers exactly `protocol` by ALPN. With `verified_name` the certificate
/// must carry that name, whatever server name is sent.
///
/// # Errors
/// When `roots` is empty or rustls refuses the parameters.
pub fn client_config(
    roots: Arc<RootCertStore>,
    protocol: Protocol,
    verified_name: Option<ServerName<'static>>,
) -> Result<Arc<ClientConfig>, TlsError> {
    ClientOptions { verified_name, ..ClientOptions::trusting(Trust::Roots(roots)) }.build(protocol)
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

/// Verifies that the certificate carries one given name, whatever name was sent.
#[derive(Debug)]
struct FixedName {
    inner: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl ServerCertVerifier for FixedName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _sent: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
