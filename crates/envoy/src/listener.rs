//! Listeners: their filter chains, by the names that clients of TLS ask for, and what is in each.

use backstay_model::{ClientLimits, HostPattern, Listener, TlsTerms};
use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::config::listener::v3 as pb;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3 as manager;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;
use manager::http_connection_manager::{RouteSpecifier, ServerHeaderTransformation, UpgradeConfig};
use manager::{HttpConnectionManager, HttpFilter, Rds, http_filter};
use std::net::SocketAddr;
use tls::common_tls_context::ValidationContextType;
use tls::tls_parameters::TlsProtocol;

use crate::route::domain;
use crate::secret::reference;
use crate::wire::{ads, any, duration, flag, inline, number};

/// The listener called `name`.
pub(crate) fn listener(
    name: &str,
    socket: SocketAddr,
    chains: Vec<pb::FilterChain>,
    default: Option<pb::FilterChain>,
    over_tls: bool,
) -> pb::Listener {
    let address = core::SocketAddress {
        address: socket.ip().to_string(),
        port_specifier: Some(core::socket_address::PortSpecifier::PortValue(socket.port().into())),
        // All addresses of a host are those of both families.
        ipv4_compat: socket.is_ipv6() && socket.ip().is_unspecified(),
        ..Default::default()
    };
    let inspector = pb::ListenerFilter {
        name: "envoy.filters.listener.tls_inspector".to_owned(),
        config_type: Some(pb::listener_filter::ConfigType::TypedConfig(any(&TlsInspector::default()))),
        ..Default::default()
    };
    pb::Listener {
        name: name.to_owned(),
        address: Some(core::Address { address: Some(core::address::Address::SocketAddress(address)) }),
        filter_chains: chains,
        default_filter_chain: default,
        listener_filters: over_tls.then_some(inspector).into_iter().collect(),
        ..Default::default()
    }
}

/// A filter chain for connections to `hosts`, or for all.
pub(crate) fn chain(
    hosts: Option<&HostPattern>,
    secrets: &[&str],
    (routes, stat_prefix): (&str, &str),
    filters: Vec<HttpFilter>,
    settings: &Listener,
) -> pb::FilterChain {
    let named = hosts.filter(|hosts| **hosts != HostPattern::Any);
    pb::FilterChain {
        name: hosts.map_or_else(|| "default".to_owned(), domain),
        filter_chain_match: named
            .map(|hosts| pb::FilterChainMatch { server_names: vec![domain(hosts)], ..Default::default() }),
        filters: vec![pb::Filter {
            name: "envoy.filters.network.http_connection_manager".to_owned(),
            config_type: Some(pb::filter::ConfigType::TypedConfig(any(&connections(
                routes,
                stat_prefix,
                filters,
                &settings.limits,
            )))),
        }],
        transport_socket: (!secrets.is_empty()).then(|| server_tls(secrets, &settings.terms)),
        ..Default::default()
    }
}

fn connections(
    routes: &str,
    stat_prefix: &str,
    mut filters: Vec<HttpFilter>,
    limits: &ClientLimits,
) -> HttpConnectionManager {
    // The proxy of this project says nothing of how long an endpoint took, and the like.
    let router = Router { suppress_envoy_headers: true, ..Default::default() };
    filters.push(HttpFilter {
        name: "envoy.filters.http.router".to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&router))),
        ..Default::default()
    });
    let times = (limits.idle_timeout, limits.response_timeout);
    let common = (times != (None, None)).then(|| core::HttpProtocolOptions {
        idle_timeout: limits.idle_timeout.and_then(duration),
        max_stream_duration: limits.response_timeout.and_then(duration),
        ..Default::default()
    });
    // In KiB, and no more than Envoy takes.
    let size = |bytes: usize| u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).clamp(1, 8192);
    HttpConnectionManager {
        common_http_protocol_options: common,
        request_headers_timeout: limits.header_timeout.and_then(duration),
        request_timeout: limits.request_timeout.and_then(duration),
        max_request_headers_kb: limits.max_head_size.and_then(|bytes| number(size(bytes))),
        stat_prefix: stat_prefix.to_owned(),
        route_specifier: Some(RouteSpecifier::Rds(Rds { config_source: ads(), route_config_name: routes.to_owned() })),
        http_filters: filters,
        // Whoever is connected is the client: what it says of others is added to, not believed.
        use_remote_address: flag(true),
        server_header_transformation: ServerHeaderTransformation::PassThrough.into(),
        upgrade_configs: vec![UpgradeConfig { upgrade_type: "websocket".to_owned(), ..Default::default() }],
        ..Default::default()
    }
}

/// The listener of gRPC clients that go by the routes of this name: it is not listened on.
pub(crate) fn clients(routes: &str) -> pb::ApiListener {
    let router = HttpFilter {
        name: "envoy.filters.http.router".to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(any(&Router::default()))),
        ..Default::default()
    };
    let manager = HttpConnectionManager {
        route_specifier: Some(RouteSpecifier::Rds(Rds { config_source: ads(), route_config_name: routes.to_owned() })),
        http_filters: vec![router],
        ..Default::default()
    };
    pb::ApiListener { api_listener: Some(any(&manager)) }
}

fn server_tls(secrets: &[&str], terms: &TlsTerms) -> core::TransportSocket {
    let authorities = terms.client_authorities.as_ref();
    let clients = authorities.map(|authorities| tls::CertificateValidationContext {
        trusted_ca: inline(authorities.pem().clone()),
        ..Default::default()
    });
    let parameters = (!terms.tls12 || !terms.tls13).then(|| tls::TlsParameters {
        tls_minimum_protocol_version: if terms.tls12 { TlsProtocol::TlSv12 } else { TlsProtocol::TlSv13 }.into(),
        tls_maximum_protocol_version: if terms.tls13 { TlsProtocol::TlSv13 } else { TlsProtocol::TlSv12 }.into(),
        ..Default::default()
    });
    let common = tls::CommonTlsContext {
        tls_certificate_sds_secret_configs: secrets.iter().map(|name| reference(name)).collect(),
        alpn_protocols: vec!["h2".to_owned(), "http/1.1".to_owned()],
        tls_params: parameters,
        validation_context_type: clients.map(ValidationContextType::ValidationContext),
        ..Default::default()
    };
    let context = tls::DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: authorities.and_then(|_| flag(true)),
        ..Default::default()
    };
    core::TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(core::transport_socket::ConfigType::TypedConfig(any(&context))),
    }
}
