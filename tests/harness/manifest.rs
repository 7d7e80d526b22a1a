//! Objects that most tests need.

use serde_json::{Value, json};

use super::Rest;
use super::rest::{BACKENDS, GATEWAYS};

/// A Backend with these addresses.
pub fn backend(name: &str, ips: &[&str]) -> Value {
    let endpoints: Vec<_> = ips.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "apiVersion": "core.apoxy.dev/v1alpha2",
        "kind": "Backend",
        "metadata": {"name": name},
        "spec": {"endpoints": endpoints},
    })
}

/// A Gateway with one HTTP listener on 127.0.0.1.
pub fn gateway(name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "gatewayClassName": "backstay",
            "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}],
            "listeners": [{"name": "http", "protocol": "HTTP", "port": port}],
        },
    })
}

/// An HTTPRoute that sends everything for `hostname` to one port of one Backend.
pub fn route(name: &str, gateway: &str, hostname: &str, backend: &str, port: u16) -> Value {
    let backend = json!({"group": "core.apoxy.dev", "kind": "Backend", "name": backend, "port": port});
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "parentRefs": [{"name": gateway}],
            "hostnames": [hostname],
            "rules": [{"backendRefs": [backend]}],
        },
    })
}

/// Stores what it takes to serve `hostname` on `listen` with `ips` at `port`: class, Gateway `web`, Backend and HTTPRoute
/// `app`; and waits until a proxy serves it.
pub async fn serve(rest: &Rest, listen: u16, hostname: &str, ips: &[&str], port: u16) {
    rest.create(&backend("app", ips)).await;
    rest.create(&gateway("web", listen)).await;
    rest.create(&route("app", "web", hostname, "app", port)).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
}
