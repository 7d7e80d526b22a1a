//! What a backend compiles to.

mod health;
mod tls;

use std::net::IpAddr;
use std::sync::Arc;

use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::backend::{Discovery, Protocol};
use backstay_proto::config::connections::TcpKeepalive;
use backstay_proto::config::dns_cache::LookupFamily;
use backstay_proto::config::endpoint::Host;
use backstay_proto::config::load_balancing::{Policy, RoundRobin};
use backstay_proto::config::outlier_detection::SuccessRate;

use super::name;
use super::verdict::{Named, Verdict};
use crate::object::{Backend, Healthcheck, VersionSpec};

/// A backend, and what it needs. Holds keys, so it is not printed.
pub(super) struct CompiledBackend {
    /// Name of its resource.
    pub(super) resource: Arc<str>,
    pub(super) config: config::Backend,
    /// The certificate that it is shown, by the name of its resource.
    pub(super) certificate: Option<(Arc<str>, config::Secret)>,
}

/// Compiles a backend of a version. `None` where it cannot be.
pub(super) fn compile(backend: &Backend, version: &VersionSpec, verdict: &mut Verdict) -> Option<CompiledBackend> {
    let object = Named("Backend", &backend.name);
    let errors = verdict.errors.len();
    if backend.port == 0 {
        verdict.error(object, "port 0 cannot be connected to");
    }
    let endpoint = endpoint(backend, verdict);
    let resource = name::certificate(&version.service, &backend.name);
    let tls = backend.use_ssl.then(|| tls::client_tls(backend, &resource, verdict));
    let check = healthcheck(backend, version, verdict);
    unapplied(backend, verdict);
    if verdict.errors.len() > errors {
        return None;
    }
    let default_host = Some(version.settings.default_host.as_str()).filter(|host| !host.is_empty());
    let host = backend.override_host.as_deref().filter(|host| !host.is_empty()).or(default_host);
    let (tls, certificate) = tls.unzip();
    let config = config::Backend {
        protocol: if backend.use_ssl { Protocol::Http1Tls } else { Protocol::Http1 }.into(),
        discovery: Some(Discovery::Static(config::StaticEndpoints {
            endpoints: vec![endpoint],
            ..config::StaticEndpoints::default()
        })),
        tls,
        timeouts: Some(timeouts(backend)),
        // What is sick gets nothing, however little is left.
        load_balancing: (check.is_some() || backend.error_threshold > 0).then(|| config::LoadBalancing {
            policy: Some(Policy::RoundRobin(RoundRobin {})),
            panic_threshold: Some(0),
            ..Default::default()
        }),
        health_checks: check.into_iter().collect(),
        outlier_detection: (backend.error_threshold > 0).then(|| marked_down(backend.error_threshold)),
        limits: Some(config::Limits {
            connections: Some(if backend.max_conn == 0 { u32::MAX } else { backend.max_conn }),
            reject_when_full: true,
            ..Default::default()
        }),
        connections: Some(connections(backend)),
        host: host.map(|host| config::HostRewrite { kind: Some(config::host_rewrite::Kind::Literal(host.to_owned())) }),
        ..Default::default()
    };
    Some(CompiledBackend {
        resource: name::backend(&version.service, &backend.name),
        config,
        certificate: certificate.flatten().map(|secret| (resource, secret)),
    })
}

/// The one endpoint, or each address of its name.
fn endpoint(backend: &Backend, verdict: &mut Verdict) -> config::Endpoint {
    let object = Named("Backend", &backend.name);
    let name = hostname::canonical(&backend.address);
    let host = match backend.address.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => {
            verdict.error(object, format!("address {address} stands for no particular host"));
            Host::Ip(address.to_string())
        }
        Ok(address) => Host::Ip(address.to_string()),
        Err(_) => {
            if !hostname::is_name(&name) {
                verdict
                    .error(object, format!("address {:?} is neither a host name nor an IP address", backend.address));
            }
            Host::Fqdn(name)
        }
    };
    let by_name = matches!(host, Host::Fqdn(_));
    let family = (backend.prefer_ipv6 && by_name).then_some(LookupFamily::V6Preferred);
    config::Endpoint { host: Some(host), lookup_family: family.map(Into::into), ..Default::default() }
}

