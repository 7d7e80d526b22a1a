//! What a BackendPolicy adds to the Backends it is for.

use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::backstay::{BackendPolicy, BackendTls};
use backstay_resources::{GoDuration, Object};
use rustls_pki_types::ServerName;

use crate::backend::duration;
use crate::secret::{DEFAULT_NAMESPACE, Role, SecretName, SecretUse};

/// A BackendPolicy, checked as far as it can be alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolicyModel {
    /// Names of Backends, each once, in the order of the spec.
    pub(crate) targets: Vec<Arc<str>>,
    /// A Secret with the authorities to trust.
    pub(crate) authority: Option<SecretUse>,
    tls: Option<config::ClientTls>,
    timeouts: Option<config::Timeouts>,
}

/// Why a BackendPolicy cannot be honoured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFault {
    #[error("it does not have the shape of a BackendPolicy: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("spec.targetRefs[{0}] must name a Backend of core.apoxy.dev")]
    NotABackend(usize),
    #[error("spec.tls.sni: {0:?} is not a domain name")]
    BadSni(String),
    #[error("spec.tls.verifiedName: {0:?} is neither a domain name nor an IP address")]
    BadVerifiedName(String),
    #[error("spec.timeouts.{0} must be longer than 0s")]
    NoTime(&'static str),
    #[error("spec.tls cannot apply to Backend {0}, which does not use TLS: give it protocol tls or h2")]
    TlsOnPlaintext(Arc<str>),
}

impl PolicyModel {
    /// Reads a BackendPolicy.
    pub(crate) fn parse(object: &Object) -> Result<Self, PolicyFault> {
        let spec = object.typed::<BackendPolicy>()?.spec;
        let mut targets: Vec<Arc<str>> = Vec::new();
        for (index, target) in spec.target_refs.iter().enumerate() {
            let known = matches!(target.group.as_str(), "" | "core.apoxy.dev")
                && matches!(target.kind.as_str(), "" | "Backend")
                && !target.name.is_empty();
            if !known {
                return Err(PolicyFault::NotABackend(index));
            }
            if !targets.iter().any(|name| **name == *target.name) {
                targets.push(target.name.as_str().into());
            }
        }
        let authority = spec.tls.as_ref().and_then(|tls| tls.ca_certificate_ref.as_ref()).map(|secret| {
            let namespace = if secret.namespace.is_empty() { DEFAULT_NAMESPACE } else { &secret.namespace };
            SecretName::new(namespace, &secret.name).used_as(Role::Authority)
        });
        let tls = spec.tls.as_ref().map(|settings| client_tls(settings, authority.as_ref())).transpose()?;
        let timeouts = spec.timeouts.map(|timeouts| {
            let message = |value: Option<GoDuration>| value.map(|value| duration(value.0));
            for (name, span) in [("connect", timeouts.connect), ("idle", timeouts.idle)] {
                if span == Some(GoDuration::default()) {
                    return Err(PolicyFault::NoTime(name));
                }
            }
            {
                let (connect, idle) = (message(timeouts.connect), message(timeouts.idle));
                Ok(config::Timeouts { connect, idle, ..config::Timeouts::default() })
            }
        });
        Ok(Self { targets, authority, tls, timeouts: timeouts.transpose()? })
    }

    /// Why it cannot apply to a Backend.
    pub(crate) fn check(&self, name: &Arc<str>, backend: &config::Backend) -> Result<(), PolicyFault> {
        if self.tls.is_some() && backend.tls.is_none() {
            return Err(PolicyFault::TlsOnPlaintext(name.clone()));
        }
        Ok(())
    }

    /// Adds its settings to a Backend that it can apply to.
    pub(crate) fn apply(&self, backend: &mut config::Backend) {
        if let Some(tls) = &self.tls {
            backend.tls = Some(tls.clone());
        }
        backend.timeouts.clone_from(&self.timeouts);
    }
}

fn client_tls(settings: &BackendTls, authority: Option<&SecretUse>) -> Result<config::ClientTls, PolicyFault> {
    let sni = settings.sni.clone().unwrap_or_default();
    // RFC 6066, section 3: a server name is never an address.
    if !sni.is_empty() && !matches!(ServerName::try_from(sni.as_str()), Ok(ServerName::DnsName(_))) {
        return Err(PolicyFault::BadSni(sni));
    }
    let verified_name = settings.verified_name.clone().unwrap_or_default();
    if !verified_name.is_empty() && ServerName::try_from(verified_name.as_str()).is_err() {
        return Err(PolicyFault::BadVerifiedName(verified_name));
    }
    let ca_secret = authority.map(|authority| authority.resource().to_string()).unwrap_or_default();
    Ok(config::ClientTls { sni, verified_name, ca_secret, ..config::ClientTls::default() })
}
