//! TLS on both sides: ready-made rustls configurations.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;

use super::{ClientOptions, HostPattern, Protocol, Trust};

/// Why a TLS configuration cannot be built.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The system has no authorities to trust.
    #[error("no usable certificate authority found on this system ({0}); install ca-certificates or name a ca secret")]
    NoSystemRoots(String),
    /// The authorities cannot be used.
    #[error("the certificate authorities cannot be used: {0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    /// Anything else that rustls refuses.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// TLS to the endpoints of a backend.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// Made by [`client_config`].
    pub config: Arc<ClientConfig>,
    /// Server name to send and verify instead of the endpoint's own. Which name is *verified* instead of this one is
    /// part of `config`.
    pub server_name: Option<ServerName<'static>>,
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

/// The authorities that the system trusts, read once.
///
/// # Errors
/// When there is none.
pub fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            let (usable, _) = roots.add_parsable_certificates(found.certs);
            if usable == 0 {
                return Err(found.errors.first().map_or_else(|| "no files".to_owned(), ToString::to_string));
            }
            Ok(Arc::new(roots))
        })
        .clone()
        .map_err(TlsError::NoSystemRoots)
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

/// A server configuration that presents the certificates of `names` and offers HTTP/2, then HTTP/1.1.
///
/// # Errors
/// When rustls refuses the parameters.
pub fn server_config(names: ServerNames) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(names));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Clients that come back skip most of the handshake; the keys change by themselves and never leave this process.
    config.ticketer = ring::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Verifies that the certificate carries one given name, whatever name was sent.
#[derive(Debug)]
pub(super) struct FixedName {
    pub(super) inner: Arc<WebPkiServerVerifier>,
    pub(super) name: ServerName<'static>,
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

/// Certificates of a socket by server name: exact names, then wildcards from the longest, then the default.
#[derive(Debug, Default)]
pub struct ServerNames {
    exact: HashMap<Box<str>, Arc<CertifiedKey>>,
    /// By suffix with its leading dot.
    wildcard: HashMap<Box<str>, Arc<CertifiedKey>>,
    fallback: Option<Arc<CertifiedKey>>,
}

impl ServerNames {
    /// Presents `key` to clients that ask for a name in `pattern`; the first key given for a pattern stays.
    /// [`HostPattern::Any`] is for clients that ask for no name, or for one without a certificate.
    pub fn insert(&mut self, pattern: HostPattern, key: Arc<CertifiedKey>) {
        match pattern {
            HostPattern::Exact(name) => {
                self.exact.entry(name).or_insert(key);
            }
            HostPattern::Wildcard(suffix) => {
                self.wildcard.entry(suffix).or_insert(key);
            }
            HostPattern::Any => {
                self.fallback.get_or_insert(key);
            }
        }
    }

    /// The key for `name` (lower case), `None` when the client asked for none.
    pub fn get(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        name.and_then(|name| {
            self.exact.get(name).or_else(|| {
                name.match_indices('.')
                    .skip_while(|(at, _)| *at == 0)
                    .find_map(|(at, _)| self.wildcard.get(&name[at..]))
            })
        })
        .or(self.fallback.as_ref())
    }
}

impl ResolvesServerCert for ServerNames {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls has checked that the name is a DNS name; it keeps the client's spelling.
        let name = hello.server_name().map(str::to_ascii_lowercase);
        self.get(name.as_deref()).cloned()
    }
}
