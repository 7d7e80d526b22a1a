//! What a Secret compiles to: a certificate for listeners, authorities for Backends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::core::{KeyPair, MaterialFault, Secret};
use backstay_resources::{Object, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::encode::encode;

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
pub enum Role {
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
    /// From when on it is valid, where that can be told.
    pub(crate) begins: Option<Timestamp>,
}

/// Why a Secret cannot serve in a role. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretFault {
    #[error("does not exist")]
    Missing,
    #[error("does not have the shape of a Secret")]
    Malformed,
    #[error(transparent)]
    Unusable(#[from] MaterialFault),
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
            Role::Certificate => ResourceName::Certificate { namespace, secret: name },
            Role::Authority => ResourceName::Authority { namespace, secret: name },
        }
        .into()
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

/// What a Secret has, by key. What cannot be read is not there.
pub(crate) fn values(object: &Object) -> BTreeMap<String, Bytes> {
    let data = object.typed::<Secret>().map(|secret| secret.data).unwrap_or_default();
    let decoded = data.into_iter().filter_map(|(key, value)| Some((key, STANDARD.decode(value).ok()?.into())));
    decoded.collect()
}

fn certificate(secret: &Secret) -> Result<CompiledSecret, SecretFault> {
    let KeyPair { chain, private_key, expires, begins } = secret.key_pair()?;
    let certificate = config::secret::Certificate { chain: chain.into(), private_key: private_key.into() };
    Ok(CompiledSecret { encoded: resource(config::secret::Kind::Certificate(certificate)), expires, begins })
}

fn authority(secret: &Secret) -> Result<CompiledSecret, SecretFault> {
    let authority = config::secret::CertificateAuthority { bundle: secret.authorities()?.into() };
    let encoded = resource(config::secret::Kind::CertificateAuthority(authority));
    Ok(CompiledSecret { encoded, expires: None, begins: None })
}

fn resource(kind: config::secret::Kind) -> Bytes {
    encode(config::resource::Kind::Secret(config::Secret { kind: Some(kind) }))
}
