//! Envoy, from a static configuration that says what a [`Row`] says.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::row::{Cache, Endpoint, Row, Target, merge};

/// A running Envoy, killed when this is dropped.
#[derive(Debug)]
pub struct Envoy {
    child: Child,
    _scratch: tempfile::TempDir,
    pub log: PathBuf,
    /// Where counts are read.
    pub admin: SocketAddr,
}

impl Envoy {
    /// Starts one with one worker, and waits until it serves all `rows` on the ports beside them.
    pub fn start(binary: &Path, rows: &[(Row, u16, u16)], dns: SocketAddr, authority: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let log = scratch.path().join("access.log");
        let authority_file = scratch.path().join("ca.pem");
        std::fs::write(&authority_file, authority).unwrap();
        let bootstrap = bootstrap(rows, dns, &log, &authority_file);
        Self::run(binary, &bootstrap, scratch, log)
    }

    /// Starts one that is an endpoint at `port` of 127.0.0.1, and waits until it serves: it speaks HTTP/2 by prior knowledge, and
    /// answers each request with 200 once it has all of it. What it counts is under `http.endpoint`.
    pub fn endpoint(binary: &Path, port: u16) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let log = scratch.path().join("access.log");
        let buffer = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
            "max_request_bytes": 1 << 20,
        });
        let router = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
        let manager = json!({
            "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "endpoint",
            "codec_type": "HTTP2",
            "http_filters": [
                {"name": "envoy.filters.http.buffer", "typed_config": buffer},
                {"name": "envoy.filters.http.router", "typed_config": router},
            ],
            "route_config": {"virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
            }]},
        });
        let listener = json!({
            "name": "endpoint",
            "address": socket("127.0.0.1", port),
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        });
        let bootstrap = json!({
            "node": {"id": "endpoint", "cluster": "endpoints"},
            "admin": {"address": socket("127.0.0.1", 0)},
            "static_resources": {"listeners": [listener]},
        });
        Self::run(binary, &bootstrap, scratch, log)
    }

    fn run(binary: &Path, bootstrap: &Value, scratch: tempfile::TempDir, log: PathBuf) -> Self {
        let file = scratch.path().join("envoy.json");
        std::fs::write(&file, serde_json::to_vec_pretty(bootstrap).unwrap()).unwrap();
        let mut command = Command::new(binary);
        command.args(["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "20"]);
        let admin_file = scratch.path().join("admin");
        command.arg("--admin-address-path").arg(&admin_file);
        let mut child = command.arg("-c").arg(&file).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut printed = String::new();
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("Envoy did not start:\n{printed}")).unwrap();
            if line.contains("starting main dispatch loop") {
                break;
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        // A pipe that nobody reads would block it one day.
        std::thread::spawn(move || lines.for_each(drop));
        let admin = std::fs::read_to_string(admin_file).unwrap().trim().parse().unwrap();
        Self { child, _scratch: scratch, log, admin }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bootstrap(rows: &[(Row, u16, u16)], dns: SocketAddr, log: &Path, authority: &Path) -> Value {
    let listeners: Vec<_> = rows.iter().map(|(row, port, _)| listener(row, *port, dns, log)).collect();
    let of_row =
        |(row, _, upstream): &(Row, u16, u16)| [Some(cluster(row, *upstream, dns, authority)), mirror(row, *upstream)];
    let clusters: Vec<_> = rows.iter().flat_map(of_row).flatten().collect();
    json!({
        "node": {"id": "envoy", "cluster": "rows"},
        "admin": {"address": socket("127.0.0.1", 0)},
        "static_resources": {"listeners": listeners, "clusters": clusters},
        // Nobody is there: Envoy counts what it has of its control plane only where it has one.
        "dynamic_resources": {"ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"google_grpc": {"target_uri": "127.0.0.1:1", "stat_prefix": "control-plane"}}],
        }},
    })
}

fn listener(row: &Row, port: u16, dns: SocketAddr, log: &Path) -> Value {
    let mut filters = Vec::new();
    if let Target::Dynamic(cache) = &row.target {
        filters.push(json!({
            "name": "envoy.filters.http.dynamic_forward_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
                "dns_cache_config": dns_cache(row, cache, dns),
            },
        }));
    }
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }));
    let mut action = json!({"cluster": row.name});
    if let Some(timeout) = row.route_timeout {
        action["timeout"] = seconds(timeout);
    }
    let mut per_filter = json!({});
    match (&row.rewrite, &row.target) {
        (None, _) => {}
        (Some(host), Target::Static(_)) => action["host_rewrite_literal"] = (*host).into(),
        (Some(host), Target::Dynamic(_)) => {
            per_filter["envoy.filters.http.dynamic_forward_proxy"] = json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig",
                "host_rewrite_literal": host,
            });
        }
    }
    if row.mirror.is_some() {
        action["request_mirror_policies"] = json!([{"cluster": mirror_name(row)}]);
    }
    merge(&mut action, &row.settings.action);
    let mut host = json!({
        "name": row.name,
        "domains": [row.hostname.unwrap_or("*")],
        "routes": [{"match": {"prefix": "/"}, "route": action, "typed_per_filter_config": per_filter}],
    });
    merge(&mut host, &row.settings.virtual_host);
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": row.name,
        // As Envoy's own advice for the edge has it; Backstay has no other way.
        "use_remote_address": true,
        "http_filters": filters,
        "route_config": {"virtual_hosts": [host]},
        "access_log": [{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": log,
                "log_format": {"json_format": {
                    "user_agent": "%REQ(USER-AGENT)%",
                    "flags": "%RESPONSE_FLAGS%",
                    "details": "%RESPONSE_CODE_DETAILS%",
                }},
            },
        }],
    });
    json!({
        "name": row.name,
        "address": socket("127.0.0.1", port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

fn cluster(row: &Row, port: u16, dns: SocketAddr, authority: &Path) -> Value {
    let mut cluster = json!({"name": row.name, "connect_timeout": "5s"});
    match &row.target {
        Target::Dynamic(cache) => {
            cluster["lb_policy"] = "CLUSTER_PROVIDED".into();
            cluster["cluster_type"] = json!({
                "name": "envoy.clusters.dynamic_forward_proxy",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
                    "dns_cache_config": dns_cache(row, cache, dns),
                },
            });
        }
        Target::Static(endpoints) => {
            if endpoints.iter().any(Endpoint::is_name) {
                cluster["type"] = "STRICT_DNS".into();
                cluster["dns_lookup_family"] = "V4_ONLY".into();
                cluster["respect_dns_ttl"] = true.into();
                cluster["typed_dns_resolver_config"] = resolver(dns);
            }
            let all: Vec<_> = endpoints.iter().map(|one| locality(one, row, port)).collect();
            cluster["load_assignment"] = json!({"cluster_name": row.name, "endpoints": all});
        }
    }
    if row.certificate.is_some() {
        cluster["transport_socket"] = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {"validation_context": {"trusted_ca": {"filename": authority}}},
            },
        });
    }
    if row.http2 {
        cluster["typed_extension_protocol_options"] = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }});
    }
    merge(&mut cluster, &row.settings.cluster);
    cluster
}

