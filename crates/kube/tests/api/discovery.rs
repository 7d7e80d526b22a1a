use serde_json::Value;

use crate::server::{BACKENDS, Server};

const V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const V2BETA1: &str = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
const PROTOBUF_V2: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[tokio::test]
async fn legacy_discovery_names_groups_versions_and_resources() {
    let server = Server::new().await;
    let groups = server.get("/apis").await.expect(200);
    assert_eq!(groups["kind"], "APIGroupList");
    let group = named(&groups["groups"], "name", "core.apoxy.dev");
    assert_eq!(group["preferredVersion"]["groupVersion"], "core.apoxy.dev/v1alpha2");
    let group = server.get("/apis/core.apoxy.dev").await.expect(200);
    assert_eq!(group["kind"], "APIGroup");
    assert_eq!(group["versions"][0]["version"], "v1alpha2");

    let list = server.get("/apis/core.apoxy.dev/v1alpha2").await.expect(200);
    assert_eq!(list["kind"], "APIResourceList");
    assert_eq!(list["groupVersion"], "core.apoxy.dev/v1alpha2");
    let backends = named(&list["resources"], "name", "backends");
    assert_eq!(backends["kind"], "Backend");
    assert_eq!(backends["singularName"], "backend");
    assert_eq!(backends["namespaced"], false);
    assert!(backends["shortNames"].as_array().unwrap().contains(&"be".into()));
    assert!(backends["categories"].as_array().unwrap().contains(&"all".into()));
    for verb in ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] {
        assert!(backends["verbs"].as_array().unwrap().contains(&verb.into()), "{verb}");
    }
    assert_eq!(named(&list["resources"], "name", "backends/status")["kind"], "Backend");
}

#[tokio::test]
async fn the_core_group_is_not_empty() {
    let server = Server::new().await;
    assert_eq!(server.get("/api").await.expect(200)["versions"][0], "v1");
    let list = server.get("/api/v1").await.expect(200);
    assert_eq!(list["groupVersion"], "v1");
    assert_eq!(named(&list["resources"], "name", "namespaces")["namespaced"], false);
    assert_eq!(named(&list["resources"], "name", "secrets")["namespaced"], true);
}

#[tokio::test]
async fn aggregated_discovery_at_both_roots_in_both_versions() {
    let server = Server::new().await;
    for (path, media) in [("/api", V2), ("/apis", V2), ("/apis", V2BETA1), ("/api", V2BETA1)] {
        let accept = format!("{media},application/json");
        let reply = server.call("GET", path, &[("accept", &accept)], "").await;
        assert_eq!(reply.header("content-type"), media);
        assert!(reply.header("vary").contains("Accept"));
        let list = reply.expect(200);
        assert_eq!(list["kind"], "APIGroupDiscoveryList");
    }
    let list = server.call("GET", "/apis", &[("accept", V2)], "").await.expect(200);
    let group = list["items"].as_array().unwrap().iter().find(|item| item["metadata"]["name"] == "core.apoxy.dev");
    let backends = named(&group.unwrap()["versions"][0]["resources"], "resource", "backends");
    assert_eq!(backends["scope"], "Cluster");
    assert_eq!(backends["responseKind"]["kind"], "Backend");
    assert_eq!(backends["subresources"][0]["subresource"], "status");
    assert!(!list.to_string().contains("\"resource\":\"secrets\""), "the core group belongs to /api");
}

#[tokio::test]
async fn what_a_client_accepts_first_is_what_it_gets() {
    let server = Server::new().await;
    let accept = format!("{V2BETA1},{V2},application/json");
    let reply = server.call("GET", "/apis", &[("accept", &accept)], "").await;
    assert_eq!(reply.header("content-type"), V2BETA1);
    let reply = server.call("GET", "/apis", &[("accept", &format!("application/json,{V2}"))], "").await;
    assert_eq!(reply.expect(200)["kind"], "APIGroupList");
}

#[tokio::test]
async fn unchanged_discovery_is_not_sent_again() {
    let server = Server::new().await;
    let first = server.call("GET", "/apis", &[("accept", V2)], "").await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() > 10, "{etag}");
    let again = server.call("GET", "/apis", &[("accept", V2), ("if-none-match", &etag)], "").await;
    assert_eq!(again.status, 304);
    assert!(again.bytes.is_empty());
    let changed = server.call("GET", "/apis", &[("accept", V2), ("if-none-match", "\"other\"")], "").await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let server = Server::new().await;
    for path in [
        "/nothing",
        "/apis/nothing",
        "/apis/core.apoxy.dev/v9",
        "/api/v1/pods",
        "/apis/core.apoxy.dev/v1alpha2/x/y",
        "/apis/core.apoxy.dev/v1alpha2/namespaces/default/backends",
        "/apis/gateway.networking.k8s.io/v1/gateways/x",
        "/api/v1/namespaces/default/configmaps/x/status",
        "/openapi/v3/apis/nothing/v1",
        "/%ff",
        "/apis/%2",
    ] {
        let status = server.get(path).await.failure(404, "NotFound");
        assert_eq!(status["message"], "the server could not find the requested resource", "{path}");
    }
}

