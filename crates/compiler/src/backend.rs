//! What a Backend compiles to.

use std::net::IpAddr;
use std::time::Duration;

use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_proto::config::endpoint::Host;
use backstay_resources::apoxy::{
    Backend, BackendEndpoint, BackendProtocol, BackendSpec, DnsCacheConfig, DnsLookupFamily, DynamicProxy,
};
use backstay_resources::{GoDuration, Object};
use prost::Message as _;
use rustls_pki_types::ServerName;

use crate::hostname;

/// The documented defaults of `dnsCacheConfig`. They are filled in when an object is written; here they stand for what
/// was written before, or not through the API.
const REFRESH_RATE: Duration = Duration::from_secs(60);
const MIN_REFRESH_RATE: Duration = Duration::from_secs(5);
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);
const HOST_TTL: Duration = Duration::from_secs(300);
const MAX_HOSTS: u32 = 1024;

/// A Backend without what its policy adds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BackendModel {
    /// Encoded: there may be very many, and most of their fields are not set.
    encoded: Box<[u8]>,
    /// Whether requests choose the endpoint, so that references need no port.
    pub(crate) dynamic: bool,
}

/// Why a Backend cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendFault {
    #[error("it does not have the shape of a Backend: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("spec.endpoints is empty: name at least one endpoint, or set spec.dynamicProxy")]
    NoEndpoints,
    #[error("spec.endpoints[{0}] must have exactly one of fqdn and ip")]
    NotOneHost(usize),
    #[error("spec.endpoints[{0}].ip: {1:?} is not an IPv4 or IPv6 address")]
    BadIp(usize, String),
    #[error("spec.endpoints[{0}].ip: {1} stands for no particular host; name the address to connect to")]
    UnspecifiedIp(usize, IpAddr),
    #[error("spec.endpoints[{0}].fqdn: {1:?} is not a domain name")]
    BadName(usize, String),
    #[error("spec.dynamicProxy.dnsCacheConfig.{0} must be at least {1}")]
    TooShort(&'static str, GoDuration),
    #[error("spec.dynamicProxy.dnsCacheConfig.maxHosts must be at least 1")]
    NoHosts,
}

impl BackendModel {
    /// Reads a Backend.
    pub(crate) fn parse(object: &Object) -> Result<Self, BackendFault> {
        let BackendSpec { endpoints, dynamic_proxy, protocol } = object.typed::<Backend>()?.spec;
        let (protocol, tls) = match protocol {
            BackendProtocol::Http1 => (Protocol::Http1, false),
            BackendProtocol::Tls => (Protocol::Http1Tls, true),
            BackendProtocol::H2 => (Protocol::Http2Tls, true),
            BackendProtocol::H2c => (Protocol::Http2, false),
        };
        let discovery = match &dynamic_proxy {
            Some(dynamic) => Discovery::DynamicForward(config::DynamicForward {
                loop_id: loop_id(&object.metadata.uid),
                ..dynamic_forward(dynamic, &endpoints)?
            }),
            None if endpoints.is_empty() => return Err(BackendFault::NoEndpoints),
            None => {
                let name_for = if tls { NameFor::Certificate } else { NameFor::Lookup };
                let endpoints = endpoints.iter().enumerate().map(|(index, endpoint)| {
                    Ok(config::Endpoint { host: Some(host(index, endpoint, name_for)?), ..config::Endpoint::default() })
                });
                Discovery::Static(config::StaticEndpoints {
                    endpoints: endpoints.collect::<Result<_, BackendFault>>()?,
                    ..config::StaticEndpoints::default()
                })
            }
        };
        let config = config::Backend {
            protocol: protocol.into(),
            tls: tls.then(config::ClientTls::default),
            discovery: Some(discovery),
            ..config::Backend::default()
        };
        Ok(Self { encoded: config.encode_to_vec().into(), dynamic: dynamic_proxy.is_some() })
    }

    /// What proxies are told of it. `tls` is set when the protocol needs it.
    pub(crate) fn config(&self) -> config::Backend {
        // What was encoded here can be decoded.
        config::Backend::decode(&*self.encoded).unwrap_or_default()
    }
}

