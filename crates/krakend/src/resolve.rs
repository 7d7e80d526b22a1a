//! From what is written to what is asked for: defaults as KrakenD fills them in, and its own checks in its own words.
//!
//! KrakenD stops at the first problem; here all are told. What is wrong leaves its part of the plan out, and then there is no plan.

mod backend;
mod endpoint;
mod host;
mod own;
mod patterns;
mod pipeline;
mod router;
mod routes;
mod rules;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Service};
use crate::document::Node;
use crate::namespace::{Level, State};
use crate::place::{At, Path, Place};
use crate::plan::{ClientTls, Extension, Host, Listener, Plan, ServerTls, Transport};
use crate::problem::Report;

/// KrakenD's defaults.
const PORT: u16 = 8080;
const TIMEOUT: Duration = Duration::from_secs(2);
const MAX_IDLE_PER_HOST: u64 = 250;
const MAX_HEADER_BYTES: u64 = 1 << 20;
const DNS_CACHE_TTL: Duration = Duration::from_secs(30);
const LEAST_DNS_CACHE_TTL: Duration = Duration::from_secs(1);

/// What holds for all endpoints.
struct Context<'a> {
    service: &'a Service<'a>,
    report: &'a Report,
    /// Of the service.
    hosts: Arc<[Host]>,
    timeout: Duration,
    cache_ttl: Duration,
    patterns: patterns::Patterns,
}

/// Resolves a configuration. Where the report has faults afterwards, parts are missing from the plan.
pub(crate) fn resolve(service: &Service<'_>, report: &Report) -> Plan {
    let listener = listener(service, report);
    let path = Path::ROOT;
    let hosts = host::sanitised(&service.host, &path.key("host"), report).into();
    let timeout = service.timeout.as_ref().map(|timeout| timeout.value).filter(|timeout| !timeout.is_zero());
    let cache_ttl = service.cache_ttl.as_ref().map(|ttl| ttl.value).unwrap_or_default();
    let patterns = if service.disable_rest { patterns::Patterns::Loose } else { patterns::Patterns::Strict };
    let context = Context { service, report, hosts, timeout: timeout.unwrap_or(TIMEOUT), cache_ttl, patterns };
    own::check(&service.extras, Level::Service, &path, report);
    let router = router::router(service, report);
    let mut routes = routes::Routes::new(service, &router);
    let mut endpoints = Vec::new();
    for (index, config) in service.endpoints.iter().enumerate() {
        let path = path.key("endpoints");
        let path = path.index(index);
        endpoints.extend(endpoint::endpoint(&context, &mut routes, (index, config), &path));
    }
    agents(&context, &path);
    if endpoints.is_empty() && service.endpoints.is_empty() && service.agents.is_empty() {
        report.surprising(Place::START, &path, "there are no endpoints: every request is 404");
    }
    Plan {
        name: service.name.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        listener,
        transport: transport(service, report),
        router,
        endpoints,
        extensions: extensions(&service.extras, &path),
    }
}

/// Agents are refused by name elsewhere; KrakenD looks at their hosts first.
fn agents(context: &Context<'_>, path: &Path<'_>) {
    let path = path.key("async_agent");
    for (index, agent) in context.service.agents.iter().enumerate() {
        let path = path.index(index);
        let path = path.key("backend");
        for (index, backend) in agent.backends.iter().enumerate().filter(|(_, backend)| !backend.disable_host_sanitize)
        {
            let hosts = backend.host.as_ref().map(|hosts| hosts.value.as_slice()).unwrap_or_default();
            host::sanitised(hosts, &path.index(index).key("host"), context.report);
        }
    }
}

