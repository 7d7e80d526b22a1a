//! What both sides of TLS are built with.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::material::{Pair, Trust};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system has no authorities to trust.
    #[error("no usable certificate authority found on this system ({0}); install ca-certificates, or name a file")]
    NoSystemRoots(String),
    /// The authorities of clients cannot be used.
    #[error("the certificate authorities of clients cannot be used: {0}")]
    ClientAuthorities(#[from] VerifierBuilderError),
    /// Anything else that rustls refuses.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerProtocols {
    /// HTTP/2 and HTTP/1.1, over TLS 1.2 and 1.3: kubectl, curl and libraries of any age.
    Http,
    /// HTTP/2 alone, over TLS 1.3 alone: gRPC between parts of this project.
    Grpc,
}

/// The cryptography that everything is built with: ring's.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

/// A server that shows `pair`. With `clients`, it asks for a certificate, which may be left out, but not be one of others.
///
/// # Errors
/// When rustls refuses the parts.
pub fn server(pair: &Pair, clients: Option<&Trust>, protocols: ServerProtocols) -> Result<Arc<ServerConfig>, TlsError> {
    let (versions, alpn): (&[&SupportedProtocolVersion], &[&[u8]]) = match protocols {
        ServerProtocols::Http => (&[&TLS13, &TLS12], &[b"h2", b"http/1.1"]),
        ServerProtocols::Grpc => (&[&TLS13], &[b"h2"]),
    };
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Some(trust) => WebPkiClientVerifier::builder_with_provider(Arc::clone(trust.roots()), provider())
            .allow_unauthenticated()
            .build()?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Only(pair.key.clone())));
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    // Connections live long, and one that is resumed would not be asked for its certificate again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Whether a client's certificates, its own first, lead to one of these authorities now.
#[must_use]
pub fn believes(trust: &Trust, chain: &[CertificateDer<'_>]) -> bool {
    let Some((leaf, rest)) = chain.split_first() else { return false };
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(trust.roots()), provider()).build();
    verifier.is_ok_and(|verifier| verifier.verify_client_cert(leaf, rest, UnixTime::now()).is_ok())
}

/// Shows one certificate, whatever name is asked for.
#[derive(Debug)]
struct Only(Arc<CertifiedKey>);

impl ResolvesServerCert for Only {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A client that trusts these, or the system's authorities, and shows `pair` to servers that ask.
///
/// # Errors
/// When there are no authorities, or rustls refuses the parts.
pub fn client(trust: Option<&Trust>, pair: Option<&Pair>, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match trust {
        Some(trust) => Arc::clone(trust.roots()),
        None => system_roots()?,
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(roots);
    let mut config = match pair {
        Some(pair) => {
            config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::clone(&pair.key))))
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// A client that takes any certificate: whoever uses it looks at it himself, and sends nothing that is secret.
///
/// # Errors
/// When rustls refuses the parts.
pub fn client_of_anyone(alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// Takes the certificates of anyone; that they have the key is verified.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The authorities that the system trusts, read once.
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
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
