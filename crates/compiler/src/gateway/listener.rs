//! What one listener compiles to.

use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::Kind;
use backstay_resources::gateway::{CertificateRef, Listener, RouteGroupKind, TlsMode};

use super::Placement;
use super::allowed::{Allowed, allowed};
use super::conflict::Conflict;
use crate::change::ObjectKey;
use crate::hostname;
use crate::output::{ACCEPTED, CONFLICTED, Condition, RESOLVED_REFS};
use crate::secret::{CompiledSecret, DEFAULT_NAMESPACE, Role, SecretFault, SecretName, SecretUse};

/// A Gateway that is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) gateway: &'a ObjectKey,
    pub(crate) placement: &'a Placement,
    /// Kinds of other front ends that attach as routes do.
    pub(crate) guests: &'a [&'static Kind],
}

/// What routes see of a listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListenerView {
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
    pub(crate) view: ListenerView,
    pub(crate) supported_kinds: Vec<RouteGroupKind>,
    pub(crate) conditions: Vec<Condition>,
    /// In the order of the view's resources.
    pub(crate) configs: Vec<config::Listener>,
    pub(crate) secrets: Vec<SecretUse>,
}

/// Compiles a listener. `granted` tells whether the Gateway may use a Secret of another namespace. `look_up` tells why a Secret cannot serve, if that is so, and how it last could.
pub(crate) fn listener<'a>(
    site: Site<'_>,
    listener: &Listener,
    conflict: Option<&Conflict>,
    granted: impl Fn(&SecretName) -> bool,
    look_up: impl Fn(&SecretUse) -> (Option<SecretFault>, Option<&'a CompiledSecret>),
) -> ListenerOutcome {
    let (allowed, mut supported_kinds, kinds_fault) = allowed(site.gateway, listener, site.guests);
    let hostname = listener.hostname.as_deref().filter(|hostname| !hostname.is_empty()).map(hostname::canonical);
    let mut configs = Vec::new();
    let mut certificates = Certificates::default();
    let mut refs_fault = kinds_fault.map(|message| ("InvalidRouteKinds", message));
    let accepted = match shape(listener) {
        Err((reason, message)) => {
            if reason == UNSUPPORTED_PROTOCOL {
                supported_kinds.clear();
            }
            Condition::no(ACCEPTED, reason, message)
        }
        Ok((protocol, port)) => {
            if protocol == config::listener::Protocol::Https {
                certificates = self::certificates(site, listener, granted, look_up);
                refs_fault = refs_fault.or_else(|| certificates.fault.take());
            }
            let secrets = &certificates.secrets;
            let lacks_certificate = protocol == config::listener::Protocol::Https && secrets.is_empty();
            if conflict.is_none() && !lacks_certificate {
                let tls = (!secrets.is_empty()).then(|| config::ServerTls {
                    secrets: secrets.iter().map(|secret| secret.resource().to_string()).collect(),
                    ..config::ServerTls::default()
                });
                configs.extend(site.placement.addresses.iter().map(|address| config::Listener {
                    address: address.clone(),
                    port,
                    hostname: hostname.clone().unwrap_or_default(),
                    protocol: protocol.into(),
                    tls: tls.clone(),
                    ..config::Listener::default()
                }));
            } else {
                certificates = Certificates::default();
            }
            match conflict {
                Some(conflict) => Condition::no(ACCEPTED, "PortUnavailable", conflict.message.clone()),
                None => Condition::holds(ACCEPTED),
            }
        }
    };
    let mut conditions = vec![
        accepted,
        match refs_fault {
            Some((reason, message)) => Condition::no(RESOLVED_REFS, reason, message),
            None => Condition::holds(RESOLVED_REFS),
        },
        match conflict {
            Some(conflict) => Condition::yes(CONFLICTED, conflict.reason, conflict.message.clone()),
            None => Condition::no(CONFLICTED, "NoConflicts", ""),
        },
    ];
    conditions.extend(certificates.expired);
    conditions.extend(certificates.not_yet_valid);
    let resources = (0..configs.len()).map(|index| resource(site, &listener.name, index)).collect();
    let view = ListenerView { name: listener.name.clone(), port: listener.port, hostname, allowed, resources };
    ListenerOutcome { view, supported_kinds, conditions, configs, secrets: certificates.secrets }
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
    let asked = listener.unhonoured();
    if !asked.is_empty() {
        let asked: Vec<String> = asked.iter().map(|it| it.field.clone()).collect();
        return unsupported(&format!(
            "{} is not supported, and the listener is not served without it",
            asked.join(", ")
        ));
    }
    match &listener.tls {
        Some(_) if protocol == config::listener::Protocol::Http => unsupported("tls needs protocol HTTPS"),
        Some(tls) if tls.mode == Some(TlsMode::Passthrough) => {
            unsupported("tls.mode Passthrough is not supported; use Terminate")
        }
        _ => Ok((protocol, u32::from(port))),
    }
}

