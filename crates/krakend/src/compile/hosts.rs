//! Hosts that are called, as backends of the model: one for each scheme and name, which all that call it share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::connections::TcpKeepalive;
use backstay_proto::config::endpoint;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

use super::{Scope, name};
use crate::place::{Path, Place};
use crate::plan::{Host, Transport};
use crate::quote::quoted;

/// What a URL leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Remote {
    pub(crate) target: config::CallTarget,
    /// Path and query, beginning with a slash.
    pub(crate) path: String,
}

/// Which certificates of a host are trusted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// Any.
    pub(crate) insecure: bool,
    /// Those of these authorities, in PEM.
    pub(crate) authorities: Option<Bytes>,
}

impl Trust {
    fn apply(&self, mut backend: config::Backend) -> config::Backend {
        if let Some(tls) = &mut backend.tls {
            tls.skip_verification |= self.insecure;
            if let Some(authorities) = &self.authorities {
                tls.ca_bundle = authorities.clone();
            }
        }
        backend
    }

    fn identity(&self) -> u128 {
        let mut content = vec![u8::from(self.insecure)];
        content.extend(self.authorities.iter().flatten());
        xxh3_128(&content)
    }
}

impl Scope<'_> {
    /// Whom a URL calls, with a backend for its host. A URL that is none, or of another scheme than `http` and `https`, is told.
    pub(crate) fn remote(&self, url: &str, place: Place, path: &Path<'_>) -> Option<Remote> {
        let parts = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        let Some((scheme, rest)) = parts else {
            let message = format!("{} is no URL that begins with http:// or https://", quoted(url));
            self.report.not_served(place, path, message);
            return None;
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            self.report.not_served(place, path, "a name and a password before the host of a URL are not sent");
            return None;
        }
        let host = Host { scheme: scheme.to_owned(), authority: authority.to_owned(), base: String::new() };
        let slash = if target.starts_with('/') { "" } else { "/" };
        Some(Remote { target: self.target(&host, 1, None, place, path)?, path: format!("{slash}{target}") })
    }

    /// As [`Self::remote`], with a backend of its own for a host whose certificate is trusted in another way than those of all hosts.
    pub(crate) fn remote_trusting(&self, url: &str, trust: &Trust, place: Place, path: &Path<'_>) -> Option<Remote> {
        let mut remote = self.remote(url, place, path)?;
        let (Some(reference), true) = (&mut remote.target.backend, url.starts_with("https://")) else {
            return Some(remote);
        };
        let common = self.offered_backend(&reference.backend)?;
        let made = trust.apply(common.clone());
        if made != common {
            let name: Arc<str> = format!("{}:trust:{:032x}", reference.backend, trust.identity()).into();
            self.offer_backend(&name, None, || made);
            reference.backend = name.to_string();
        }
        Some(remote)
    }

    /// A host as the target of calls, with a backend for it. A host that cannot be called is told.
    pub(crate) fn target(
        &self,
        host: &Host,
        weight: u32,
        policy: Option<&str>,
        place: Place,
        path: &Path<'_>,
    ) -> Option<config::CallTarget> {
        let (is_tls, (name, port)) = match address(host) {
            Ok(address) => address,
            Err(message) => {
                self.report.not_served(place, path, message);
                return None;
            }
        };
        let (name, endpoint) = match name.parse::<IpAddr>() {
            Ok(address) => (address.to_string(), endpoint::Host::Ip(address.to_string())),
            Err(_) => (name.clone(), endpoint::Host::Fqdn(name)),
        };
        Some(config::CallTarget {
            backend: Some(self.backend(&format!("{}:{name}", host.scheme), endpoint, is_tls, policy, port)),
            weight,
            authority: host.authority.clone(),
            base_path: host.base.trim_end_matches('/').to_owned(),
        })
    }

    /// Whom the SRV records of a name say to call. Each is sent its own name as the host.
    pub(super) fn records(
        &self,
        name: &str,
        scheme: &str,
        policy: Option<&str>,
        place: Place,
        path: &Path<'_>,
    ) -> Option<config::CallTarget> {
        let canonical = hostname::canonical(name);
        let is_tls = scheme == "https";
        let problem = if !is_tls && scheme != "http" {
            format!("backends are called over http and https, and not over {}", quoted(scheme))
        } else if !hostname::is_dns_name(&canonical) {
            format!("{} is no name that DNS could know", quoted(name))
        } else {
            let endpoint = endpoint::Host::Srv(canonical.clone());
            let backend = self.backend(&format!("srv:{scheme}:{canonical}"), endpoint, is_tls, policy, 0);
            return Some(config::CallTarget { backend: Some(backend), weight: 1, ..Default::default() });
        };
        self.report.not_served(place, path, problem);
        None
    }

    fn backend(
        &self,
        part: &str,
        endpoint: endpoint::Host,
        is_tls: bool,
        policy: Option<&str>,
        port: u16,
    ) -> config::BackendRef {
        let part = policy.map_or_else(|| part.to_owned(), |policy| format!("{part}:{policy}"));
        let resource = name::backend(self.config, &part);
        self.offer_backend(&resource, policy, || {
            let endpoints = vec![config::Endpoint { host: Some(endpoint), ..Default::default() }];
            let tls = is_tls.then(|| self.client_tls());
            backend(endpoints, tls, &self.plan.transport)
        });
        config::BackendRef { backend: resource.to_string(), port: port.into() }
    }
}

