//! Backstay, from objects that say what a [`Row`] says.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::manifest::{backend as plain_backend, gateway};
use crate::harness::rest::{BACKENDS, GATEWAYS, POLICIES, ROUTES, Rest};
use crate::harness::{ControlPlane, Proxy};
use crate::row::{Endpoint, Row, Target, merge};

/// The Secret with the authority that upstreams' certificates are signed by.
const AUTHORITY: &str = "authority";

/// A control plane and a proxy with one thread.
#[derive(Debug)]
pub struct Backstay {
    _control_plane: ControlPlane,
    proxy: Proxy,
    _scratch: tempfile::TempDir,
    pub log: PathBuf,
}

impl Backstay {
    /// Starts both, and waits until the proxy serves all `rows` on the ports beside them.
    pub async fn start(rows: &[(Row, u16, u16)], dns: &str, authority: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let log = scratch.path().join("access.log");
        let control_plane = ControlPlane::start();
        let options = ["--threads", "1", "--dns-server", dns, "--access-log", log.to_str().unwrap()];
        let proxy = Proxy::start_with(control_plane.xds(), &options);
        let rest = control_plane.rest();
        rest.create(&secret(authority)).await;
        for (row, port, upstream) in rows {
            rest.create(&policy(row)).await;
            rest.create(&backend(row)).await;
            if let Some(ip) = row.mirror {
                rest.create(&plain_backend(&mirror_name(row), &[ip])).await;
            }
            rest.create(&gateway(row.name, *port)).await;
            rest.create(&route(row, *upstream)).await;
        }
        for (row, ..) in rows {
            for (collection, condition) in [(GATEWAYS, "Programmed"), (BACKENDS, "Programmed"), (ROUTES, "Accepted")] {
                rest.wait_for(&format!("{collection}/{}", row.name), condition).await;
            }
            assert_applies(&rest, row).await;
        }
        Self { _control_plane: control_plane, proxy, _scratch: scratch, log }
    }

    /// Where counts are read.
    pub fn admin(&self) -> SocketAddr {
        self.proxy.admin
    }
}

async fn assert_applies(rest: &Rest, row: &Row) {
    rest.wait_for(&format!("{POLICIES}/{}", row.name), "Accepted").await;
}

fn secret(authority: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": AUTHORITY, "namespace": "default"},
        "type": "Opaque",
        "stringData": {"ca.crt": authority},
    })
}

/// Upstreams are on loopback addresses here, where a dynamic proxy would not go by itself.
fn policy(row: &Row) -> Value {
    let mut spec = json!({"targetRefs": [{"name": row.name}]});
    if let Target::Dynamic(_) = row.target {
        spec["dynamicProxy"] = json!({"addresses": {"allow": ["127.0.0.0/8", "::1/128"]}});
    }
    if let Target::Static(endpoints) = &row.target {
        let places: Vec<_> = endpoints.iter().filter_map(|endpoint| place(endpoint, row)).collect();
        if !places.is_empty() {
            spec["endpoints"] = places.into();
        }
        if endpoints.iter().any(|endpoint| endpoint.zone.is_some()) {
            spec["loadBalancing"] = json!({"localityWeighted": true});
        }
    }
    merge(&mut spec, &row.settings.policy);
    if row.certificate.is_some() {
        spec["tls"] = json!({"caCertificateRef": {"name": AUTHORITY}});
    }
    json!({
        "apiVersion": "backstay.dev/v1alpha1",
        "kind": "BackendPolicy",
        "metadata": {"name": row.name},
        "spec": spec,
    })
}

/// What a policy has to say of an endpoint.
fn place(endpoint: &Endpoint, row: &Row) -> Option<Value> {
    let plain = address(endpoint, row);
    let mut place = plain.clone();
    if let Some(weight) = endpoint.weight {
        place["weight"] = weight.into();
    }
    if endpoint.priority > 0 {
        place["priority"] = endpoint.priority.into();
    }
    if let Some(health) = endpoint.health {
        place["health"] = health.into();
    }
    if let Some((zone, weight)) = endpoint.zone {
        place["locality"] = json!({"zone": zone, "weight": weight});
    }
    (place != plain).then_some(place)
}

fn address(endpoint: &Endpoint, row: &Row) -> Value {
    let kind = if endpoint.is_name() { "fqdn" } else { "ip" };
    json!({kind: endpoint.host.replace("{row}", &row.domain())})
}

fn backend(row: &Row) -> Value {
    let mut spec = match &row.target {
        Target::Static(endpoints) => {
            let endpoints: Vec<_> = endpoints.iter().map(|endpoint| address(endpoint, row)).collect();
            json!({"endpoints": endpoints})
        }
        Target::Dynamic(cache) => {
            let mut config = json!({});
            let times = [
                ("dnsRefreshRate", cache.refresh),
                ("dnsMinRefreshRate", cache.min_refresh),
                ("dnsQueryTimeout", cache.timeout),
                ("hostTTL", cache.host_ttl),
            ];
            for (field, time) in times {
                if let Some(time) = time {
                    config[field] = format!("{}ms", time.as_millis()).into();
                }
            }
            if let Some(family) = cache.family {
                config["dnsLookupFamily"] = family.as_str().into();
            }
            if let Some(hosts) = cache.max_hosts {
                config["maxHosts"] = hosts.into();
            }
            json!({"dynamicProxy": {"dnsCacheConfig": config}})
        }
    };
    match (row.certificate.is_some(), row.http2) {
        (false, false) => {}
        (true, false) => spec["protocol"] = "tls".into(),
        (false, true) => spec["protocol"] = "h2c".into(),
        (true, true) => spec["protocol"] = "h2".into(),
    }
    json!({
        "apiVersion": "core.apoxy.dev/v1alpha2",
        "kind": "Backend",
        "metadata": {"name": row.name},
        "spec": spec,
    })
}

fn mirror_name(row: &Row) -> String {
    format!("{}-mirror", row.name)
}

fn route(row: &Row, port: u16) -> Value {
    let mut backend = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": row.name});
    if let Target::Static(_) = row.target {
        backend["port"] = port.into();
    }
    let mut rule = json!({"backendRefs": [backend]});
    if let Some(timeout) = row.route_timeout {
        rule["timeouts"] = json!({"request": format!("{}ms", timeout.as_millis())});
    }
    let mut filters = Vec::new();
    if let Some(host) = row.rewrite {
        filters.push(json!({"type": "URLRewrite", "urlRewrite": {"hostname": host}}));
    }
    if row.mirror.is_some() {
        let backend = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": mirror_name(row), "port": port});
        filters.push(json!({"type": "RequestMirror", "requestMirror": {"backendRef": backend}}));
    }
    rule["filters"] = filters.into();
    let mut spec = json!({"parentRefs": [{"name": row.name}], "rules": [rule]});
    if let Some(hostname) = row.hostname {
        spec["hostnames"] = json!([hostname]);
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": row.name, "namespace": "default"},
        "spec": spec,
    })
}
