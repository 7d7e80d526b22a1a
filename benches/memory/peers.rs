//! Envoy, HAProxy and nginx, configured for the same work.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::support::process::{Process, find, find_envoy, write};
use crate::{Bench, Proxy, UPSTREAM};

/// More than any scenario opens.
const MOST_CONNECTIONS: usize = 16_000;

/// `ports`: HTTP/1.1, HTTP/2, TLS.
fn run(name: &'static str, mut command: Command, ports: [u16; 3]) -> Proxy {
    let [plain, http2, tls] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let mut process = Process::spawn(name, &mut command);
    process.wait_for(plain);
    Proxy { name, plain, http2, tls, processes: vec![process] }
}

pub fn haproxy(bench: &Bench, backends: usize) -> Option<Proxy> {
    let program = find("haproxy")?;
    let folder = bench.folder.path();
    let [plain, http2, tls] = [21611, 21612, 21613];
    let both: String = ["upstream.pem", "upstream.key"]
        .map(|name| fs::read_to_string(folder.join(name)).expect("a certificate and its key"))
        .concat();
    let certificate = write(folder, "both.pem", &both);
    let map: String = (0..backends).map(|number| format!("/r{number}/ b{number}\n")).collect();
    let map = write(folder, "routes.map", &map);
    let mut config = format!(
        "global\n  nbthread 1\n  no strict-limits\n  maxconn {MOST_CONNECTIONS}\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n  timeout server 600s\n  option forwardfor\n  http-reuse always\n\
         frontend f\n  bind 127.0.0.1:{plain}\n  bind 127.0.0.1:{http2} proto h2\n  bind 127.0.0.1:{tls} ssl crt {}\n",
        certificate.display()
    );
    if backends == 1 {
        config.push_str("  default_backend b0\n");
    } else {
        let _ = writeln!(config, "  use_backend %[path,map_beg({})]", map.display());
    }
    for number in 0..backends {
        let _ = writeln!(config, "backend b{number}\n  server s 127.0.0.1:{UPSTREAM}");
    }
    let mut command = Command::new(program);
    command.args(["-db", "-f"]).arg(write(folder, "haproxy.cfg", &config));
    Some(run("HAProxy", command, [plain, http2, tls]))
}

/// Has no name for a backend that routes would lead to by thousands: only with one.
pub fn nginx(bench: &Bench, backends: usize) -> Option<Proxy> {
    let program = find("nginx").filter(|_| backends == 1)?;
    let [plain, http2, tls] = [21621, 21622, 21623];
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log; events {{ worker_connections {MOST_CONNECTIONS}; }}
         http {{ access_log off; keepalive_timeout 600s; upstream u {{ server 127.0.0.1:{UPSTREAM}; keepalive 128; }}
         ssl_certificate {0}/upstream.pem; ssl_certificate_key {0}/upstream.key;
         server {{ listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{http2} http2; listen 127.0.0.1:{tls} ssl;
         location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection '';
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}",
        bench.folder.path().display()
    );
    let mut command = Command::new(program);
    command.arg("-c").arg(write(bench.folder.path(), "nginx.conf", &config));
    Some(run("nginx", command, [plain, http2, tls]))
}

pub fn envoy(bench: &Bench, backends: usize) -> Option<Proxy> {
    let program = find_envoy()?;
    let folder = bench.folder.path();
    let [plain, tls] = [21631, 21632];
    let address = |port: u16| format!("{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}");
    let mut clusters = String::new();
    for number in 0..backends {
        let _ = writeln!(
            clusters,
            "  - {{name: b{number}, connect_timeout: 5s, load_assignment: {{cluster_name: b{number}, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {}}}}}]}}]}}}}",
            address(UPSTREAM)
        );
    }
    let routes: Vec<_> = if backends == 1 {
        vec!["{match: {prefix: /}, route: {cluster: b0}}".to_owned()]
    } else {
        (0..backends)
            .map(|number| format!("{{match: {{path_separated_prefix: /r{number}}}, route: {{cluster: b{number}}}}}"))
            .collect()
    };
    let routes = routes.join(", ");
    // Only the listener that is used: each has its own copy of the routes.
    let listener = |port: u16, routes: &str, transport: &str| {
        format!(
            "  - address: {}
    filter_chains:
    - {transport}filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          use_remote_address: true
          route_config: {{virtual_hosts: [{{name: v, domains: ['*'], routes: [{routes}]}}]}}
          http_filters:
          - {{name: envoy.filters.http.router, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}
",
            address(port)
        )
    };
    let transport = format!(
        "transport_socket: {{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, common_tls_context: {{tls_certificates: [{{certificate_chain: {{filename: {0}/upstream.pem}}, private_key: {{filename: {0}/upstream.key}}}}]}}}}}}\n      ",
        folder.display()
    );
    let mut listeners = listener(plain, &routes, "");
    if backends == 1 {
        listeners.push_str(&listener(tls, &routes, &transport));
    }
    let config = format!("static_resources:\n  listeners:\n{listeners}  clusters:\n{clusters}");
    let mut command = Command::new(program);
    command.arg("-c").arg(write(folder, "envoy.yaml", &config));
    command.args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "error", "--drain-time-s", "1"]);
    Some(run("Envoy", command, [plain, plain, tls]))
}