fn healthcheck(backend: &Backend, version: &VersionSpec, verdict: &mut Verdict) -> Option<config::HealthCheck> {
    let wanted = backend.healthcheck.as_deref().filter(|name| !name.is_empty())?;
    let found: Option<&Healthcheck> = version.healthchecks.iter().find(|check| check.name == wanted);
    if found.is_none() {
        verdict.error(Named("Backend", &backend.name), format!("there is no healthcheck '{wanted}'"));
    }
    found.and_then(|check| health::health_check(check).ok())
}

/// What is wrong with the health checks of a version, whether they are used or not.
pub(super) fn check_healthchecks(version: &VersionSpec, verdict: &mut Verdict) {
    for check in &version.healthchecks {
        if let Err(message) = health::health_check(check) {
            verdict.error(Named("Healthcheck", &check.name), message);
        }
    }
}

fn timeouts(backend: &Backend) -> config::Timeouts {
    let limit = |value: u32| (value > 0).then(|| milliseconds(value));
    config::Timeouts {
        connect: limit(backend.connect_timeout),
        idle: backend.keepalive_time.filter(|seconds| *seconds > 0).map(seconds),
        first_byte: limit(backend.first_byte_timeout),
        between_bytes: limit(backend.between_bytes_timeout),
        total: backend.fetch_timeout.and_then(limit),
        // The answer so far is what there is of it.
        end_on_silence: backend.between_bytes_timeout > 0,
    }
}

fn connections(backend: &Backend) -> config::Connections {
    let some = |value: Option<u32>| value.filter(|value| *value > 0);
    let keepalive = match backend.tcp_keepalive_enable {
        Some(false) => Some(TcpKeepalive { disabled: true, ..Default::default() }),
        _ => {
            let probes = some(backend.tcp_keepalive_probes);
            let idle = some(backend.tcp_keepalive_time).map(seconds);
            let interval = some(backend.tcp_keepalive_interval).map(seconds);
            let given = probes.is_some() || idle.is_some() || interval.is_some();
            let probes = probes.unwrap_or_default();
            given.then_some(TcpKeepalive { probes, idle, interval, ..Default::default() })
        }
    };
    config::Connections {
        max_requests: some(backend.max_use).unwrap_or_default(),
        max_lifetime: some(backend.max_lifetime).map(milliseconds),
        tcp_keepalive: keepalive,
        ..Default::default()
    }
}

/// So many failures in a row, of connecting, of waiting or by a gateway's word (502, 503, 504), mark a backend down: for half a minute, and
/// longer each time that it fails again, up to five.
fn marked_down(failures: u32) -> config::OutlierDetection {
    config::OutlierDetection {
        interval: Some(seconds(10)),
        base_ejection_time: Some(seconds(30)),
        max_ejection_time: Some(seconds(300)),
        max_ejection_percent: Some(100),
        consecutive_5xx: Some(0),
        consecutive_gateway_failure: Some(failures),
        consecutive_local_origin_failure: Some(0),
        split_local_origin: false,
        // With more endpoints needed than there can be, it is off.
        success_rate: Some(SuccessRate { minimum_hosts: u32::MAX, request_volume: 100, stdev_factor: 1900 }),
        failure_percentage: None,
        always_eject_one: true,
    }
}

/// What a backend asks for that is not done.
fn unapplied(backend: &Backend, verdict: &mut Verdict) {
    let object = Named("Backend", &backend.name);
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if given(&backend.shield) {
        verdict.warning(object, "shield is not applicable: there are no points of presence to go through");
    }
    if given(&backend.share_key) {
        verdict.error(object, "share_key is not done: each proxy checks each backend by itself; leave it empty");
    }
    if backend.use_ssl && backend.port == 80 {
        verdict.warning(object, "use_ssl is set and the port is 80, where servers rarely speak TLS: 443 is usual");
    }
    if !backend.use_ssl && backend.port == 443 {
        verdict.warning(object, "the port is 443 and use_ssl is not set: it is spoken to without TLS");
    }
}

fn milliseconds(value: u32) -> prost_types::Duration {
    let nanos = i32::try_from(value % 1000).unwrap_or_default() * 1_000_000;
    prost_types::Duration { seconds: i64::from(value / 1000), nanos }
}

fn seconds(value: u32) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::from(value), nanos: 0 }
}
