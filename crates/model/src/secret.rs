//! Keys, certificates and authorities.

mod statement;

use std::fmt;
use std::sync::Arc;

use backstay_proto::config::{self, secret};
use bytes::Bytes;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::fault::{Checked, Faults, Together, refuse, unknown};
pub use statement::Statement;

/// A secret, ready to be used.
#[derive(Clone, Debug)]
pub enum Secret {
    /// A certificate with its key.
    Certificate(Identity),
    /// Authorities to trust.
    Authority(Arc<RootCertStore>),
}

/// A certificate with its key, which belong together.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The chain and the key.
    pub key: Arc<CertifiedKey>,
    /// What the certificate says of itself.
    pub statement: Statement,
}

/// Authorities to trust, of which there is at least one. Two are equal if they are written alike.
#[derive(Clone)]
pub struct Authorities {
    pem: Bytes,
    roots: Arc<RootCertStore>,
}

impl Authorities {
    /// Reads certificates in PEM.
    pub(crate) fn read(field: &str, pem: &Bytes) -> Checked<Self> {
        Ok(Self { pem: pem.clone(), roots: authorities(field, pem)? })
    }

    /// The certificates as they were written, in PEM.
    #[must_use]
    pub const fn pem(&self) -> &Bytes {
        &self.pem
    }

    /// The authorities.
    #[must_use]
    pub const fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Eq for Authorities {}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities").field("count", &self.roots.len()).finish()
    }
}

/// No message quotes the content of a secret.
impl TryFrom<&config::Secret> for Secret {
    type Error = Faults;

    fn try_from(message: &config::Secret) -> Checked<Self> {
        match &message.kind {
            None => unknown(""),
            Some(secret::Kind::Certificate(pair)) => identity(pair).map(Self::Certificate),
            Some(secret::Kind::CertificateAuthority(authority)) => {
                authorities("certificate_authority.bundle", &authority.bundle).map(Self::Authority)
            }
        }
    }
}

fn authorities(field: &str, pem: &[u8]) -> Checked<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(field, pem)?.into_iter().enumerate() {
        roots
            .add(certificate)
            .or_else(|error| refuse(field, format!("certificate {} cannot be trusted: {error}", index + 1)))?;
    }
    Ok(Arc::new(roots))
}

fn identity(pair: &secret::Certificate) -> Checked<Identity> {
    let chain = certificates("certificate.chain", &pair.chain).and_then(|chain| {
        // Of several certificates, there is a first one.
        let statement = chain.first().map_or_else(|| refuse("certificate.chain", "holds no certificate"), statement)?;
        Ok((chain, statement))
    });
    // The reader's own words could quote the key.
    let key = PrivateKeyDer::from_pem_slice(&pair.private_key).or_else(|_| {
        refuse("certificate.private_key", "is not a PEM encoded private key in PKCS#8, PKCS#1 or SEC1 form")
    });
    let ((chain, statement), key) = (chain, key).together()?;
    let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).or_else(|error| {
        refuse("certificate", format!("the certificate and its key cannot be used together: {error}"))
    })?;
    Ok(Identity { key: Arc::new(key), statement })
}

fn certificates(field: &str, pem: &[u8]) -> Checked<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => refuse(field, "holds no PEM encoded certificate"),
        Err(error) => refuse(field, format!("is not PEM: {error}")),
    }
}

fn statement(leaf: &CertificateDer<'_>) -> Checked<Statement> {
    let leaf = webpki::EndEntityCert::try_from(leaf)
        .or_else(|error| refuse("certificate.chain", format!("the first certificate cannot be read: {error}")))?;
    Ok(Statement::of(&leaf))
}