fn mirror_name(row: &Row) -> String {
    format!("{}-mirror", row.name)
}

/// The cluster that copies go to.
fn mirror(row: &Row, port: u16) -> Option<Value> {
    let endpoint = json!({"endpoint": {"address": socket(row.mirror?, port)}});
    let name = mirror_name(row);
    Some(json!({
        "name": name,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }))
}

/// One endpoint alone in a locality; Envoy joins those that are equal.
fn locality(endpoint: &Endpoint, row: &Row, port: u16) -> Value {
    let host = endpoint.host.replace("{row}", &row.domain());
    let mut one = json!({"endpoint": {"address": socket(&host, port)}});
    if let Some(weight) = endpoint.weight {
        one["load_balancing_weight"] = weight.into();
    }
    if let Some(health) = endpoint.health {
        one["health_status"] = health.to_ascii_uppercase().into();
    }
    let mut locality = json!({"priority": endpoint.priority, "lb_endpoints": [one]});
    if let Some((zone, weight)) = endpoint.zone {
        locality["locality"] = json!({"zone": zone});
        locality["load_balancing_weight"] = weight.into();
    }
    locality
}

fn dns_cache(row: &Row, cache: &Cache, dns: SocketAddr) -> Value {
    let mut config = json!({
        "name": row.name,
        "dns_lookup_family": cache.family.map_or("AUTO", |family| family.as_str()).to_ascii_uppercase(),
        "typed_dns_resolver_config": resolver(dns),
    });
    let times = [
        ("dns_refresh_rate", cache.refresh),
        ("dns_min_refresh_rate", cache.min_refresh),
        ("dns_query_timeout", cache.timeout),
        ("host_ttl", cache.host_ttl),
    ];
    for (field, time) in times {
        if let Some(time) = time {
            config[field] = seconds(time);
        }
    }
    if let Some(hosts) = cache.max_hosts {
        config["max_hosts"] = hosts.into();
    }
    merge(&mut config, &row.settings.cache);
    config
}

fn resolver(dns: SocketAddr) -> Value {
    json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [socket(&dns.ip().to_string(), dns.port())],
            "dns_resolver_options": {"no_default_search_domain": true},
        },
    })
}

fn socket(ip: &str, port: u16) -> Value {
    json!({"socket_address": {"address": ip, "port_value": port}})
}

fn seconds(time: Duration) -> Value {
    format!("{}s", time.as_secs_f64()).into()
}
