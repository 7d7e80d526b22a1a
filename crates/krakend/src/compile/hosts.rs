//! Hosts that are called, as backends of the model: one for each scheme and name, which all that call it share.

use std::net::IpAddr;
use std::time::Duration;

use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::connections::TcpKeepalive;
use backstay_proto::config::endpoint;
use backstay_proto::config::resource::Kind as Resource;

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

impl Scope<'_> {
    /// Whom a URL calls, with a backend for its host. A URL that is none, or of another scheme than `http` and `https`, is told.
    pub(crate) fn remote(&self, url: &str, place: Place, path: &Path<'_>) -> Option<Remote> {
        let parts = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
        let Some((scheme, rest)) = parts else {
            self.report.not_served(
                place,
                path,
                format!("{} is no URL that begins with http:// or https://", quoted(url)),
            );
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
        Some(Remote { target: self.target(&host, 1, place, path)?, path: format!("{slash}{target}") })
    }

    /// A host as the target of calls, with a backend for it. A host that cannot be called is told.
    pub(crate) fn target(&self, host: &Host, weight: u32, place: Place, path: &Path<'_>) -> Option<config::CallTarget> {
        let is_tls = host.scheme == "https";
        let refuse = |message: String| {
            self.report.not_served(place, path, message);
            None
        };
        if !is_tls && host.scheme != "http" {
            return refuse(format!("backends are called over http and https, and not over {}", quoted(&host.scheme)));
        }
        let Some((name, port)) = split(&host.authority, if is_tls { 443 } else { 80 }) else {
            return refuse(format!("{} is no host with a port", quoted(&host.authority)));
        };
        let endpoint = match name.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => {
                return refuse(format!("{address} stands for no particular host"));
            }
            Ok(address) => endpoint::Host::Ip(address.to_string()),
            Err(_) => {
                let canonical = hostname::canonical(name);
                if !hostname::is_dns_name(&canonical) {
                    return refuse(format!("{} is neither a name nor an address", quoted(name)));
                }
                endpoint::Host::Fqdn(canonical)
            }
        };
        let part = match &endpoint {
            endpoint::Host::Ip(name) | endpoint::Host::Fqdn(name) | endpoint::Host::Srv(name) => {
                format!("{}:{name}", host.scheme)
            }
        };
        let resource = name::backend(self.config, &part);
        if !self.offers(&resource) {
            let endpoints = vec![config::Endpoint { host: Some(endpoint), ..Default::default() }];
            self.offer(&resource, Resource::Backend(backend(endpoints, is_tls, &self.plan.transport)));
        }
        Some(config::CallTarget {
            backend: Some(config::BackendRef { backend: resource.to_string(), port: port.into() }),
            weight,
            authority: host.authority.clone(),
            base_path: host.base.trim_end_matches('/').to_owned(),
        })
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
fn backend(endpoints: Vec<config::Endpoint>, is_tls: bool, transport: &Transport) -> config::Backend {
    let limit = |span: Duration| (!span.is_zero()).then(|| duration(span));
    config::Backend {
        protocol: if is_tls { Protocol::Http1Tls } else { Protocol::Http1 }.into(),
        discovery: Some(Discovery::Static(config::StaticEndpoints { endpoints, ..Default::default() })),
        tls: is_tls.then(|| config::ClientTls { skip_verification: transport.insecure, ..Default::default() }),
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