#[tokio::test]
async fn openapi_3_has_schemas_operations_and_a_hash() {
    let server = Server::new().await;
    let index = server.get("/openapi/v3").await.expect(200);
    let url = index["paths"]["apis/core.apoxy.dev/v1alpha2"]["serverRelativeURL"].as_str().unwrap();
    assert!(url.starts_with("/openapi/v3/apis/core.apoxy.dev/v1alpha2?hash="), "{url}");
    assert!(index["paths"]["api/v1"].is_object());
    let document = server.get(url).await.expect(200);
    let (name, schema) = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, schema)| schema["x-kubernetes-group-version-kind"][0]["kind"] == "Backend")
        .unwrap();
    assert_eq!(name, "dev.apoxy.core.v1alpha2.Backend");
    assert_eq!(schema["properties"]["spec"]["properties"]["endpoints"]["x-kubernetes-list-type"], "atomic");
    assert!(schema["properties"]["spec"]["description"].is_string());

    let paths = &document["paths"];
    for (path, method, action) in [
        (BACKENDS.to_owned(), "get", "list"),
        (BACKENDS.to_owned(), "post", "post"),
        (format!("{BACKENDS}/{{name}}"), "get", "get"),
        (format!("{BACKENDS}/{{name}}"), "put", "put"),
        (format!("{BACKENDS}/{{name}}"), "patch", "patch"),
        (format!("{BACKENDS}/{{name}}"), "delete", "delete"),
        (format!("{BACKENDS}/{{name}}/status"), "patch", "patch"),
    ] {
        let operation = &paths[&path][method];
        assert_eq!(operation["x-kubernetes-action"], action, "{path} {method}");
        assert_eq!(operation["x-kubernetes-group-version-kind"]["kind"], "Backend");
        if matches!(method, "post" | "put" | "patch") {
            for parameter in ["fieldValidation", "dryRun", "fieldManager"] {
                let known = operation["parameters"].as_array().unwrap();
                assert!(known.iter().any(|known| known["name"] == parameter && known["in"] == "query"), "{parameter}");
            }
        }
    }
}

#[tokio::test]
async fn every_reference_of_the_openapi_documents_resolves() {
    fn check(root: &Value, value: &Value) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(root.pointer(&reference[1..]).is_some(), "{reference}");
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|value| check(root, value)),
            Value::Array(items) => items.iter().for_each(|value| check(root, value)),
            _ => {}
        }
    }
    let server = Server::new().await;
    let index = server.get("/openapi/v3").await.expect(200);
    for entry in index["paths"].as_object().unwrap().values() {
        let document = server.get(entry["serverRelativeURL"].as_str().unwrap()).await.expect(200);
        check(&document, &document);
    }
    let document = server.get("/openapi/v2").await.expect(200);
    check(&document, &document);
}

#[tokio::test]
async fn openapi_2_as_protobuf_for_old_clients_and_json_for_others() {
    let server = Server::new().await;
    let old = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    for accept in [PROTOBUF_V2, old] {
        let reply = server.call("GET", "/openapi/v2", &[("accept", accept)], "").await;
        assert_eq!(reply.header("content-type"), old);
        assert_eq!(reply.bytes, [0x0a, 0x03, 0x32, 0x2e, 0x30]);
    }
    let reply = server.call("GET", "/openapi/v2", &[("accept", "application/json")], "").await;
    let document = reply.expect(200);
    assert_eq!(document["swagger"], "2.0");
    let definition = &document["definitions"]["dev.apoxy.core.v1alpha2.Backend"];
    assert_eq!(definition["x-kubernetes-group-version-kind"][0]["kind"], "Backend");
    assert!(document["paths"][BACKENDS]["post"]["parameters"].is_array());
}

#[tokio::test]
async fn reviews_say_that_everything_is_allowed() {
    let server = Server::new().await;
    let asked = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "create", "resource": "backends"}},
    });
    let answer = server.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &asked).await.expect(201);
    assert_eq!(answer["status"]["allowed"], true);
    assert_eq!(answer["spec"], asked["spec"]);
    let asked = serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = server.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &asked).await.expect(201);
    assert_eq!(answer["status"]["userInfo"]["username"], "system:anonymous");
    server.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &asked).await.failure(400, "BadRequest");
}
