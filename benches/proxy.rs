//! CPU seconds per 100,000 requests of the proxy, beside HAProxy, nginx and Envoy.
//!
//! One proxy thread on one CPU; the upstream (nginx) and the load (wrk) on the other. Every proxy sets X-Forwarded-For, keeps
//! its upstream connections and writes no access log. Rounds are interleaved, so that what the machine does besides
//! falls on all alike; quote the ratios. Peers that are not installed are left out, and said so.
//!
//! `cargo bench --bench proxy -- --rounds 5 --seconds 8`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::process::{Process, backstay, find, find_envoy, pinned, write};
use support::{argument, http::Client, median};

const PROXY_CPU: usize = 0;
const OTHER_CPU: usize = 1;
const UPSTREAM: u16 = 21000;
const SMALL: &str = "/small";
const LARGE: &str = "/large.bin";

fn main() {
    let (rounds, seconds) = (argument("--rounds", 5usize), argument("--seconds", 8u64));
    for tool in ["wrk", "nginx", "taskset"] {
        assert!(find(tool).is_some(), "{tool} is needed (Debian: wrk, nginx-light, util-linux)");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let _upstream = upstream(folder.path());
    let mut peers = peers(folder.path());
    let mut figures: BTreeMap<(&str, String), Vec<f64>> = BTreeMap::new();
    let mut throughput: BTreeMap<(&str, String), Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        for path in [SMALL, LARGE] {
            for (name, address, processes) in &mut peers {
                let before: f64 = processes.last().map_or(0.0, Process::cpu_seconds);
                let requests = load(*address, path, seconds);
                let used = processes.last().map_or(0.0, Process::cpu_seconds) - before;
                let figure = used / requests.0 * 100_000.0;
                figures.entry((path, name.clone())).or_default().push(figure);
                throughput.entry((path, name.clone())).or_default().push(requests.1);
            }
        }
    }
    report(&figures, &throughput);
    for (name, _, processes) in &peers {
        let resident = processes.last().map_or(0.0, Process::resident_mib);
        println!("memory after the load: {name:10} {resident:7.1} MiB");
    }
}

fn report(figures: &BTreeMap<(&str, String), Vec<f64>>, throughput: &BTreeMap<(&str, String), Vec<f64>>) {
    println!("| body | proxy | CPU s per 100k requests | to HAProxy (range) | requests/s |");
    println!("|---|---|---|---|---|");
    for ((path, name), values) in figures {
        let ratios: Vec<f64> = figures
            .get(&(*path, "haproxy".to_owned()))
            .map_or_else(Vec::new, |base| values.iter().zip(base).map(|(value, base)| value / base).collect());
        let ratio = if ratios.is_empty() {
            "-".to_owned()
        } else {
            let (low, high) = ratios.iter().fold((f64::MAX, f64::MIN), |(low, high), r| (low.min(*r), high.max(*r)));
            format!("{:.2} ({low:.2} to {high:.2})", median(&ratios))
        };
        let body = if *path == SMALL { "128 B" } else { "64 KiB" };
        let rate = median(&throughput[&(*path, name.clone())]);
        println!("| {body} | {name} | {:.2} | {ratio} | {rate:.0} |", median(values));
    }
}

/// Requests answered, and requests a second.
fn load(address: SocketAddr, path: &str, seconds: u64) -> (f64, f64) {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", &format!("-d{seconds}s"), &format!("http://{address}{path}")]);
    let output = pinned(OTHER_CPU, &command).output().expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "the load saw errors:\n{text}");
    let line = text.lines().find(|line| line.contains("requests in")).unwrap_or_else(|| panic!("no result:\n{text}"));
    let requests: f64 = line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a count");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok()).expect("a rate");
    (requests, rate)
}

fn upstream(folder: &Path) -> Process {
    let body = "x".repeat(128);
    write(folder, "large.bin", &"y".repeat(64 * 1024));
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/upstream.pid; error_log {0}/upstream.log; events {{ worker_connections 4096; }}
         http {{ access_log off; keepalive_requests 100000000; sendfile on; server {{ listen 127.0.0.1:{UPSTREAM} backlog=4096; root {0};
         location = {SMALL} {{ default_type text/plain; return 200 '{body}'; }} }} }}",
        folder.display()
    );
    let path = write(folder, "upstream.conf", &config);
    let mut command = Command::new("nginx");
    command.arg("-c").arg(path);
    let mut process = Process::spawn("the upstream", &mut pinned(OTHER_CPU, &command));
    process.wait_for(SocketAddr::from(([127, 0, 0, 1], UPSTREAM)));
    process
}

