//! Every route, with every kind of credential.

use http::Method;
use serde_json::Value;

use super::setting::{Asked, ROLES, Setting, get, post};
use crate::harness::tls::replace;

/// What becomes of a request, as far as access goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It got to whatever answers it.
    Passed,
    /// It was refused: it is not known who sent it.
    Unknown,
    /// It was refused: whoever sent it may not do that.
    Denied,
}

use Outcome::{Denied, Passed, Unknown};

/// Users, in the order of the columns below.
const USERS: [&str; 5] = ["none", "proxy", "view", "edit", "admin"];

async fn outcome(setting: &Setting, user: &str, asked: Asked<'_>) -> Outcome {
    let response = setting.send(user, asked).await;
    let grpc = response.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    match (response.status().as_u16(), grpc.as_deref()) {
        (401, _) | (_, Some("16")) => Unknown,
        (403, _) | (_, Some("7")) => Denied,
        _ => Passed,
    }
}

async fn check(setting: &Setting, asked: Asked<'_>, expected: [Outcome; 5]) {
    let what = format!("{} {}", asked.method, asked.path);
    for (user, expected) in USERS.into_iter().zip(expected) {
        assert_eq!(outcome(setting, user, asked.clone()).await, expected, "{user}: {what}");
    }
    for user in ["wrong", "expired"] {
        assert_eq!(outcome(setting, user, asked.clone()).await, Unknown, "{user}: {what}");
    }
}

/// Requests are refused that are not taken, as often as it likes: here there are many.
const PATIENT: [&str; 2] = ["--limit", "auth-failures=1000000"];

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_as_open_as_roles_say_with_every_verb() {
    let setting = Setting::start(&PATIENT);
    let (code, groups) = setting.read("root", get("/apis")).await;
    assert_eq!(code, 200, "{groups}");
    let groups = groups["groups"].as_array().unwrap().iter().flat_map(|group| group["versions"].as_array().unwrap());
    let mut paths: Vec<String> =
        groups.map(|version| format!("/apis/{}", version["groupVersion"].as_str().unwrap())).collect();
    paths.push("/api/v1".to_owned());
    let mut kinds = 0;
    for path in &paths {
        check(&setting, get(path), [Denied, Passed, Passed, Passed, Passed]).await;
        let (_, list) = setting.read("root", get(path)).await;
        for resource in list["resources"].as_array().unwrap() {
            every_verb(&setting, path, resource).await;
            kinds += 1;
        }
    }
    assert!(kinds > 20, "only {kinds} resources found");
}

