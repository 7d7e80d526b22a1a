use std::sync::Arc;

use backstay_proto::config::{Secret, secret};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::fault::{Checked, Fault};
use crate::config::HostPattern;

/// A secret, ready to be used.
#[derive(Clone, Debug)]
pub(crate) enum SecretPlan {
    Certificate(Identity),
    Authority(Arc<RootCertStore>),
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: Arc<CertifiedKey>,
    /// The DNS names in the certificate.
    pub(crate) names: Vec<HostPattern>,
}

/// Checks a secret. No message quotes its content.
pub(crate) fn secret(secret: &Secret) -> Checked<SecretPlan> {
    match &secret.kind {
        None => Err(Fault::unknown("")),
        Some(secret::Kind::Certificate(pair)) => identity(pair).map(SecretPlan::Certificate),
        Some(secret::Kind::CertificateAuthority(authority)) => {
            authorities("certificate_authority.bundle", &authority.bundle).map(SecretPlan::Authority)
        }
    }
}

/// The authorities in `pem`, of which there is at least one.
pub(super) fn authorities(field: &str, pem: &[u8]) -> Checked<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(field, pem)?.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| Fault::new(field, format!("certificate {} cannot be trusted: {error}", index + 1)))?;
    }
    Ok(Arc::new(roots))
}

fn identity(pair: &secret::Certificate) -> Checked<Identity> {
    let chain = certificates("certificate.chain", &pair.chain)?;
    let names = chain.first().map(dns_names).transpose()?.unwrap_or_default();
    // The reader's own words could quote the key.
    let key = PrivateKeyDer::from_pem_slice(&pair.private_key).map_err(|_| {
        Fault::new("certificate.private_key", "is not a PEM encoded private key in PKCS#8, PKCS#1 or SEC1 form")
    })?;
    let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
        Fault::new("certificate", format!("the certificate and its key cannot be used together: {error}"))
    })?;
    Ok(Identity { key: Arc::new(key), names })
}

fn certificates(field: &str, pem: &[u8]) -> Checked<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(Fault::new(field, "holds no PEM encoded certificate")),
        Err(error) => Err(Fault::new(field, format!("is not PEM: {error}"))),
    }
}

fn dns_names(leaf: &CertificateDer<'_>) -> Checked<Vec<HostPattern>> {
    let leaf = webpki::EndEntityCert::try_from(leaf)
        .map_err(|error| Fault::new("certificate.chain", format!("the first certificate cannot be read: {error}")))?;
    Ok(leaf.valid_dns_names().filter_map(|name| HostPattern::parse(name).ok()).collect())
}
