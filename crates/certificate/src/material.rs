//! PEM, read.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::statement::Statement;

/// Why PEM cannot be used. It never shows a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// No block of a certificate.
    #[error("there is no PEM certificate in it")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("it has a PEM certificate that cannot be read")]
    Certificate,
    /// No block of a key.
    #[error("there is no unencrypted PEM private key in it (PKCS#8, PKCS#1 or SEC1)")]
    NoKey,
    /// A key of a kind that is not known.
    #[error("its private key is of a kind that is not supported: RSA, ECDSA on P-256 or P-384, and Ed25519 are")]
    Key,
    /// They do not belong together.
    #[error("the private key is not that of the first certificate")]
    OtherKey,
    /// An authority that cannot be trusted.
    #[error("certificate {0} cannot be trusted as an authority")]
    Authority(usize),
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Pair {
    /// What is shown, and what signs.
    pub key: Arc<CertifiedKey>,
    /// What the first certificate says.
    pub statement: Statement,
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pair").field("statement", &self.statement).finish_non_exhaustive()
    }
}

impl Pair {
    /// Of a certificate, with those between it and its authority, and of the key of the first.
    ///
    /// # Errors
    /// When either cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, MaterialError> {
        let chain = certificates(chain)?;
        let statement = Statement::of(chain.first().ok_or(MaterialError::NoCertificate)?)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| MaterialError::NoKey)?;
        let key = CertifiedKey::new(chain, any_supported_type(&key).map_err(|_| MaterialError::Key)?);
        match key.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(_) => return Err(MaterialError::OtherKey),
        }
        Ok(Self { key: Arc::new(key), statement })
    }
}

/// Authorities to trust, of which there is at least one.
#[derive(Debug, Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
}

impl Trust {
    /// Of certificates in PEM.
    ///
    /// # Errors
    /// When there are none, or one cannot be trusted.
    pub fn from_pem(pem: &[u8]) -> Result<Self, MaterialError> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates(pem)?.into_iter().enumerate() {
            roots.add(certificate).map_err(|_| MaterialError::Authority(index + 1))?;
        }
        Ok(Self { roots: Arc::new(roots) })
    }

    /// These, and those of another.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut roots = RootCertStore::clone(&self.roots);
        roots.extend(other.roots.roots.iter().cloned());
        Self { roots: Arc::new(roots) }
    }

    /// As rustls takes them.
    #[must_use]
    pub fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }
}

/// The certificates in PEM, of which there is at least one.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|_| MaterialError::Certificate)?;
    if all.is_empty() { Err(MaterialError::NoCertificate) } else { Ok(all) }
}

#[cfg(test)]
mod tests;
