//! What a Secret compiles to: a certificate for listeners, authorities for Backends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backstay_proto::config;
use backstay_resources::core::Secret;
use backstay_resources::{Object, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::fleet::encode;

/// The namespace of a reference from an object that has none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// The name of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SecretName {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// What a Secret is used as. One Secret can be both, so the two have different names among resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Role {
    /// `tls.crt` and `tls.key`.
    Certificate,
    /// `ca.crt`.
    Authority,
}

/// A Secret in one of its roles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SecretUse {
    pub(crate) secret: SecretName,
    pub(crate) role: Role,
}

/// A Secret, compiled for both roles. Holds keys, so it is not printed.
#[derive(Clone, PartialEq)]
pub(crate) struct SecretModel {
    certificate: Result<CompiledSecret, SecretFault>,
    authority: Result<CompiledSecret, SecretFault>,
}

/// A Secret, compiled for one role. Holds keys, so it is not printed.
#[derive(Clone, PartialEq)]
pub(crate) struct CompiledSecret {
    pub(crate) encoded: Bytes,
    /// When the certificate that is presented expires, where that can be told.
    pub(crate) expires: Option<Timestamp>,
}

/// Why a Secret cannot serve in a role. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretFault {
    #[error("does not exist")]
    Missing,
    #[error("does not have the shape of a Secret")]
    Malformed,
    #[error("has no {0}")]
    NoKey(&'static str),
    #[error("has a {0} that is not base64")]
    NotBase64(&'static str),
    #[error("has a {0} without a PEM certificate")]
    NoCertificate(&'static str),
    #[error("has a {0} with a PEM certificate that cannot be read: {1}")]
    BadCertificate(&'static str, String),
    #[error(
        "has a {0} whose certificate number {1} is of X.509 version 1, which has no place for names: sign it again, with an \
             extension such as a subjectAltName"
    )]
    OldCertificate(&'static str, usize),
    #[error("has a {0} without an unencrypted PEM private key (PKCS#8, PKCS#1 or SEC1)")]
    NoPrivateKey(&'static str),
    #[error("has a tls.key that is not the key of the first certificate in tls.crt")]
    OtherKey,
    #[error("has a tls.key of a kind that is not supported: RSA, ECDSA on P-256 or P-384, and Ed25519 are")]
    UnknownKey,
}

impl SecretName {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// This Secret in a role.
    pub(crate) fn used_as(&self, role: Role) -> SecretUse {
        SecretUse { secret: self.clone(), role }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret {}/{}", self.namespace, self.name)
    }
}

impl SecretUse {
    /// The name of the discovery resource.
    pub(crate) fn resource(&self) -> Arc<str> {
        let SecretName { namespace, name } = &self.secret;
        match self.role {
            Role::Certificate => format!("secret/{namespace}/{name}").into(),
            Role::Authority => format!("secret/{namespace}/{name}/ca.crt").into(),
        }
    }
}

impl SecretModel {
    /// Compiles a Secret for both roles.
    pub(crate) fn parse(object: &Object) -> Self {
        match object.typed::<Secret>() {
            Ok(secret) => Self { certificate: certificate(&secret), authority: authority(&secret) },
            // The error of the decoder could quote a value.
            Err(_) => Self { certificate: Err(SecretFault::Malformed), authority: Err(SecretFault::Malformed) },
        }
    }

    /// What it is in a role.
    pub(crate) fn role(&self, role: Role) -> Result<&CompiledSecret, SecretFault> {
        let compiled = match role {
            Role::Certificate => &self.certificate,
            Role::Authority => &self.authority,
        };
        compiled.as_ref().map_err(Clone::clone)
    }
}

impl fmt::Debug for SecretModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretModel")
    }
}

fn certificate(secret: &Secret) -> Result<CompiledSecret, SecretFault> {
    let chain = value(secret, "tls.crt")?;
    let private_key = value(secret, "tls.key")?;
    let certificates = certificates("tls.crt", &chain)?;
    let mut expires = None;
    if let Some(first) = certificates.first() {
        expires = expiry(&EndEntityCert::try_from(first).map_err(|error| unreadable("tls.crt", 0, &error))?);
    }
    let key = PrivateKeyDer::from_pem_slice(&private_key).map_err(|_| SecretFault::NoPrivateKey("tls.key"))?;
    // The error could quote the key.
    match CertifiedKey::from_der(certificates, key, &ring::default_provider()) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(_)) => return Err(SecretFault::OtherKey),
        Err(_) => return Err(SecretFault::UnknownKey),
    }
    let certificate = config::secret::Certificate { chain, private_key };
    Ok(CompiledSecret { encoded: resource(config::secret::Kind::Certificate(certificate)), expires })
}

fn authority(secret: &Secret) -> Result<CompiledSecret, SecretFault> {
    let bundle = value(secret, "ca.crt")?;
    for (index, certificate) in certificates("ca.crt", &bundle)?.iter().enumerate() {
        anchor_from_trusted_cert(certificate).map_err(|error| unreadable("ca.crt", index, &error))?;
    }
    let authority = config::secret::CertificateAuthority { bundle };
    Ok(CompiledSecret { encoded: resource(config::secret::Kind::CertificateAuthority(authority)), expires: None })
}

fn resource(kind: config::secret::Kind) -> Bytes {
    encode(config::resource::Kind::Secret(config::Secret { kind: Some(kind) }))
}

fn value(secret: &Secret, key: &'static str) -> Result<Bytes, SecretFault> {
    let text = secret.data.get(key).ok_or(SecretFault::NoKey(key))?;
    STANDARD.decode(text).map(Bytes::from).map_err(|_| SecretFault::NotBase64(key))
}

/// The certificates in `pem`, of which there is at least one.
fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SecretFault> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|_| SecretFault::BadCertificate(key, "its PEM is broken".to_owned()))?;
    if all.is_empty() { Err(SecretFault::NoCertificate(key)) } else { Ok(all) }
}

fn unreadable(key: &'static str, index: usize, error: &webpki::Error) -> SecretFault {
    match error {
        webpki::Error::UnsupportedCertVersion => SecretFault::OldCertificate(key, index + 1),
        error => SecretFault::BadCertificate(key, format!("certificate number {} is not sound: {error}", index + 1)),
    }
}

/// When a certificate expires. `None` where it cannot be told.
fn expiry(certificate: &EndEntityCert<'_>) -> Option<Timestamp> {
    // The library tells the time of no certificate, save one that has expired, which at the end of time each has.
    let end = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    match certificate.verify_for_usage(&[], &[], &[], end, KeyUsage::server_auth(), None, None).map(drop) {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            i64::try_from(not_after.as_secs()).ok().map(Timestamp::from_second)
        }
        _ => None,
    }
}