/// Name, address, and processes of which the last is the proxy.
fn peers(folder: &Path) -> Vec<(String, SocketAddr, Vec<Process>)> {
    let mut peers = vec![own(folder)];
    let candidates: [(&str, u16, fn(&Path, u16) -> Option<Command>); 3] =
        [("haproxy", 21002, haproxy), ("nginx", 21003, nginx), ("envoy", 21004, envoy)];
    for (name, port, command) in candidates {
        let Some(command) = command(folder, port) else {
            println!("{name} is not installed and is left out");
            continue;
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut process = Process::spawn(name, &mut pinned(PROXY_CPU, &command));
        process.wait_for(address);
        assert_eq!(Client::connect(address).get(SMALL).status, 200, "{name} proxies");
        peers.push((name.to_owned(), address, vec![process]));
    }
    peers
}

fn own(folder: &Path) -> (String, SocketAddr, Vec<Process>) {
    let (api, xds) = (SocketAddr::from(([127, 0, 0, 1], 21080)), SocketAddr::from(([127, 0, 0, 1], 21081)));
    let mut control = backstay();
    control.args(["control-plane", "--api", &api.to_string(), "--xds", &xds.to_string(), "--data-dir"]);
    control.arg(folder.join("store"));
    let mut control = Process::spawn("the control plane", &mut control);
    control.wait_for(api);
    let manifest = write(
        folder,
        "bench.yaml",
        &format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: backstay}}\nspec: {{controllerName: backstay.dev/gateway-controller}}\n---\n\
             apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: web, namespace: default}}\nspec:\n  gatewayClassName: backstay\n  listeners: [{{name: http, protocol: HTTP, port: 21001}}]\n---\n\
             apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {{name: upstream}}\nspec: {{endpoints: [{{ip: 127.0.0.1}}]}}\n---\n\
             apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: all, namespace: default}}\nspec:\n  parentRefs: [{{name: web}}]\n  rules:\n  - backendRefs: [{{group: core.apoxy.dev, kind: Backend, name: upstream, port: {UPSTREAM}}}]\n"
        ),
    );
    let applied = backstay().args(["apply", "--server", &format!("http://{api}"), "-f"]).arg(manifest).status();
    assert!(applied.is_ok_and(|status| status.success()), "the manifest applies");
    let mut proxy = backstay();
    proxy.args(["proxy", "--threads", "1", "--admin", "127.0.0.1:21901", "--control-plane", &format!("http://{xds}")]);
    let mut proxy = Process::spawn("the proxy", &mut pinned(PROXY_CPU, &proxy));
    let address = SocketAddr::from(([127, 0, 0, 1], 21001));
    proxy.wait_for(address);
    let deadline = Instant::now() + Duration::from_secs(10);
    while Client::connect(address).get(SMALL).status != 200 {
        assert!(Instant::now() < deadline, "the proxy does not serve");
    }
    ("backstay".to_owned(), address, vec![control, proxy])
}

fn haproxy(folder: &Path, port: u16) -> Option<Command> {
    let program = find("haproxy")?;
    let config = format!(
        "global\n  nbthread 1\n  maxconn 8192\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  option forwardfor\n  http-reuse always\n\
         frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\nbackend b\n  server s 127.0.0.1:{UPSTREAM}\n"
    );
    let mut command = Command::new(program);
    command.args(["-db", "-f"]).arg(write(folder, "haproxy.cfg", &config));
    Some(command)
}

fn nginx(folder: &Path, port: u16) -> Option<Command> {
    let config = format!(
        "worker_processes 1; daemon off; pid {0}/nginx.pid; error_log {0}/nginx.log; events {{ worker_connections 4096; }}
         http {{ access_log off; keepalive_requests 100000000; upstream u {{ server 127.0.0.1:{UPSTREAM}; keepalive 128; keepalive_requests 100000000; }}
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection '';
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k; }} }} }}",
        folder.display()
    );
    let mut command = Command::new(find("nginx")?);
    command.arg("-c").arg(write(folder, "nginx.conf", &config));
    Some(command)
}

fn envoy(folder: &Path, port: u16) -> Option<Command> {
    let program = find_envoy()?;
    let config = format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: h
          use_remote_address: true
          route_config:
            virtual_hosts: [{{name: v, domains: ['*'], routes: [{{match: {{prefix: /}}, route: {{cluster: u}}}}]}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: u
    connect_timeout: 5s
    load_assignment: {{cluster_name: u, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {UPSTREAM}}}}}}}}}]}}]}}
"
    );
    let mut command = Command::new(program);
    command.arg("-c").arg(write(folder, "envoy.yaml", &config));
    command.args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warn", "--drain-time-s", "1"]);
    Some(command)
}