/// Whether a host speaks TLS, its name or address, and its port.
fn address(host: &Host) -> Result<(bool, (String, u16)), String> {
    let is_tls = host.scheme == "https";
    if !is_tls && host.scheme != "http" {
        return Err(format!("backends are called over http and https, and not over {}", quoted(&host.scheme)));
    }
    let Some((name, port)) = split(&host.authority, if is_tls { 443 } else { 80 }) else {
        return Err(format!("{} is no host with a port", quoted(&host.authority)));
    };
    match name.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => Err(format!("{address} stands for no particular host")),
        Ok(address) => Ok((is_tls, (address.to_string(), port))),
        Err(_) => {
            let canonical = hostname::canonical(name);
            let is_sound = if is_tls { hostname::is_name(&canonical) } else { hostname::is_dns_name(&canonical) };
            if !is_sound {
                let why = if is_tls { "a name that a certificate can carry" } else { "a name or an address" };
                return Err(format!("{} is not {why}", quoted(name)));
            }
            Ok((is_tls, (canonical, port)))
        }
    }
}

/// Name or address of an authority, and its port.
fn split(authority: &str, default: u16) -> Option<(&str, u16)> {
    let (name, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some(""))?),
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = if port.is_empty() { default } else { port.parse().ok().filter(|port| *port > 0)? };
    Some((name, port))
}

/// A backend with these endpoints, by the settings of the service.
fn backend(endpoints: Vec<config::Endpoint>, tls: Option<config::ClientTls>, transport: &Transport) -> config::Backend {
    let limit = |span: Duration| (!span.is_zero()).then(|| duration(span));
    config::Backend {
        protocol: if tls.is_some() { Protocol::Http1Tls } else { Protocol::Http1 }.into(),
        discovery: Some(Discovery::Static(config::StaticEndpoints { endpoints, ..Default::default() })),
        tls,
        timeouts: Some(config::Timeouts {
            connect: limit(transport.dialer_timeout),
            idle: limit(transport.idle_connection_timeout),
            first_byte: limit(transport.response_header_timeout),
            ..Default::default()
        }),
        connections: Some(config::Connections {
            max_requests: u32::from(transport.disable_keep_alives),
            tcp_keepalive: limit(transport.dialer_keep_alive).map(|idle| TcpKeepalive {
                idle: Some(idle),
                interval: Some(idle),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A duration as messages carry it. Go's durations, at most 292 years, always fit.
pub(crate) fn duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}
