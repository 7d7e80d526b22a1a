//! What one listener compiles to.

use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::gateway::{CertificateRef, Listener, RouteGroupKind, TlsMode};

use super::Serving;
use super::allowed::{Allowed, allowed};
use super::conflict::Conflict;
use crate::change::ObjectKey;
use crate::hostname;
use crate::output::{ACCEPTED, CONFLICTED, Finding, RESOLVED_REFS};
use crate::secret::{DEFAULT_NAMESPACE, Role, SecretFault, SecretName, SecretUse};

/// A Gateway that is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) gateway: &'a ObjectKey,
    pub(crate) serving: &'a Serving,
}

/// What routes see of a listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListenerFace {
    pub(crate) name: String,
    pub(crate) port: i32,
    /// Canonical.
    pub(crate) hostname: Option<String>,
    pub(crate) allowed: Allowed,
    /// Names of its Listener resources, one per address; none when it is not served.
    pub(crate) resources: Vec<Arc<str>>,
}

/// What one listener compiles to.
#[derive(Debug)]
pub(crate) struct ListenerOutcome {
    pub(crate) face: ListenerFace,
    pub(crate) supported_kinds: Vec<RouteGroupKind>,
    pub(crate) conditions: Vec<Finding>,
    /// In the order of the face's resources.
    pub(crate) configs: Vec<config::Listener>,
    pub(crate) secrets: Vec<SecretUse>,
}

/// Compiles a listener. `check` tells whether a Secret can serve.
pub(crate) fn listener(
    site: Site<'_>,
    listener: &Listener,
    conflict: Option<&Conflict>,
    check: impl Fn(&SecretUse) -> Result<(), SecretFault>,
) -> ListenerOutcome {
    let (allowed, mut supported_kinds, kinds_fault) = allowed(site.gateway, listener);
    let hostname = listener.hostname.as_deref().filter(|hostname| !hostname.is_empty()).map(hostname::canonical);
    let mut configs = Vec::new();
    let mut secrets = Vec::new();
    let mut refs_fault = kinds_fault.map(|message| ("InvalidRouteKinds", message));
    let accepted = match shape(listener) {
        Err((reason, message)) => {
            if reason == UNSUPPORTED_PROTOCOL {
                supported_kinds.clear();
            }
            Finding::no(ACCEPTED, reason, message)
        }
        Ok((protocol, port)) => {
            if protocol == config::listener::Protocol::Https {
                let fault = certificates(site, listener, check, &mut secrets);
                refs_fault = refs_fault.or(fault);
            }
            let lacks_certificate = protocol == config::listener::Protocol::Https && secrets.is_empty();
            if conflict.is_none() && !lacks_certificate {
                let tls = (!secrets.is_empty()).then(|| config::ServerTls {
                    secrets: secrets.iter().map(|secret| secret.resource().to_string()).collect(),
                });
                configs.extend(site.serving.addresses.iter().map(|address| config::Listener {
                    address: address.clone(),
                    port,
                    hostname: hostname.clone().unwrap_or_default(),
                    protocol: protocol.into(),
                    tls: tls.clone(),
                }));
            } else {
                secrets.clear();
            }
            match conflict {
                Some(conflict) => Finding::no(ACCEPTED, "PortUnavailable", conflict.message.clone()),
                None => Finding::holds(ACCEPTED),
            }
        }
    };
    let conditions = vec![
        accepted,
        match refs_fault {
            Some((reason, message)) => Finding::no(RESOLVED_REFS, reason, message),
            None => Finding::holds(RESOLVED_REFS),
        },
        match conflict {
            Some(conflict) => Finding::yes(CONFLICTED, conflict.reason, conflict.message.clone()),
            None => Finding::no(CONFLICTED, "NoConflicts", ""),
        },
    ];
    let resources = (0..configs.len()).map(|index| resource(site, &listener.name, index)).collect();
    let face = ListenerFace { name: listener.name.clone(), port: listener.port, hostname, allowed, resources };
    ListenerOutcome { face, supported_kinds, conditions, configs, secrets }
}

const UNSUPPORTED_PROTOCOL: &str = "UnsupportedProtocol";