/// The port that a listener claims.
pub(crate) fn claimed_port(listener: &Listener) -> Option<u16> {
    shape(listener).ok().and_then(|(_, port)| u16::try_from(port).ok())
}

/// The certificates of a listener.
#[derive(Default)]
struct Certificates {
    /// Secrets that it can serve with.
    secrets: Vec<SecretUse>,
    /// What is wrong with the first of the others, with the reason that the condition gives.
    fault: Option<(&'static str, String)>,
    /// Of the certificate that is the first to expire.
    expired: Option<Condition>,
    not_yet_valid: Option<Condition>,
}

/// Looks the certificates up. A listener serves with those that are good, or once were: a mistake with a Secret takes no
/// traffic away. One that is gone is given up.
fn certificates<'a>(
    site: Site<'_>,
    listener: &Listener,
    granted: impl Fn(&SecretName) -> bool,
    look_up: impl Fn(&SecretUse) -> (Option<SecretFault>, Option<&'a CompiledSecret>),
) -> Certificates {
    let mut found = Certificates::default();
    let refs = listener.tls.as_ref().map(|tls| tls.certificate_refs.as_slice()).unwrap_or_default();
    if refs.is_empty() {
        let message = "tls.certificateRefs must name a Secret with a certificate".to_owned();
        found.fault = Some((INVALID_CERTIFICATE, message));
    }
    for (index, certificate) in refs.iter().enumerate() {
        let field = format!("tls.certificateRefs[{index}]");
        let secret = match certificate_secret(site.gateway, certificate) {
            Ok(secret) => secret,
            Err((reason, message)) => {
                found.fault.get_or_insert_with(|| (reason, format!("{field}: {message}")));
                continue;
            }
        };
        if needs_grant(site.gateway, &secret.secret) && !granted(&secret.secret) {
            let message =
                || format!("{field}: no ReferenceGrant of its namespace lets the Gateway use Secret {}", secret.secret);
            found.fault.get_or_insert_with(|| ("RefNotPermitted", message()));
            continue;
        }
        let (fault, kept) = look_up(&secret);
        let kept = kept.filter(|_| fault != Some(SecretFault::Missing));
        if let Some(fault) = fault {
            let effect = if kept.is_some() { "; the last good version stays in use" } else { "" };
            let message = || format!("{field}: {} {fault}{effect}", secret.secret);
            found.fault.get_or_insert_with(|| (INVALID_CERTIFICATE, message()));
        }
        if let Some(kept) = kept.filter(|_| !found.secrets.contains(&secret)) {
            let expired = kept.expires.map(|expires| Condition::expired(&field, expires));
            found.expired = found.expired.into_iter().chain(expired).min_by_key(|finding| finding.since);
            let early = kept.begins.map(|begins| Condition::not_yet_valid(&field, begins));
            found.not_yet_valid = found.not_yet_valid.into_iter().chain(early).max_by_key(|finding| finding.until);
            found.secrets.push(secret);
        }
    }
    found
}

const INVALID_CERTIFICATE: &str = "InvalidCertificateRef";

/// The Secret that a certificate reference names.
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
    Ok(SecretName::new(namespace, &certificate.name).used_as(Role::Certificate))
}

/// Whether a Gateway may name a Secret only where a ReferenceGrant lets it. One without a namespace is its cluster's administrator's,
/// and may name any.
pub(crate) fn needs_grant(gateway: &ObjectKey, secret: &SecretName) -> bool {
    gateway.kind.is_namespaced() && secret.namespace != gateway.namespace
}

/// The name of a Listener resource. The first address has the listener's plain name; further ones add theirs after an
/// `@`, which no object's name contains.
fn resource(site: Site<'_>, listener: &str, index: usize) -> Arc<str> {
    let address = site.placement.addresses.get(index).filter(|_| index > 0).map(String::as_str);
    ResourceName::Listener { gateway: site.gateway.scoped(), listener, address }.into()
}
