//! HAProxy, nginx and Envoy, configured for the same work.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::scenario::{MANY, Scenario};
use crate::support::process::{Process, find, find_envoy, pinned, write};
use crate::{PROXY_CPU, Peer, TLS_UPSTREAM, UPSTREAM, dns};

/// Builds the command of a peer, or `None` where it is not installed or cannot do the scenario.
type Build = fn(Scenario, &Path, &Path, u16) -> Option<Command>;

/// Starts every peer that can do the scenario.
pub fn start(scenario: Scenario, folder: &Path, certificate: &Path) -> Vec<Peer> {
    let candidates: [(&'static str, u16, Build); 3] =
        [("haproxy", 21002, haproxy), ("nginx", 21003, nginx), ("envoy", 21004, envoy)];
    let mut peers = Vec::new();
    for (name, port, build) in candidates {
        let Some(command) = build(scenario, folder, certificate, port) else {
            eprintln!("{name} is left out of {}", scenario.name());
            continue;
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut process = Process::spawn(name, &mut pinned(PROXY_CPU, &command));
        process.wait_for(address);
        peers.push(Peer { name, address, processes: vec![process] });
    }
    peers
}

fn haproxy(scenario: Scenario, folder: &Path, certificate: &Path, port: u16) -> Option<Command> {
    let program = find("haproxy")?;
    let mut config = format!(
        "global\n  nbthread 1\n  maxconn 8192\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  option forwardfor\n  http-reuse always\n\
         frontend f\n  bind 127.0.0.1:{port}\n"
    );
    let mut backend = |name: &str, server: &str| {
        let _ = write!(config, "backend {name}\n  server s {server}\n");
    };
    match scenario {
        Scenario::Plain | Scenario::Tls => {
            let tls = format!(
                "127.0.0.1:{TLS_UPSTREAM} ssl verify required ca-file {} sni str(upstream.test) verifyhost upstream.test",
                certificate.display()
            );
            backend("b0", &if scenario == Scenario::Tls { tls } else { format!("127.0.0.1:{UPSTREAM}") });
            config = config.replacen("backend b0", "  default_backend b0\nbackend b0", 1);
        }
        Scenario::Routes => {
            let map: String = (0..MANY).map(|number| format!("/r{number}/ b{number}\n")).collect();
            let map = write(folder, "routes.map", &map);
            for number in 0..MANY {
                backend(&format!("b{number}"), &format!("127.0.0.1:{UPSTREAM}"));
            }
            let choose = format!("  use_backend %[path,map_beg({})]\nbackend b0\n", map.display());
            config = config.replacen("backend b0\n", &choose, 1);
        }
        Scenario::Dynamic => return None,
    }
    let mut command = Command::new(program);
    command.args(["-db", "-f"]).arg(write(folder, "haproxy.cfg", &config));
    Some(command)
}

fn nginx(scenario: Scenario, folder: &Path, certificate: &Path, port: u16) -> Option<Command> {
    let (target, tls) = match scenario {
        Scenario::Plain => (UPSTREAM, String::new()),
        Scenario::Tls => (
            TLS_UPSTREAM,
            format!(
                "proxy_ssl_verify on; proxy_ssl_server_name on; proxy_ssl_name upstream.test; proxy_ssl_trusted_certificate {};",
                certificate.display()
            ),
        ),
        Scenario::Routes | Scenario::Dynamic => return None,
    };
    let scheme = if tls.is_empty() { "http" } else { "https" };
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log; events {{ worker_connections 4096; }}
         http {{ access_log off; keepalive_requests 100000000; upstream u {{ server 127.0.0.1:{target}; keepalive 128; keepalive_requests 100000000; }}
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass {scheme}://u; proxy_http_version 1.1; proxy_set_header Connection ''; {tls}
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k; }} }} }}",
        folder.display()
    );
    let mut command = Command::new(find("nginx")?);
    command.arg("-c").arg(write(folder, "nginx.conf", &config));
    Some(command)
}

fn envoy(scenario: Scenario, folder: &Path, certificate: &Path, port: u16) -> Option<Command> {
    let program = find_envoy()?;
    let address = |port: u16| format!("{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}");
    let endpoints = |name: &str, port: u16| {
        let endpoint = format!("{{endpoint: {{address: {}}}}}", address(port));
        format!("load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{endpoint}]}}]}}")
    };
    let limits = "circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}]}";
    let cache = format!(
        "{{name: c, dns_lookup_family: V4_ONLY, max_hosts: 4096, typed_dns_resolver_config: {{name: envoy.network.dns_resolver.cares, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{}]}}}}}}",
        address(dns::PORT).replace("{socket_address: {", "{socket_address: {protocol: UDP, ")
    );
    let mut clusters = String::new();
    let mut routes = "[{match: {prefix: /}, route: {cluster: u}}]".to_owned();
    let mut filters = String::new();
    match scenario {
        Scenario::Plain => {
            let _ = writeln!(clusters, "  - {{name: u, connect_timeout: 5s, {limits}, {}}}", endpoints("u", UPSTREAM));
        }
        Scenario::Routes => {
            for number in 0..MANY {
                let name = format!("b{number}");
                let _ = writeln!(
                    clusters,
                    "  - {{name: {name}, connect_timeout: 5s, {limits}, {}}}",
                    endpoints(&name, UPSTREAM)
                );
            }
            let all: Vec<_> = (0..MANY)
                .map(|number| {
                    format!("{{match: {{path_separated_prefix: /r{number}}}, route: {{cluster: b{number}}}}}")
                })
                .collect();
            routes = format!("[{}]", all.join(", "));
        }
        Scenario::Tls => {
            let _ = writeln!(
                clusters,
                "  - {{name: u, connect_timeout: 5s, {limits}, {}, transport_socket: {{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: upstream.test, common_tls_context: {{validation_context: {{trusted_ca: {{filename: {}}}, match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{exact: upstream.test}}}}]}}}}}}}}}}",
                endpoints("u", TLS_UPSTREAM),
                certificate.display()
            );
        }
        Scenario::Dynamic => {
            let _ = writeln!(
                clusters,
                "  - {{name: u, connect_timeout: 5s, {limits}, lb_policy: CLUSTER_PROVIDED, cluster_type: {{name: envoy.clusters.dynamic_forward_proxy, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig, dns_cache_config: {cache}}}}}}}"
            );
            let _ = writeln!(
                filters,
                "          - {{name: dfp, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig, dns_cache_config: {cache}}}}}"
            );
        }
    }
    let config = format!(
        "static_resources:
  listeners:
  - address: {}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          use_remote_address: true
          route_config: {{virtual_hosts: [{{name: v, domains: ['*'], routes: {routes}}}]}}
          http_filters:
{filters}          - {{name: envoy.filters.http.router, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}
  clusters:
{clusters}",
        address(port)
    );
    let mut command = Command::new(program);
    command.arg("-c").arg(write(folder, "envoy.yaml", &config));
    command.args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "error", "--drain-time-s", "1"]);
    Some(command)
}