/// Whether a listener can claim its port: whether it is well formed, leaving aside what it refers to. References come and
/// go; who owns a port should not change with them.
fn shape(listener: &Listener) -> Result<(config::listener::Protocol, u32), (&'static str, String)> {
    let unsupported = |message: &str| Err(("UnsupportedValue", message.to_owned()));
    let protocol = match listener.protocol.as_str() {
        "HTTP" => config::listener::Protocol::Http,
        "HTTPS" => config::listener::Protocol::Https,
        other => {
            let message = format!("protocol {other:?} is not supported; use HTTP or HTTPS");
            return Err((UNSUPPORTED_PROTOCOL, message));
        }
    };
    let Ok(port @ 1..) = u16::try_from(listener.port) else {
        return unsupported("port must be between 1 and 65535");
    };
    let hostname = hostname::canonical(listener.hostname.as_deref().unwrap_or_default());
    if !hostname.is_empty() && !hostname::is_pattern(&hostname) {
        return Err(("UnsupportedValue", format!("hostname {hostname:?} is neither a name nor *. and a name")));
    }
    match &listener.tls {
        Some(_) if protocol == config::listener::Protocol::Http => unsupported("tls needs protocol HTTPS"),
        Some(tls) if tls.mode == Some(TlsMode::Passthrough) => {
            unsupported("tls.mode Passthrough is not supported; use Terminate")
        }
        Some(tls) if !tls.options.is_empty() => unsupported("tls.options has settings, and none is known"),
        _ => Ok((protocol, u32::from(port))),
    }
}

/// The port that a listener claims.
pub(crate) fn claimed_port(listener: &Listener) -> Option<u16> {
    shape(listener).ok().and_then(|(_, port)| u16::try_from(port).ok())
}

/// Collects the Secrets that can serve, and says what is wrong with the first of the others. A listener serves with the
/// certificates that are good.
fn certificates(
    site: Site<'_>,
    listener: &Listener,
    check: impl Fn(&SecretUse) -> Result<(), SecretFault>,
    secrets: &mut Vec<SecretUse>,
) -> Option<(&'static str, String)> {
    let refs = listener.tls.as_ref().map(|tls| tls.certificate_refs.as_slice()).unwrap_or_default();
    if refs.is_empty() {
        return Some((INVALID_CERTIFICATE, "tls.certificateRefs must name a Secret with a certificate".to_owned()));
    }
    let mut first = None;
    for (index, certificate) in refs.iter().enumerate() {
        let fault = match certificate_secret(site.gateway, certificate) {
            Err((reason, message)) => Some((reason, format!("tls.certificateRefs[{index}]: {message}"))),
            Ok(secret) => match check(&secret) {
                Err(fault) => {
                    let message = format!("tls.certificateRefs[{index}]: {} {fault}", secret.secret);
                    Some((INVALID_CERTIFICATE, message))
                }
                Ok(()) => {
                    if !secrets.contains(&secret) {
                        secrets.push(secret);
                    }
                    None
                }
            },
        };
        first = first.or(fault);
    }
    first
}

const INVALID_CERTIFICATE: &str = "InvalidCertificateRef";

/// The Secret that a certificate reference names. A Gateway without a namespace is its cluster's administrator's, and may
/// name any namespace; another may not leave its own, since there are no ReferenceGrants.
pub(crate) fn certificate_secret(
    gateway: &ObjectKey,
    certificate: &CertificateRef,
) -> Result<SecretUse, (&'static str, String)> {
    let group = certificate.group.as_deref().unwrap_or_default();
    let kind = certificate.kind.as_deref().unwrap_or("Secret");
    if !group.is_empty() || kind != "Secret" {
        return Err((INVALID_CERTIFICATE, format!("{kind} of group {group:?} is not supported; name a Secret")));
    }
    let own = if gateway.kind.is_namespaced() { &*gateway.namespace } else { DEFAULT_NAMESPACE };
    let namespace = certificate.namespace.as_deref().filter(|it| !it.is_empty()).unwrap_or(own);
    if gateway.kind.is_namespaced() && namespace != own {
        let message = format!("Secret {namespace}/{} is in another namespace than the Gateway", certificate.name);
        return Err(("RefNotPermitted", message));
    }
    Ok(SecretName::new(namespace, &certificate.name).used_as(Role::Certificate))
}

/// The name of a Listener resource. The first address has the listener's plain name; further ones add theirs after an
/// `@`, which no object's name contains.
fn resource(site: Site<'_>, listener: &str, index: usize) -> Arc<str> {
    let gateway = site.gateway.path();
    match site.serving.addresses.get(index) {
        Some(address) if index > 0 => format!("listener/{gateway}/{listener}@{address}").into(),
        _ => format!("listener/{gateway}/{listener}").into(),
    }
}