async fn every_verb(setting: &Setting, group: &str, resource: &Value) {
    let name = resource["name"].as_str().unwrap();
    let (plural, status) = name.strip_suffix("/status").map_or((name, ""), |plural| (plural, "/status"));
    let base = match resource["namespaced"] == true {
        true => format!("{group}/namespaces/default/{plural}"),
        false => format!("{group}/{plural}"),
    };
    let is_secret = group == "/api/v1" && plural == "secrets";
    let reads = [Denied, Denied, if is_secret { Denied } else { Passed }, Passed, Passed];
    let writes = [Denied, Denied, Denied, Passed, Passed];
    let one = format!("{base}/nobody{status}");
    for verb in resource["verbs"].as_array().unwrap() {
        let (method, path, expected) = match verb.as_str().unwrap() {
            "get" => (Method::GET, one.clone(), reads),
            "list" => (Method::GET, base.clone(), reads),
            "watch" => (Method::GET, format!("{base}?watch=true&timeoutSeconds=1"), reads),
            "create" => (Method::POST, format!("{base}?dryRun=All"), writes),
            "update" => (Method::PUT, format!("{one}?dryRun=All"), writes),
            "patch" => (Method::PATCH, format!("{one}?dryRun=All"), writes),
            "delete" => (Method::DELETE, format!("{one}?dryRun=All"), writes),
            "deletecollection" => (Method::DELETE, format!("{base}?dryRun=All&labelSelector=a%3Db"), writes),
            other => panic!("{name} has the verb {other}, which nobody has thought of"),
        };
        let headers = [(
            "content-type",
            if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" },
        )];
        check(setting, Asked { method, path: &path, headers: &headers, body: b"{}" }, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_route_is_as_open_as_roles_say() {
    let setting = Setting::start(&PATIENT);
    let open = [Passed; 5];
    let known = [Denied, Passed, Passed, Passed, Passed];
    let admins = [Denied, Denied, Denied, Denied, Passed];
    for path in
        ["/healthz", "/healthz/", "/livez", "/readyz", "/version", "/realms/fastly/.well-known/openid-configuration"]
    {
        check(&setting, get(path), open).await;
    }
    for path in ["/", "/api", "/apis", "/apis/backstay.dev", "/openapi/v2", "/openapi/v3"] {
        check(&setting, get(path), known).await;
    }
    // 404: nobody signs here.
    check(&setting, get("/ca.pem"), open).await;
    // What nobody serves is told to those who may know.
    for path in ["/metrics", "/debug/pprof", "/api%2Fv1/secrets", "/apis2", "/.well-known/x", "/metrics/"] {
        check(&setting, get(path), admins).await;
    }
    check(&setting, post("/logging?level=info", ""), admins).await;
    check(&setting, post("/healthz", ""), admins).await;
    // To make one is to have a fleet's private keys, which nobody may who may only write objects.
    check(&setting, post("/join-tokens", r#"{"fleet": "default", "ttl": "1h"}"#), admins).await;
    check(&setting, get("/join-tokens"), admins).await;
    let revoke = Asked { method: Method::DELETE, ..get("/join-tokens/0123456789abcdef") };
    check(&setting, revoke, admins).await;
    // Other spellings of a path are that path.
    for path in ["//api/v1/secrets", "/api/v1/%73ecrets", "/api/v1/secrets/"] {
        check(&setting, get(path), [Denied, Denied, Denied, Passed, Passed]).await;
    }
    for path in ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] {
        check(&setting, post(&format!("/apis/authorization.k8s.io/v1/{path}"), "{}"), known).await;
    }
    check(&setting, post("/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}"), known).await;
    for path in ["authorization.k8s.io/v1/subjectaccessreviews", "authentication.k8s.io/v1/tokenreviews"] {
        check(&setting, post(&format!("/apis/{path}"), "{}"), admins).await;
    }
    check(&setting, post("/apis/authorization.k8s.io/v1/namespaces/x/localsubjectaccessreviews", "{}"), admins).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fastly_api_and_calls_are_as_open_as_roles_say() {
    let setting = Setting::start(&PATIENT);
    let reads = [Unknown, Denied, Passed, Passed, Passed];
    let writes = [Unknown, Denied, Denied, Passed, Passed];
    let own = [Unknown, Passed, Passed, Passed, Passed];
    for path in
        ["/service", "/service/search?name=x", "/service/x", "/service/x/version/1/domain", "/enabled-products/x"]
    {
        check(&setting, get(path), reads).await;
    }
    for path in ["/verify", "/tokens/self", "/datacenters"] {
        check(&setting, get(path), own).await;
    }
    for path in
        ["/service", "/service/x/version/1/domain", "/service/x/purge/key", "/service/x/purge_all", "/purge/a.example"]
    {
        check(&setting, post(path, ""), writes).await;
    }
    for path in ["/service/x", "/service/x/version/1/domain/y"] {
        check(&setting, Asked { method: Method::DELETE, ..get(path) }, writes).await;
    }
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    let call = |path| Asked { method: Method::POST, path, headers: &grpc, body: &[0; 5] };
    check(&setting, call("/backstay.admin.v1.AdminService/GetStatus"), reads).await;
    for path in [
        "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
        "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus",
        "/backstay.admin.v1.FleetService/ListProxyResources",
    ] {
        check(&setting, call(path), reads).await;
    }
    check(&setting, call("/backstay.admin.v1.SecretService/GetSecret"), writes).await;
    check(&setting, call("/backstay.admin.v1.BackendService/DeleteBackend"), writes).await;
    check(&setting, call("/backstay.admin.v1.AdminService/NobodyKnows"), [Unknown, Denied, Denied, Denied, Passed])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_in_its_namespace_and_refusals_are_worded_as_kubernetes_words_them() {
    let setting = Setting::start(&[]);
    let routes = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes";
    assert_eq!(setting.read("ci", get(routes)).await.0, 200);
    let (code, refused) = setting.read("ci", get(&routes.replace("shop", "default"))).await;
    assert_eq!(code, 403);
    assert_eq!(
        refused["message"],
        "httproutes.gateway.networking.k8s.io is forbidden: User \"ci\" cannot list resource \"httproutes\" in API group \
         \"gateway.networking.k8s.io\" in the namespace \"default\""
    );
    assert_eq!(refused["reason"], "Forbidden");
    assert_eq!(refused["details"]["kind"], "httproutes");
    assert_eq!(setting.read("ci", get("/apis/gateway.networking.k8s.io/v1/httproutes")).await.0, 403);
    let (code, refused) = setting.read("none", get("/api/v1/namespaces/shop/secrets/x")).await;
    assert_eq!(
        (code, &refused["message"]),
        (
            403,
            &"secrets \"x\" is forbidden: User \"system:anonymous\" cannot get resource \
         \"secrets\" in API group \"\" in the namespace \"shop\""
                .into()
        )
    );
    let (code, refused) = setting.read("wrong", get("/api")).await;
    assert_eq!((code, &refused["message"], &refused["reason"]), (401, &"Unauthorized".into(), &"Unauthorized".into()));
    // To patch is not to create, which applying what is not there would be.
    let headers = [("content-type", "application/apply-patch+yaml")];
    let path = "/api/v1/namespaces/shop/configmaps/new?fieldManager=x";
    let body = br#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}"#;
    let apply = Asked { method: Method::PATCH, path, headers: &headers, body };
    let (code, refused) = setting.read("ci", apply).await;
    assert_eq!(code, 403, "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("cannot create resource \"configmaps\""), "{refused}");
    // The scope of a token is a role as well.
    assert_eq!(setting.read("reader", get("/apis/core.apoxy.dev/v1alpha2/backends")).await.0, 200);
    assert_eq!(setting.read("reader", get("/api/v1/secrets")).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_read_again_and_a_file_that_cannot_be_used_changes_nothing() {
    let setting = Setting::start(&[]);
    let backends = "/apis/core.apoxy.dev/v1alpha2/backends";
    assert_eq!(setting.read("ci", get(backends)).await.0, 403);
    let roles = setting.file("roles.yaml");
    // In one step: a file that is read while it is written would be an empty one.
    replace(&roles, &ROLES.replace("name: 'backstay:view'", "name: nobody-has-this"));
    let line = setting.control_plane.process.wait_for_line("roles stay as they were");
    assert!(line.contains("nobody-has-this"), "{line}");
    assert_eq!(setting.read("view", get(backends)).await.0, 200);
    let (_, metrics) = setting.read("admin", get("/metrics")).await;
    let counted = metrics.as_str().unwrap().lines().any(|line| line == "backstay_roles_reload_failures_total 1");
    assert!(counted, "{metrics}");
    replace(&roles, &ROLES.replace("name: viewers, api", "name: robots, api"));
    setting.control_plane.process.wait_for_line("roles were read again");
    assert_eq!(setting.read("ci", get(backends)).await.0, 200);
    assert_eq!(setting.read("view", get(backends)).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_fails_too_often_is_answered_429_and_whoever_is_known_is_not() {
    let setting = Setting::start(&["--limit", "auth-backoff=1h"]);
    for _ in 0..10 {
        assert_eq!(setting.read("wrong", get("/api")).await.0, 401);
    }
    let response = setting.send("wrong", get("/api")).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(setting.read("view", get("/api")).await.0, 200);
    assert_eq!(setting.read("none", get("/healthz")).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_say_who_somebody_is_and_what_they_may_do() {
    let setting = Setting::start(&[]);
    let review = async |user: &str, what: &str, spec: &str| {
        let body = format!("{{\"spec\": {spec}}}");
        let (code, answer) = setting.read(user, post(&format!("/apis/{what}"), &body)).await;
        assert_eq!(code, 201, "{answer}");
        answer["status"].clone()
    };
    let who = review("view", "authentication.k8s.io/v1/selfsubjectreviews", "{}").await;
    assert_eq!(who["userInfo"]["username"], "view");
    assert_eq!(who["userInfo"]["groups"], serde_json::json!(["system:authenticated", "viewers"]));
    let own = "authorization.k8s.io/v1/selfsubjectaccessreviews";
    let create = r#"{"resourceAttributes": {"verb": "create", "group": "core.apoxy.dev", "resource": "backends"}}"#;
    assert_eq!(review("view", own, create).await["allowed"], false);
    let allowed = review("edit", own, create).await;
    assert_eq!(allowed["allowed"], true);
    assert!(
        allowed["reason"].as_str().unwrap().starts_with("RBAC: allowed by ClusterRoleBinding \"editors\""),
        "{allowed}"
    );
    let rules = review("ci", "authorization.k8s.io/v1/selfsubjectrulesreviews", r#"{"namespace": "shop"}"#).await;
    let names = |rules: &Value| rules["resourceRules"].to_string();
    assert!(names(&rules).contains("httproutes") && rules["incomplete"] == false, "{rules}");
    let rules = review("ci", "authorization.k8s.io/v1/selfsubjectrulesreviews", r#"{"namespace": "other"}"#).await;
    assert!(!names(&rules).contains("httproutes"), "{rules}");
    let of = r#"{"user": "ci", "resourceAttributes": {"verb": "get", "group": "gateway.networking.k8s.io", "resource": "httproutes", "namespace": "shop"}}"#;
    assert_eq!(review("admin", "authorization.k8s.io/v1/subjectaccessreviews", of).await["allowed"], true);
    let local = "authorization.k8s.io/v1/namespaces/shop/localsubjectaccessreviews";
    assert_eq!(review("admin", local, of).await["allowed"], true);
    let token = format!("{{\"token\": \"{}\"}}", setting.token("ci"));
    let reviewed = review("admin", "authentication.k8s.io/v1/tokenreviews", &token).await;
    assert_eq!((&reviewed["authenticated"], &reviewed["user"]["username"]), (&true.into(), &"ci".into()));
    let reviewed = review("admin", "authentication.k8s.io/v1/tokenreviews", r#"{"token": "x"}"#).await;
    assert_ne!(reviewed["authenticated"], true);
}
