//! What both sides of TLS are built with.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use thiserror::Error;

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

/// The cryptography that everything is built with: ring's.
pub fn provider() -> Arc<CryptoProvider> {
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
