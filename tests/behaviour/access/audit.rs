//! What is written down, and what is not to be seen anywhere.

use http::Method;
use serde_json::{Value, json};

use super::setting::{Asked, Setting, get, post};

const BACKENDS: &str = "/apis/core.apoxy.dev/v1alpha2/backends";

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pass"},
        "stringData": {"password": "the-content-of-a-secret"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_reads_of_secrets_and_refusals_are_written_and_other_reads_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let setting = Setting::start(&["--audit-log", log.to_str().unwrap(), "--audit-mode", "blocking"]);
    let backend = json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "one"},
        "spec": {"endpoints": [{"fqdn": "one.example"}]},
    });
    let headers = [("content-type", "application/json"), ("audit-id", "my-own-id"), ("user-agent", "robot/1")];
    let body = backend.to_string();
    let create = Asked { method: Method::POST, path: BACKENDS, headers: &headers, body: body.as_bytes() };
    let response = setting.send("edit", create).await;
    assert_eq!((response.status().as_u16(), response.headers()["audit-id"].to_str().unwrap()), (201, "my-own-id"));
    assert_eq!(setting.read("view", get(BACKENDS)).await.0, 200);
    assert_eq!(setting.read("view", get("/api/v1/secrets")).await.0, 403);
    assert_eq!(setting.read("edit", get("/api/v1/namespaces/default/secrets/nobody")).await.0, 404);
    assert_eq!(setting.read("wrong", get("/api")).await.0, 401);
    // Each was answered once its line was written.
    let events = events(&std::fs::read_to_string(&log).unwrap());
    let told = |event: &Value| {
        let who = event["user"]["username"].as_str().unwrap().to_owned();
        let verb = event["verb"].as_str().unwrap().to_owned();
        (who, verb, event["responseStatus"]["code"].as_u64().unwrap())
    };
    let all: Vec<_> = events.iter().map(told).collect();
    let expected =
        [("edit", "create", 201), ("view", "list", 403), ("edit", "get", 404), ("system:anonymous", "get", 401)];
    assert_eq!(all, expected.map(|(who, verb, code)| (who.to_owned(), verb.to_owned(), code)));
    let created = &events[0];
    assert_eq!(
        created["objectRef"],
        json!({"resource": "backends", "apiGroup": "core.apoxy.dev", "apiVersion": "v1alpha2"})
    );
    assert_eq!(
        [&created["kind"], &created["apiVersion"], &created["level"], &created["stage"], &created["auditID"]],
        ["Event", "audit.k8s.io/v1", "Metadata", "ResponseComplete", "my-own-id"]
    );
    assert_eq!((&created["sourceIPs"], &created["userAgent"]), (&json!(["127.0.0.1"]), &json!("robot/1")));
    assert_eq!(created["annotations"]["authorization.k8s.io/decision"], "allow");
    let reason = created["annotations"]["authorization.k8s.io/reason"].as_str().unwrap();
    assert!(reason.contains("ClusterRoleBinding \"editors\""), "{reason}");
    assert_eq!(events[1]["annotations"]["authorization.k8s.io/decision"], "forbid");

    // After a rotation the next line is in a new file.
    let moved = folder.path().join("audit.log.1");
    std::fs::rename(&log, &moved).unwrap();
    setting.control_plane.process.signal("USR1");
    setting.control_plane.process.wait_for_line("the audit log goes to a new file");
    let path = format!("{BACKENDS}/one");
    let deleted = Asked { method: Method::DELETE, ..get(&path) };
    assert_eq!(setting.read("root", deleted).await.0, 200);
    let after = self::events(&std::fs::read_to_string(&log).unwrap());
    assert_eq!((after.len(), &after[0]["objectRef"]["name"]), (1, &json!("one")));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_for_another_is_written_down_with_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let setting = Setting::start(&["--audit-log", log.to_str().unwrap(), "--audit-mode", "blocking"]);
    let headers = [("content-type", "application/json"), ("impersonate-user", "ci")];
    let review = Asked {
        method: Method::POST,
        path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        headers: &headers,
        body: b"{}",
    };
    let (code, who) = setting.read("root", review.clone()).await;
    assert_eq!((code, &who["status"]["userInfo"]["username"]), (201, &json!("ci")));
    let (code, refused) = setting.read("admin", review).await;
    assert_eq!(code, 403);
    assert!(refused["message"].as_str().unwrap().contains("cannot impersonate resource \"users\""), "{refused}");
    let create = Asked { method: Method::POST, path: BACKENDS, headers: &headers, body: b"{}" };
    assert_eq!(setting.read("root", create).await.0, 403, "the other may not");
    let events = events(&std::fs::read_to_string(&log).unwrap());
    let last = events.last().unwrap();
    assert_eq!((&last["user"]["username"], &last["impersonatedUser"]["username"]), (&json!("root"), &json!("ci")));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_tokens_nor_secrets_are_in_logs_metrics_status_or_audit() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let setting = Setting::start(&["--audit-log", log.to_str().unwrap(), "--audit-mode", "blocking"]);
    assert_eq!(setting.read("root", post("/logging?level=trace&for=10m", "")).await.0, 200);
    let users = ["view", "edit", "admin", "root", "ci", "proxy", "expired", "reader", "wrong"];
    for user in users {
        setting.read(user, get(BACKENDS)).await;
        let body = secret().to_string();
        setting.read(user, post("/api/v1/namespaces/default/secrets", &body)).await;
        let headers = [("fastly-key", setting.token(user))];
        let mut fastly = get("/tokens/self");
        fastly.headers = &headers;
        setting.read("none", fastly).await;
        let review = format!("{{\"spec\": {{\"token\": \"{}\"}}}}", setting.token(user));
        setting.read("root", post("/apis/authentication.k8s.io/v1/tokenreviews", &review)).await;
    }
    let (_, metrics) = setting.read("root", get("/metrics")).await;
    let (_, backends) = setting.read("root", get(BACKENDS)).await;
    let audit = std::fs::read_to_string(&log).unwrap();
    assert!(audit.lines().count() > users.len(), "{audit}");
    let places = [
        ("metrics", metrics.to_string()),
        ("objects", backends.to_string()),
        ("the audit log", audit),
        ("the log", setting.control_plane.process.printed()),
        ("the file of tokens", std::fs::read_to_string(setting.file("tokens.yaml")).unwrap()),
    ];
    for (place, text) in places {
        for token in setting.tokens().chain(["the-content-of-a-secret"]) {
            assert!(!text.contains(token), "a token or a secret is in {place}");
        }
    }
}
