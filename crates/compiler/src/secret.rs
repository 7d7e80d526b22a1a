//! What a Secret compiles to: a certificate for listeners, authorities for Backends.

use std::fmt;
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::Object;
use backstay_resources::core::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

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
    pub(crate) certificate: Result<Bytes, SecretFault>,
    pub(crate) authority: Result<Bytes, SecretFault>,
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
    #[error("has a {0} with a PEM certificate that cannot be read")]
    BadCertificate(&'static str),
    #[error("has a {0} without an unencrypted PEM private key (PKCS#8, PKCS#1 or SEC1)")]
    NoPrivateKey(&'static str),
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
    pub(crate) fn role(&self, role: Role) -> &Result<Bytes, SecretFault> {
        match role {
            Role::Certificate => &self.certificate,
            Role::Authority => &self.authority,
        }
    }
}

impl fmt::Debug for SecretModel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretModel")
    }
}

fn certificate(secret: &Secret) -> Result<Bytes, SecretFault> {
    let chain = value(secret, "tls.crt")?;
    let private_key = value(secret, "tls.key")?;
    check_certificates("tls.crt", &chain)?;
    PrivateKeyDer::from_pem_slice(&private_key).map_err(|_| SecretFault::NoPrivateKey("tls.key"))?;
    let certificate = config::secret::Certificate { chain, private_key };
    Ok(resource(config::secret::Kind::Certificate(certificate)))
}

fn authority(secret: &Secret) -> Result<Bytes, SecretFault> {
    let bundle = value(secret, "ca.crt")?;
    check_certificates("ca.crt", &bundle)?;
    let authority = config::secret::CertificateAuthority { bundle };
    Ok(resource(config::secret::Kind::CertificateAuthority(authority)))
}

fn resource(kind: config::secret::Kind) -> Bytes {
    encode(config::resource::Kind::Secret(config::Secret { kind: Some(kind) }))
}

fn value(secret: &Secret, key: &'static str) -> Result<Bytes, SecretFault> {
    let text = secret.data.get(key).ok_or(SecretFault::NoKey(key))?;
    STANDARD.decode(text).map(Bytes::from).map_err(|_| SecretFault::NotBase64(key))
}

fn check_certificates(key: &'static str, pem: &[u8]) -> Result<(), SecretFault> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificate.map_err(|_| SecretFault::BadCertificate(key))?;
        count += 1;
    }
    if count == 0 { Err(SecretFault::NoCertificate(key)) } else { Ok(()) }
}
