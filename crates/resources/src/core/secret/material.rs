//! Certificates, keys and authorities in Secrets.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::rules::TLS;
use crate::Timestamp;
use crate::core::Secret;
use crate::object::Object;

const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// A certificate with its key, as PEM. Holds a key, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The certificate, and those between it and its authority.
    pub chain: Vec<u8>,
    /// The key of the first certificate.
    pub private_key: Vec<u8>,
    /// When the first certificate expires, where that can be told.
    pub expires: Option<Timestamp>,
    /// From when on the first certificate is valid, where that can be told.
    pub begins: Option<Timestamp>,
}

/// Why a Secret cannot serve as what it is used as. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialFault {
    /// A key is missing.
    #[error("has no {0}")]
    NoKey(&'static str),
    /// Not base64.
    #[error("has a {0} that is not base64")]
    NotBase64(&'static str),
    /// No PEM block of a certificate.
    #[error("has a {0} without a PEM certificate")]
    NoCertificate(&'static str),
    /// A PEM block that is broken, or one that is no certificate.
    #[error("has a {0} with a PEM certificate that cannot be read: {1}")]
    BadCertificate(&'static str, String),
    /// X.509 version 1, by position from 1.
    #[error(
        "has a {0} whose certificate number {1} is of X.509 version 1, which has no place for names: sign it again, with \
         an extension such as a subjectAltName"
    )]
    OldCertificate(&'static str, usize),
    /// No PEM block of a private key, or an encrypted one.
    #[error("has a tls.key without an unencrypted PEM private key (PKCS#8, PKCS#1 or SEC1)")]
    NoPrivateKey,
    /// Certificate and key do not belong together.
    #[error("has a tls.key that is not the key of the first certificate in tls.crt")]
    OtherKey,
    /// An algorithm that is not supported.
    #[error("has a tls.key of a kind that is not supported: RSA, ECDSA on P-256 or P-384, and Ed25519 are")]
    UnknownKey,
}

impl Secret {
    /// The certificate in `tls.crt` with the key in `tls.key`.
    ///
    /// # Errors
    /// Why there is none, or none that anybody could use.
    pub fn key_pair(&self) -> Result<KeyPair, MaterialFault> {
        let mut pair =
            KeyPair { chain: self.value(CHAIN)?, private_key: self.value(KEY)?, expires: None, begins: None };
        let certificates = certificates(CHAIN, &pair.chain)?;
        if let Some(first) = certificates.first() {
            let first = EndEntityCert::try_from(first).map_err(|error| unreadable(CHAIN, 0, &error))?;
            (pair.begins, pair.expires) = validity(&first);
        }
        let key = PrivateKeyDer::from_pem_slice(&pair.private_key).map_err(|_| MaterialFault::NoPrivateKey)?;
        // The error could quote the key.
        match CertifiedKey::from_der(certificates, key, &ring::default_provider()) {
            Ok(_) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => Err(MaterialFault::OtherKey),
            Err(_) => Err(MaterialFault::UnknownKey),
        }
    }

    /// The authorities in `ca.crt`, as PEM.
    ///
    /// # Errors
    /// Why there are none, or one that nobody could trust.
    pub fn authorities(&self) -> Result<Vec<u8>, MaterialFault> {
        let bundle = self.value(AUTHORITY)?;
        for (index, certificate) in certificates(AUTHORITY, &bundle)?.iter().enumerate() {
            anchor_from_trusted_cert(certificate).map_err(|error| unreadable(AUTHORITY, index, &error))?;
        }
        Ok(bundle)
    }

    /// Whether an object says that it is a Secret for whoever serves TLS.
    #[must_use]
    pub fn is_material(object: &Object) -> bool {
        crate::table::text_at(object, "/type") == TLS
    }

    fn value(&self, key: &'static str) -> Result<Vec<u8>, MaterialFault> {
        let text = self.data.get(key).ok_or(MaterialFault::NoKey(key))?;
        STANDARD.decode(text).map_err(|_| MaterialFault::NotBase64(key))
    }
}

/// What a Secret looks like and cannot serve as. That is no error: it may be meant for another use, or be made whole later.
pub(super) fn warn(object: &Object) -> Vec<String> {
    let Ok(secret) = object.typed::<Secret>() else { return Vec::new() };
    let has = |key: &str| secret.data.contains_key(key);
    let pair = (secret.kind == TLS || has(CHAIN) || has(KEY)).then(|| secret.key_pair().err()).flatten();
    let authority = has(AUTHORITY).then(|| secret.authorities().err()).flatten();
    let told = |fault: MaterialFault| format!("{fault}; it will not be used");
    pair.into_iter().chain(authority).map(told).collect()
}

/// The certificates in `pem`, of which there is at least one.
fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, MaterialFault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|_| MaterialFault::BadCertificate(key, "its PEM is broken".to_owned()))?;
    if all.is_empty() { Err(MaterialFault::NoCertificate(key)) } else { Ok(all) }
}

fn unreadable(key: &'static str, index: usize, error: &webpki::Error) -> MaterialFault {
    match error {
        webpki::Error::UnsupportedCertVersion => MaterialFault::OldCertificate(key, index + 1),
        error => MaterialFault::BadCertificate(key, format!("certificate number {} is not sound: {error}", index + 1)),
    }
}

/// From when on and until when a certificate is valid. `None` where it cannot be told.
fn validity(certificate: &EndEntityCert<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    // The library tells the times of no certificate, save one that is not valid yet, which at the beginning of time none is, or one that
    // has expired, which at its end each has.
    let at = |moment: u64| {
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment));
        certificate.verify_for_usage(&[], &[], &[], moment, KeyUsage::server_auth(), None, None).err()
    };
    let stamp = |time: UnixTime| i64::try_from(time.as_secs()).ok().map(Timestamp::from_second);
    let begins = match at(0) {
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => stamp(not_before),
        _ => None,
    };
    let expires = match at(u64::MAX) {
        Some(webpki::Error::CertExpired { not_after, .. }) => stamp(not_after),
        _ => None,
    };
    (begins, expires)
}