/// What the name of an endpoint is for.
#[derive(Clone, Copy)]
enum NameFor {
    /// It is looked up.
    Lookup,
    /// It is looked up, and is what the endpoint's certificate must carry.
    Certificate,
    /// Hosts of requests are compared with it.
    Comparison,
}

fn host(index: usize, endpoint: &BackendEndpoint, name_for: NameFor) -> Result<Host, BackendFault> {
    match (&endpoint.fqdn, &endpoint.ip) {
        (None, Some(text)) => {
            let ip: IpAddr = text.parse().map_err(|_| BackendFault::BadIp(index, text.clone()))?;
            if ip.is_unspecified() {
                return Err(BackendFault::UnspecifiedIp(index, ip));
            }
            Ok(Host::Ip(ip.to_string()))
        }
        (Some(name), None) => {
            let canonical = hostname::canonical(name);
            let sound = match name_for {
                NameFor::Comparison => hostname::is_dns_name(canonical.strip_prefix("*.").unwrap_or(&canonical)),
                NameFor::Lookup => hostname::is_dns_name(&canonical),
                NameFor::Certificate => {
                    let name = ServerName::try_from(canonical.as_str());
                    hostname::is_name(&canonical) && matches!(name, Ok(ServerName::DnsName(_)))
                }
            };
            if sound { Ok(Host::Fqdn(canonical)) } else { Err(BackendFault::BadName(index, name.clone())) }
        }
        _ => Err(BackendFault::NotOneHost(index)),
    }
}

fn dynamic_forward(
    dynamic: &DynamicProxy,
    endpoints: &[BackendEndpoint],
) -> Result<config::DynamicForward, BackendFault> {
    let names =
        endpoints.iter().enumerate().map(|(index, endpoint)| match host(index, endpoint, NameFor::Comparison)? {
            Host::Ip(name) | Host::Fqdn(name) | Host::Srv(name) => Ok(name),
        });
    Ok(config::DynamicForward {
        dns_cache: Some(dns_cache(&dynamic.dns_cache_config)?),
        allowed_names: names.collect::<Result<_, BackendFault>>()?,
        ..config::DynamicForward::default()
    })
}

/// What a Backend is called in marks. A name would be that of another Backend elsewhere, through which a request may well go.
fn loop_id(uid: &str) -> String {
    if uid.is_empty() { String::new() } else { format!("backstay-{uid}") }
}

fn dns_cache(settings: &DnsCacheConfig) -> Result<config::DnsCache, BackendFault> {
    let at_least = |name, value: Option<GoDuration>, default: Duration, least: Duration| {
        let value = value.map_or(default, |value| value.0);
        if value < least { Err(BackendFault::TooShort(name, GoDuration(least))) } else { Ok(Some(duration(value))) }
    };
    let family = match settings.dns_lookup_family.unwrap_or_default() {
        DnsLookupFamily::Auto => LookupFamily::Auto,
        DnsLookupFamily::V4Only => LookupFamily::V4Only,
        DnsLookupFamily::V6Only => LookupFamily::V6Only,
        DnsLookupFamily::V4Preferred => LookupFamily::V4Preferred,
        DnsLookupFamily::All => LookupFamily::All,
    };
    let milli = Duration::from_millis(1);
    Ok(config::DnsCache {
        lookup_family: family.into(),
        refresh_rate: at_least("dnsRefreshRate", settings.dns_refresh_rate, REFRESH_RATE, milli)?,
        min_refresh_rate: at_least(
            "dnsMinRefreshRate",
            settings.dns_min_refresh_rate,
            MIN_REFRESH_RATE,
            Duration::from_secs(1),
        )?,
        query_timeout: at_least("dnsQueryTimeout", settings.dns_query_timeout, QUERY_TIMEOUT, Duration::ZERO)?,
        host_ttl: at_least("hostTTL", settings.host_ttl, HOST_TTL, milli)?,
        max_hosts: match settings.max_hosts.unwrap_or(MAX_HOSTS) {
            0 => return Err(BackendFault::NoHosts),
            most => most,
        },
        ..config::DnsCache::default()
    })
}

/// A duration as messages carry it. Go's durations, at most 292 years, always fit.
pub(crate) fn duration(span: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(span.subsec_nanos()).unwrap_or_default(),
    }
}
