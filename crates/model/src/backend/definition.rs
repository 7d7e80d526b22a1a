//! A backend as it is configured.

use std::mem;
use std::sync::Arc;

use backstay_balancer::Limits;
use backstay_proto::config::{self, backend};

use super::{
    Discovery, Policy, Protocol, Timeouts, TlsSpec, balancing, dynamic, endpoints, health, requests, tls, transport,
};
use crate::fault::{Checked, Faults, Together, Within, refuse, unknown};

/// A backend, checked by itself: its secrets may not be there yet, its names are not resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// The settings that its requests go by. Shared with what serves them.
    pub spec: Arc<BackendSpec>,
    /// Set to speak TLS to its endpoints.
    pub tls: Option<Box<TlsSpec>>,
    /// How much may be under way at once.
    pub limits: Limits,
    /// Where its endpoints come from.
    pub discovery: Discovery,
}

/// What the requests of a backend go by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackendSpec {
    /// What is spoken to the endpoints.
    pub protocol: Protocol,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How requests are spread and repeated.
    pub policy: Policy,
}

impl Backend {
    /// Whether a connection made under `other` might as well have been made under this.
    #[must_use]
    pub fn connects_as(&self, other: &Self) -> bool {
        // All that a connection and the state of an endpoint depend on, but for what secrets hold: connections outlive the
        // certificates that they were opened with.
        self.spec.protocol == other.spec.protocol
            && self.tls == other.tls
            && self.spec.policy.connections.keepalive == other.spec.policy.connections.keepalive
            && self.spec.policy.counts_endpoints == other.spec.policy.counts_endpoints
            && mem::discriminant(&self.discovery) == mem::discriminant(&other.discovery)
    }

    /// Whether it differs from `other` in nothing but where its endpoints come from.
    #[must_use]
    pub fn is_elsewhere(&self, other: &Self) -> bool {
        self.spec == other.spec && self.tls == other.tls && self.limits == other.limits
    }
}

impl TryFrom<&config::Backend> for Backend {
    type Error = Faults;

    fn try_from(message: &config::Backend) -> Checked<Self> {
        let protocol = match backend::Protocol::try_from(message.protocol) {
            Ok(backend::Protocol::Http1) => Ok((Protocol::Http1, false)),
            Ok(backend::Protocol::Http1Tls) => Ok((Protocol::Http1, true)),
            Ok(backend::Protocol::Http2Tls) => Ok((Protocol::Http2, true)),
            Ok(backend::Protocol::Http2) => Ok((Protocol::Http2, false)),
            Err(_) => unknown("protocol"),
        };
        // Whether these fit the protocol cannot be told without one.
        let of_protocol = protocol.and_then(|(protocol, over_tls)| {
            let tls = match (&message.tls, over_tls) {
                (None, false) => Ok(None),
                (Some(_), false) => refuse("tls", "must not be set when the protocol is without TLS"),
                (tls, true) => tls::spec(tls.as_ref(), protocol).map(|tls| Some(Box::new(tls))).within("tls"),
            };
            let limits = requests::limits(message.limits.as_ref(), protocol).within("limits");
            (Ok(protocol), tls, health::health_checks(&message.health_checks, protocol), limits).together()
        });
        let parts = (
            of_protocol,
            transport::timeouts(message.timeouts).within("timeouts"),
            policy(message),
            discovery(message),
        );
        let ((protocol, tls, health, limits), timeouts, policy, discovery) = parts.together()?;
        let policy = Policy {
            health,
            counts_requests: limits.requests.is_some() || limits.retry_budget.is_some(),
            rejects_when_full: message.limits.is_some_and(|limits| limits.reject_when_full),
            counts_endpoints: limits.connections_per_endpoint.is_some(),
            ..policy
        };
        if let (Discovery::Static(list), Some(TlsSpec { server_name: None, .. })) = (&discovery, tls.as_deref()) {
            endpoints::for_tls(list).within("static")?;
        }
        Ok(Self { spec: Arc::new(BackendSpec { protocol, timeouts, policy }), tls, limits, discovery })
    }
}

fn discovery(message: &config::Backend) -> Checked<Discovery> {
    match &message.discovery {
        None => unknown("discovery"),
        Some(backend::Discovery::Static(list)) => endpoints::endpoints(list).map(Discovery::Static).within("static"),
        Some(backend::Discovery::DynamicForward(forward)) => dynamic::discovery(forward).within("dynamic_forward"),
    }
}

/// What depends on no other part of the backend.
fn policy(message: &config::Backend) -> Checked<Policy> {
    let balancing = message.load_balancing.as_ref().map(balancing::load_balancing).transpose();
    let outlier = message.outlier_detection.as_ref().map(balancing::outlier_detection).transpose();
    let retries = message.retries.as_ref().map(requests::retries).transpose();
    let (balancing, outlier, retries, connections, host) = (
        balancing.within("load_balancing"),
        outlier.within("outlier_detection"),
        retries.within("retries"),
        requests::connections(message.connections.as_ref()).within("connections"),
        requests::host(message.host.as_ref()).within("host"),
    )
        .together()?;
    let (balancing, hash) = balancing.unwrap_or_default();
    Ok(Policy { balancing, hash, outlier, retries, connections, host, ..Policy::default() })
}
