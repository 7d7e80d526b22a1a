//! Which routes a listener takes.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Stage, reached, tell};
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES};
use crate::harness::{Client, ControlPlane, Proxy, Upstream, manifest, port};

/// The manifests of an operator of Apoxy, with the addresses of this test.
#[tokio::test(flavor = "multi_thread")]
async fn apoxys_own_kinds_are_served_as_they_are() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let upstream = Upstream::start(SocketAddr::from(([127, 0, 0, 1], 0)), |seen| tell("a", seen)).await;
    let (listen, port) = (port::free(), upstream.port());
    let manifests = format!(
        "apiVersion: core.apoxy.dev/v1alpha2\nkind: Proxy\nmetadata: {{name: edge}}\nspec: {{provider: unmanaged}}\n\
         ---\n\
         apiVersion: gateway.apoxy.dev/v1\nkind: GatewayClass\nmetadata: {{name: apoxy}}\n\
         spec: {{controllerName: gateway.apoxy.dev/gatewayclass-controller}}\n\
         ---\n\
         apiVersion: gateway.apoxy.dev/v1\nkind: Gateway\nmetadata: {{name: edge-gw}}\nspec:\n  gatewayClassName: apoxy\n\
         \x20 infrastructure: {{parametersRef: {{kind: Proxy, name: edge}}}}\n\
         \x20 listeners: [{{name: http, protocol: HTTP, port: {listen}}}]\n\
         ---\n\
         apiVersion: core.apoxy.dev/v1alpha2\nkind: Backend\nmetadata: {{name: api}}\nspec:\n  endpoints: [{{ip: 127.0.0.1}}]\n\
         ---\n\
         apiVersion: gateway.apoxy.dev/v1\nkind: HTTPRoute\nmetadata: {{name: api}}\nspec:\n\
         \x20 parentRefs: [{{kind: Gateway, name: edge-gw, port: {listen}}}]\n  hostnames: [\"www.example.com\"]\n  rules:\n\
         \x20 - backendRefs: [{{kind: Backend, name: api, port: {port}}}]\n\
         \x20   filters: [{{type: URLRewrite, urlRewrite: {{hostname: api.example.com}}}}]\n"
    );
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("apoxy.yaml");
    std::fs::write(&file, manifests).unwrap();
    let _proxy = Proxy::start_with(control_plane.xds(), &["--fleet", "edge"]);
    let applied =
        crate::harness::backstay(["apply", "-f", file.to_str().unwrap(), "--server", &control_plane.server()]);
    assert_eq!(applied.status.code(), Some(0), "{}", String::from_utf8_lossy(&applied.stderr));
    let group = "/apis/gateway.apoxy.dev/v1";
    for path in [format!("{group}/gatewayclasses/apoxy"), format!("{group}/httproutes/api")] {
        rest.wait_for(&path, "Accepted").await;
    }
    rest.wait_for(&format!("{group}/gateways/edge-gw"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/api"), "Programmed").await;
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    let answer = Client::new().get(address, "www.example.com", "/x").await.unwrap();
    assert_eq!((answer.status, &answer.json()["headers"]["host"]), (StatusCode::OK, &json!("api.example.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_takes_routes_of_the_namespaces_that_it_allows() {
    let stage = Stage::new().await;
    for (name, labels) in [("friend", json!({"team": "edge"})), ("stranger", json!({}))] {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        stage.rest.create(&namespace).await;
    }
    let ports = [(); 3].map(|()| port::free());
    let mut gateway = manifest::gateway("shared", ports[0]);
    let listener = |name: &str, port: u16, namespaces: Value| json!({"name": name, "protocol": "HTTP", "port": port, "allowedRoutes": {"namespaces": namespaces}});
    gateway["spec"]["listeners"] = json!([
        listener("same", ports[0], json!({"from": "Same"})),
        listener("all", ports[1], json!({"from": "All"})),
        listener("some", ports[2], json!({"from": "Selector", "selector": {"matchLabels": {"team": "edge"}}})),
    ]);
    stage.rest.create(&gateway).await;
    let path = |namespace: &str| ROUTES.replace("/default/", &format!("/{namespace}/"));
    for (namespace, backend) in [("friend", "a"), ("stranger", "b"), ("default", "c")] {
        let host = format!("{namespace}.test");
        let mut route = manifest::route("app", "shared", &host, backend, stage.port(backend));
        route["metadata"]["namespace"] = namespace.into();
        route["spec"]["parentRefs"][0]["namespace"] = "default".into();
        stage.rest.create(&route).await;
        stage.rest.wait_for(&format!("{}/app", path(namespace)), "Accepted").await;
    }
    let mut refused = manifest::route("refused", "shared", "refused.test", "b", stage.port("b"));
    refused["metadata"]["namespace"] = "stranger".into();
    refused["spec"]["parentRefs"][0] = json!({"name": "shared", "namespace": "default", "sectionName": "some"});
    stage.rest.create(&refused).await;
    stage
        .rest
        .wait_until(&format!("{}/refused", path("stranger")), "refused", |route| {
            route["status"]["parents"][0]["conditions"].to_string().contains("NotAllowedByListeners")
        })
        .await;
    stage.rest.wait_for(&format!("{GATEWAYS}/shared"), "Programmed").await;
    stage.settled().await;
    let ask = async |port: u16, host: &str| {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        reached(&stage.client.get(address, host, "/").await.unwrap())
    };
    for (host, expected) in [
        ("friend.test", ["404", "a", "a"]),
        ("stranger.test", ["404", "b", "404"]),
        ("default.test", ["c", "c", "404"]),
        ("refused.test", ["404", "404", "404"]),
    ] {
        for (port, expected) in ports.into_iter().zip(expected) {
            assert_eq!(ask(port, host).await, expected, "{host} on {port}");
        }
    }
    // A namespace that joins brings its routes.
    stage.rest.change("/api/v1/namespaces/stranger", &json!({"metadata": {"labels": {"team": "edge"}}})).await;
    stage.rest.wait_for(&format!("{}/refused", path("stranger")), "Accepted").await;
    stage.settled().await;
    assert_eq!(ask(ports[2], "refused.test").await, "b");
}
