//! Where a client of Kubernetes would be surprised.

use serde_json::{Value, json};

use crate::server::{BACKENDS, JSON_PATCH, MERGE, Server, backend};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const GATEWAYS: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";
const GATEWAYS_BETA: &str = "/apis/gateway.networking.k8s.io/v1beta1/namespaces/default/gateways";

fn gateway(version: &str, name: &str) -> Value {
    json!({"apiVersion": format!("gateway.networking.k8s.io/{version}"), "kind": "Gateway", "metadata": {"name": name},
        "spec": {"gatewayClassName": "backstay", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}})
}

#[tokio::test]
async fn an_object_is_the_same_in_every_version() {
    let server = Server::new().await;
    let created = server.post(GATEWAYS_BETA, &gateway("v1beta1", "web")).await.expect(201);
    assert_eq!(created["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    let stored = server.get(&format!("{GATEWAYS}/web")).await.expect(200);
    assert_eq!(stored["apiVersion"], "gateway.networking.k8s.io/v1");
    assert_eq!((&stored["spec"], &stored["metadata"]["uid"]), (&created["spec"], &created["metadata"]["uid"]));
    // A version is that of the path, in an answer as in what is sent.
    let patch = json!({"metadata": {"labels": {"a": "b"}}});
    let patched = server.patch(&format!("{GATEWAYS_BETA}/web"), MERGE, &patch).await.expect(200);
    assert_eq!(patched["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    server.put(&format!("{GATEWAYS}/web"), &gateway("v1beta1", "web")).await.failure(400, "BadRequest");
    let list = server.get(GATEWAYS_BETA).await.expect(200);
    assert_eq!(list["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    assert_eq!(list["items"][0]["apiVersion"], "gateway.networking.k8s.io/v1beta1");
    assert_eq!(server.get(GATEWAYS).await.expect(200)["items"][0]["apiVersion"], "gateway.networking.k8s.io/v1");
    let mut old = backend("old");
    old["apiVersion"] = "core.apoxy.dev/v1alpha".into();
    server.post("/apis/core.apoxy.dev/v1alpha/backends", &old).await.expect(201);
    assert_eq!(server.get(&format!("{BACKENDS}/old")).await.expect(200)["apiVersion"], "core.apoxy.dev/v1alpha2");
}

#[tokio::test]
async fn the_root_lists_its_paths_and_there_are_no_services() {
    let server = Server::new().await;
    let paths = server.get("/").await.expect(200);
    for path in ["/api/v1", "/apis/gateway.networking.k8s.io/v1beta1", "/openapi/v3"] {
        assert!(paths["paths"].as_array().unwrap().contains(&path.into()), "{path}: {paths}");
    }
    let services = server.get("/api/v1/namespaces/kube-system/services").await.expect(200);
    assert_eq!(services["items"], json!([]));
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
    server.post("/api/v1/namespaces/default/services", &service).await.failure(405, "MethodNotAllowed");
}

#[tokio::test]
async fn null_in_a_map_of_text_is_the_empty_text() {
    let server = Server::new().await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "labels": {"l": null}}, "data": {"k": null}});
    let created = server.post(SECRETS, &secret).await.expect(201);
    assert_eq!((&created["metadata"]["labels"], &created["data"]), (&json!({"l": ""}), &json!({"k": ""})));
}

#[tokio::test]
async fn a_patch_replaces_what_is_absent_and_counts_from_the_end() {
    let server = Server::new().await;
    server.backend("web").await;
    let web = format!("{BACKENDS}/web");
    let patch = json!([
        {"op": "replace", "path": "/metadata/labels", "value": {"a": "b"}},
        {"op": "add", "path": "/spec/endpoints/-1", "value": {"ip": "192.0.2.1"}},
        {"op": "test", "path": "/spec/endpoints/-1/ip", "value": "192.0.2.1"},
        {"op": "replace", "path": "/spec/endpoints/-1/ip", "value": "192.0.2.2"},
    ]);
    let patched = server.patch(&web, JSON_PATCH, &patch).await.expect(200);
    assert_eq!(patched["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(patched["spec"]["endpoints"][1], json!({"ip": "192.0.2.2"}));
    let patched =
        server.patch(&web, JSON_PATCH, &json!([{"op": "remove", "path": "/spec/endpoints/-2"}])).await.expect(200);
    assert_eq!(patched["spec"]["endpoints"], json!([{"ip": "192.0.2.2"}]));
    for path in ["/spec/endpoints/-2", "/spec/endpoints/-0", "/spec/nothing/a"] {
        server
            .patch(&web, JSON_PATCH, &json!([{"op": "replace", "path": path, "value": 1}]))
            .await
            .failure(422, "Invalid");
    }
}

#[tokio::test]
async fn a_condition_type_is_there_once() {
    let server = Server::new().await;
    let mut object = server.backend("web").await;
    let condition = json!({"type": "Ready", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"});
    object["status"] = json!({"conditions": [condition, condition]});
    let status = server.put(&format!("{BACKENDS}/web/status"), &object).await.failure(422, "Invalid");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(r#"status.conditions[1]: Duplicate value: {"type":"Ready"}"#), "{message}");
}

#[tokio::test]
async fn a_namespace_of_what_is_in_none_is_passed_over() {
    let server = Server::new().await;
    let mut object = backend("web");
    object["metadata"]["namespace"] = "prod".into();
    let created = server.post(BACKENDS, &object).await.expect(201);
    assert_eq!(created["metadata"].get("namespace"), None);
}

#[tokio::test]
async fn identifiers_of_operations_are_unique() {
    let server = Server::new().await;
    let document = server.get("/openapi/v2").await.expect(200);
    let mut seen = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().values() {
            if let Some(id) = method.get("operationId").and_then(Value::as_str) {
                assert!(seen.insert(id.to_owned()), "{path}: {id}");
            }
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[tokio::test]
async fn secrets_of_known_types_have_what_their_type_says() {
    let server = Server::new().await;
    let secret = |kind: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "type": kind, "stringData": data});
    for (kind, data) in [
        ("kubernetes.io/dockerconfigjson", json!({})),
        ("kubernetes.io/dockerconfigjson", json!({".dockerconfigjson": "{"})),
        ("kubernetes.io/basic-auth", json!({})),
        ("kubernetes.io/ssh-auth", json!({})),
        ("kubernetes.io/service-account-token", json!({})),
    ] {
        server.post(SECRETS, &secret(kind, data)).await.failure(422, "Invalid");
    }
    server.post(SECRETS, &secret("kubernetes.io/basic-auth", json!({"username": "u"}))).await.expect(201);
}

#[tokio::test]
async fn config_maps_and_leases_are_kept() {
    let server = Server::new().await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
    server.post(CONFIG_MAPS, &map).await.expect(201);
    let patch = ("content-type", "application/strategic-merge-patch+json");
    let patched = server.patch(&format!("{CONFIG_MAPS}/a"), patch, &json!({"data": {"k2": "v2"}})).await.expect(200);
    assert_eq!(patched["data"], json!({"k": "v", "k2": "v2"}));
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "leader"},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.123456Z"}});
    let mut held = server.post(leases, &lease).await.expect(201);
    // Two that want it at once: the second finds it taken.
    let stale = held.clone();
    held["spec"]["holderIdentity"] = "two".into();
    server.put(&format!("{leases}/leader"), &held).await.expect(200);
    server.put(&format!("{leases}/leader"), &stale).await.failure(409, "Conflict");
}

#[tokio::test]
async fn backends_may_have_underscores_as_apoxys_do_and_others_may_not() {
    let server = Server::new().await;
    server.post(BACKENDS, &backend("dynamic_forward_proxy")).await.expect(201);
    let path = format!("{BACKENDS}/dynamic_forward_proxy");
    server.patch(&path, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    let generated = json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"generateName": "my_"},
        "spec": {"endpoints": [{"ip": "127.0.0.1"}]}});
    server.post(BACKENDS, &generated).await.expect(201);
    for name in ["with space", "Upper", "a..b"] {
        server.post(BACKENDS, &backend(name)).await.failure(422, "Invalid");
    }
    server.post(GATEWAYS, &gateway("v1", "my_gateway")).await.failure(422, "Invalid");
    server.delete(&path).await.expect(200);
}
