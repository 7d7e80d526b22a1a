//! What becomes of requests whose backends fail, through an Envoy and through our proxy, of one and the same configuration.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::Envoy;
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES};
use crate::harness::{Client, ControlPlane, Proxy, Upstream, manifest, port};

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// An upstream that does as the path says, and tells how often it was asked for it.
async fn upstream() -> Upstream {
    let asked: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    Upstream::start(local(0), move |seen| {
        let path = seen.uri.to_string();
        let count = {
            let mut asked = asked.lock().unwrap();
            let count = asked.entry(path.clone()).or_default();
            *count += 1;
            *count
        };
        async move {
            let answer = |status: u16| {
                let mut answer = Response::new(Bytes::from(format!("{path} {count}")));
                *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                answer
            };
            match path.split('/').nth(2).unwrap_or_default() {
                "stuck" => pending().await,
                "once" if count == 1 => answer(503),
                "twice" if count <= 2 => answer(503),
                "teapot" => answer(418),
                "broken" => answer(500),
                _ => answer(200),
            }
        }
    })
    .await
}

fn policy(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["targetRefs"] = json!([{"group": "core.apoxy.dev", "kind": "Backend", "name": name}]);
    json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "metadata": {"name": name}, "spec": spec})
}

/// A path's first part is the backend, its second what becomes of it; and the answer of both proxies.
const ROWS: [(&str, u16); 13] = [
    ("/plain/fine", 200),
    ("/plain/teapot", 418),
    ("/plain/broken", 500),
    ("/plain/once", 503),
    ("/gone/fine", 503),
    ("/nowhere/fine", 503),
    ("/short/stuck", 504),
    ("/short/fine", 200),
    ("/again/once", 200),
    ("/again/twice", 503),
    ("/again/teapot", 418),
    ("/again/broken", 500),
    ("/patient/stuck", 504),
];

#[tokio::test(flavor = "multi_thread")]
async fn requests_fare_alike_with_backends_that_fail() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &["--fleet", "envoys"]) else { return };
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let fleet =
        json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": "envoys"}, "spec": {}});
    rest.create(&fleet).await;
    let (ours, theirs) = (port::free(), port::free());
    rest.create(&manifest::gateway("ours", ours)).await;
    let mut gateway = manifest::gateway("theirs", theirs);
    gateway["spec"]["infrastructure"] =
        json!({"parametersRef": {"group": "core.apoxy.dev", "kind": "Proxy", "name": "envoys"}});
    rest.create(&gateway).await;
    // Each has an upstream of its own: what fails once fails once for each.
    let upstreams = [upstream().await, upstream().await];
    let nobody = port::free();
    for name in ["plain", "gone", "short", "again", "patient"] {
        rest.create(&manifest::backend(name, &["127.0.0.1"])).await;
    }
    rest.create(&policy("short", json!({"timeouts": {"total": "200ms"}}))).await;
    rest.create(&policy(
        "patient",
        json!({"timeouts": {"total": "1s"}, "retries": {"attempts": 1, "retryOn": ["connect-failure"]}}),
    ))
    .await;
    rest.create(&policy("again", json!({"retries": {"attempts": 1, "retryOn": ["gateway-error"]}}))).await;
    for (gateway, upstream) in ["ours", "theirs"].into_iter().zip(&upstreams) {
        let rule = |name: &str| {
            let port = if name == "gone" { nobody } else { upstream.port() };
            json!({"matches": [{"path": {"type": "PathPrefix", "value": format!("/{name}")}}],
                   "backendRefs": [{"group": "core.apoxy.dev", "kind": "Backend", "name": name, "port": port}]})
        };
        let mut route = manifest::route(gateway, gateway, HOST, "plain", upstream.port());
        route["spec"]["rules"] = json!(["plain", "gone", "short", "again", "patient"].map(rule));
        // Two rules that lead to one backend.
        let missing = json!({"matches": [{"path": {"type": "PathPrefix", "value": "/nowhere"}}], "backendRefs":
            [{"group": "core.apoxy.dev", "kind": "Backend", "name": "gone", "port": nobody}]});
        route["spec"]["rules"].as_array_mut().unwrap().push(missing);
        rest.create(&route).await;
        rest.wait_for(&format!("{GATEWAYS}/{gateway}"), "Programmed").await;
        rest.wait_for(&format!("{ROUTES}/{gateway}"), "Programmed").await;
    }
    for name in ["short", "again", "patient"] {
        rest.wait_for(&format!("{BACKENDS}/{name}"), "Programmed").await;
    }
    envoy.ready().await;
    let client = Client::new();
    let mut differs = Vec::new();
    for (path, expected) in ROWS {
        let mut seen = Vec::new();
        for address in [local(ours), local(theirs)] {
            let answer = client.get(address, HOST, path).await.unwrap();
            let status = answer.status.as_u16();
            // What an upstream has said is handed on as it is.
            let said = if status == 503 || status == 504 { String::new() } else { answer.text() };
            seen.push((status, said));
        }
        if seen[0] != seen[1] || seen[0].0 != expected {
            differs.push(format!("{path}: ours {:?}, Envoy's {:?}, expected {expected}", seen[0], seen[1]));
        }
    }
    assert!(differs.is_empty(), "{differs:#?}");
    envoy.assert_content().await;
}