fn listener(service: &Service<'_>, report: &Report) -> Listener {
    let path = Path::ROOT;
    let limits = &service.server;
    let tls = service.tls.as_ref().filter(|tls| !tls.is_disabled).map(|tls| ServerTls {
        place: tls.place.unwrap_or(Place::START),
        keys: files(&tls.keys),
        ca_certs: tls.ca_certs.clone(),
        mutual: tls.enable_mtls,
        system_authorities: !tls.disable_system_ca_pool,
        min_version: tls.min_version.clone(),
        max_version: tls.max_version.clone(),
        curve_preferences: tls.curve_preferences.clone(),
        cipher_suites: tls.cipher_suites.clone(),
    });
    Listener {
        address: service.listen_ip.as_ref().and_then(|ip| address(ip, &path.key("listen_ip"), report)),
        port: service.port.as_ref().map_or(PORT, |port| self::port(port, &path.key("port"), report)),
        read_timeout: limits.read_timeout,
        write_timeout: limits.write_timeout,
        idle_timeout: limits.idle_timeout,
        read_header_timeout: limits.read_header_timeout,
        max_header_bytes: if limits.max_header_bytes == 0 { MAX_HEADER_BYTES } else { limits.max_header_bytes },
        max_shutdown_wait_time: limits.max_shutdown_wait_time,
        h2c: service.use_h2c,
        tls,
    }
}

fn files(pairs: &[(At<String>, At<String>)]) -> Vec<(String, String)> {
    pairs.iter().map(|(certificate, key)| (certificate.value.clone(), key.value.clone())).collect()
}

fn address(written: &At<String>, path: &Path<'_>, report: &Report) -> Option<IpAddr> {
    // Go takes a zone with an IPv6 address, which a listener that moves between machines cannot have.
    let address = written.value.parse().ok();
    if address.is_none() {
        report.refused(written.place, path, format!("invalid ip address {}", written.value));
    }
    address
}

fn port(written: &At<i64>, path: &Path<'_>, report: &Report) -> u16 {
    match u16::try_from(written.value) {
        Ok(0) => PORT,
        Ok(port) => port,
        Err(_) => {
            report.refused(written.place, path, format!("there is no TCP port {}", written.value));
            PORT
        }
    }
}

fn transport(service: &Service<'_>, report: &Report) -> Transport {
    let config = &service.transport;
    let ttl = service.dns_cache_ttl.as_ref();
    if let Some(ttl) = ttl.filter(|ttl| ttl.value < LEAST_DNS_CACHE_TTL) {
        let message = "it is ignored below 1s, and 30s count instead";
        report.dropped(ttl.place, &Path::ROOT.key("dns_cache_ttl"), message);
    }
    let tls = service.client_tls.as_ref();
    Transport {
        max_idle_connections: config.max_idle_connections,
        max_idle_connections_per_host: match config.max_idle_connections_per_host {
            0 => MAX_IDLE_PER_HOST,
            count => count,
        },
        idle_connection_timeout: config.idle_connection_timeout,
        response_header_timeout: config.response_header_timeout,
        expect_continue_timeout: config.expect_continue_timeout,
        dialer_timeout: config.dialer_timeout,
        dialer_fallback_delay: config.dialer_fallback_delay,
        dialer_keep_alive: config.dialer_keep_alive,
        disable_keep_alives: config.disable_keep_alives,
        disable_compression: config.disable_compression,
        dns_cache_ttl: ttl.map(|ttl| ttl.value).filter(|ttl| *ttl >= LEAST_DNS_CACHE_TTL).unwrap_or(DNS_CACHE_TTL),
        insecure: config.allow_insecure_connections || tls.is_some_and(|tls| tls.allow_insecure_connections),
        tls: tls.map(|tls| ClientTls {
            place: tls.place.unwrap_or(Place::START),
            ca_certs: tls.ca_certs.clone(),
            system_authorities: !tls.disable_system_ca_pool,
            min_version: tls.min_version.clone(),
            max_version: tls.max_version.clone(),
            curve_preferences: tls.curve_preferences.clone(),
            cipher_suites: tls.cipher_suites.clone(),
            certificates: files(&tls.client_certs),
        }),
    }
}

/// The components that have no type of their own in the plan and change traffic. `above` leads to what has them.
fn extensions(extras: &config::Extras<'_>, above: &Path<'_>) -> Vec<Extension> {
    let above = above.key("extra_config");
    let kept = extras
        .list
        .iter()
        .filter(|extra| matches!(extra.namespace.state, State::Served(_) | State::NotServed(_) | State::Enterprise(_)));
    kept.map(|extra| Extension {
        namespace: extra.namespace.name,
        place: extra.place,
        path: above.key(extra.key).to_string(),
        settings: Node::clone(extra.node),
    })
    .collect()
}
