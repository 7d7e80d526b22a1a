use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use backstay_balancer::{Limits, Locality, Stated};
use backstay_dns_cache::{Settings, Target};
use backstay_proto::config::{Backend, Endpoint, backend, endpoint};
use rustls_pki_types::ServerName;

use super::fault::{Checked, Fault, Within};
use super::time::{limit, positive};
use super::tls::{self, TlsPlan};
use super::{balancing, dynamic, health, requests};
use crate::config::{Allowed, LoopGuard, Policy, Protocol, Timeouts};

/// A backend, checked by itself: its secret may not be there yet, its names are not resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackendPlan {
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<TlsPlan>,
    pub(crate) timeouts: Timeouts,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) discovery: DiscoveryPlan,
}

impl BackendPlan {
    /// Whether a connection made under `other` might as well have been made under this.
    pub(crate) fn connects_as(&self, other: &Self) -> bool {
        // All that `upstream::connect` and the state of an endpoint depend on, but for what secrets hold: connections outlive
        // the certificates that they were opened with.
        self.protocol == other.protocol
            && self.tls == other.tls
            && self.policy.connections.keepalive == other.policy.connections.keepalive
            && self.policy.counts_endpoints == other.policy.counts_endpoints
            && mem::discriminant(&self.discovery) == mem::discriminant(&other.discovery)
    }
}

/// Where endpoints come from. May change without a new identity of the backend, as long as it stays of one variant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum DiscoveryPlan {
    Static(Vec<EndpointPlan>),
    Dynamic { settings: Settings, allowed: Allowed, loops: Option<LoopGuard> },
}

/// One endpoint as the user wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct EndpointPlan {
    pub(crate) host: HostPlan,
    /// At least 1.
    pub(crate) weight: u32,
    pub(crate) priority: u32,
    pub(crate) locality: Locality,
    pub(crate) stated: Stated,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum HostPlan {
    Ip(IpAddr),
    Name {
        name: Arc<str>,
        server_name: ServerName<'static>,
    },
    /// A service, whose records name its servers.
    Srv(Arc<str>),
}

/// Checks a backend.
pub(crate) fn backend(backend: &Backend) -> Checked<BackendPlan> {
    let (protocol, over_tls) = match backend::Protocol::try_from(backend.protocol) {
        Ok(backend::Protocol::Http1) => (Protocol::Http1, false),
        Ok(backend::Protocol::Http1Tls) => (Protocol::Http1, true),
        Ok(backend::Protocol::Http2Tls) => (Protocol::Http2, true),
        Ok(backend::Protocol::Http2) => (Protocol::Http2, false),
        Err(_) => return Err(Fault::unknown("protocol")),
    };
    let tls = match (&backend.tls, over_tls) {
        (None, false) => None,
        (Some(_), false) => return Err(Fault::new("tls", "must not be set when the protocol is without TLS")),
        (tls, true) => Some(tls::plan(tls.as_ref(), protocol).within("tls")?),
    };
    let defaults = Timeouts::default();
    let timeouts = backend.timeouts.unwrap_or_default();
    let timeouts = Timeouts {
        connect: positive("timeouts.connect", timeouts.connect)?.unwrap_or(defaults.connect),
        idle: positive("timeouts.idle", timeouts.idle)?.unwrap_or(defaults.idle),
        first_byte: limit("timeouts.first_byte", timeouts.first_byte)?,
        between_bytes: limit("timeouts.between_bytes", timeouts.between_bytes)?,
        total: limit("timeouts.total", timeouts.total)?,
    };
    let discovery = match &backend.discovery {
        None => return Err(Fault::unknown("discovery")),
        Some(backend::Discovery::Static(list)) => {
            let mut localities = Vec::new();
            let endpoints = list.endpoints.iter().enumerate().map(|(index, endpoint)| {
                endpoint_plan(endpoint, &mut localities).within_element("static.endpoints", index)
            });
            DiscoveryPlan::Static(endpoints.collect::<Checked<_>>()?)
        }
        Some(backend::Discovery::DynamicForward(forward)) => dynamic::discovery(forward).within("dynamic_forward")?,
    };
    let limits = requests::limits(backend.limits.as_ref()).within("limits")?;
    let policy = policy(backend, &limits, protocol)?;
    Ok(BackendPlan { protocol, tls, timeouts, policy, limits, discovery })
}

fn policy(backend: &Backend, limits: &Limits, protocol: Protocol) -> Checked<Policy> {
    let balancing =
        backend.load_balancing.as_ref().map(balancing::load_balancing).transpose().within("load_balancing")?;
    let (balancing, hash) = balancing.unwrap_or_default();
    let outlier = backend.outlier_detection.as_ref().map(balancing::outlier_detection).transpose();
    let retries = backend.retries.as_ref().map(requests::retries).transpose();
    Ok(Policy {
        balancing,
        hash,
        outlier: outlier.within("outlier_detection")?,
        health: health::health_checks(&backend.health_checks, protocol)?,
        retries: retries.within("retries")?,
        connections: requests::connections(backend.connections.as_ref()).within("connections")?,
        host: requests::host(backend.host.as_ref()).within("host")?,
        counts_requests: limits.requests.is_some() || limits.retry_budget.is_some(),
        counts_endpoints: limits.connections_per_endpoint.is_some(),
    })
}

fn endpoint_plan(endpoint: &Endpoint, localities: &mut Vec<(String, String)>) -> Checked<EndpointPlan> {
    let stated = match endpoint::Health::try_from(endpoint.health) {
        Ok(endpoint::Health::Healthy) => Stated::Healthy,
        Ok(endpoint::Health::Degraded) => Stated::Degraded,
        Ok(endpoint::Health::Unhealthy | endpoint::Health::Draining) => Stated::Unhealthy,
        Err(_) => return Err(Fault::unknown("health")),
    };
    let locality = endpoint.locality.as_ref().map_or_else(Locality::default, |given| {
        let name = (given.region.clone(), given.zone.clone());
        let known = localities.iter().position(|known| *known == name).unwrap_or_else(|| {
            localities.push(name);
            localities.len() - 1
        });
        // 0 is for endpoints without one.
        Locality { id: u32::try_from(known + 1).unwrap_or(u32::MAX), weight: given.weight }
    });
    let host = host_plan(endpoint)?;
    Ok(EndpointPlan { host, weight: endpoint.weight.max(1), priority: endpoint.priority, locality, stated })
}

fn host_plan(endpoint: &Endpoint) -> Checked<HostPlan> {
    match &endpoint.host {
        None => Err(Fault::unknown("")),
        Some(endpoint::Host::Srv(text)) => match Target::from_parts(text, 1) {
            Ok(Target::Name(name)) => Ok(HostPlan::Srv(name.name().into())),
            _ => Err(Fault::new("srv", format!("{text:?} is not a name that DNS could know"))),
        },
        Some(endpoint::Host::Ip(text)) => {
            text.parse().map(HostPlan::Ip).map_err(|_| Fault::new("ip", format!("{text:?} is not an IP address")))
        }
        Some(endpoint::Host::Fqdn(text)) => {
            let invalid = || Fault::new("fqdn", format!("{text:?} is not a name that DNS could know"));
            let Ok(Target::Name(name)) = Target::from_parts(text, 1) else {
                return Err(invalid());
            };
            let server_name = ServerName::try_from(name.name().to_owned()).map_err(|_| invalid())?;
            Ok(HostPlan::Name { name: name.name().into(), server_name })
        }
    }
}
