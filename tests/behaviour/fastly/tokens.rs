//! Whose requests are taken.

use std::path::Path;

use http::StatusCode;
use serde_json::json;

use crate::harness::{ControlPlane, Fastly, backstay};

/// Adds a token to a file with the command, and yields it.
fn token(file: &Path, name: &str, more: &[&str]) -> String {
    let arguments = [&["token", name, "--file", file.to_str().unwrap()], more].concat();
    let output = backstay(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_do_what_its_file_says_and_sees_its_own_services() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    let deploy = token(&file, "deploy", &[]);
    let first = deploy.clone();
    let reader = token(&file, "reader", &["--scope", "global:read"]);
    let other = token(&file, "other", &["--customer", "other0customer00000000"]);
    let control_plane = ControlPlane::start_with(&["--tokens", file.to_str().unwrap()]);
    let api = control_plane.api();
    let [deploy, reader, other, wrong, none] =
        [&deploy, &reader, &other, "wrong", ""].map(|token| Fastly::with_token(api, token));
    for client in [&wrong, &none] {
        let refused = client.get("/service").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.body, json!({"msg": "Provided credentials are missing or invalid"}));
    }
    let (id, version) = deploy.service("mine").await;
    assert_eq!(reader.read("/service").await[0]["id"], id.as_str());
    let refused = reader.post(&format!("{version}/domain"), &[("name", "a.example")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(other.read("/service").await, json!([]));
    assert_eq!(other.get(&version).await.status, StatusCode::NOT_FOUND);
    assert_eq!(reader.read("/tokens/self").await["scope"], "global:read");
    let verified = deploy.read("/verify").await;
    assert_eq!((&verified["token"]["name"], &verified["services"][&id]), (&json!("deploy"), &json!("mine")));

    // The file changes while the control plane runs.
    let purge = token(&file, "purge", &["--scope", "purge_all", "--service", &id]);
    control_plane.process.wait_for_line("tokens were read again");
    let purge = Fastly::with_token(api, &purge);
    assert_eq!(purge.post(&format!("/service/{id}/purge_all"), &[]).await.body["status"], "ok");
    assert_eq!(purge.get(&version).await.status, StatusCode::FORBIDDEN);
    assert_eq!(purge.post(&format!("/service/{id}/purge/key"), &[]).await.status, StatusCode::FORBIDDEN);
    let stored = std::fs::read_to_string(&file).unwrap();
    assert!(!stored.contains(&first), "the tokens themselves are not in it");
    assert_eq!(stored.matches("sha256: ").count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_some_services_sees_these() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    let deploy = token(&file, "deploy", &[]);
    let control_plane = ControlPlane::start_with(&["--tokens", file.to_str().unwrap()]);
    let deploy = Fastly::with_token(control_plane.api(), &deploy);
    let (one, _) = deploy.service("one").await;
    let (two, _) = deploy.service("two").await;
    let limited = token(&file, "limited", &["--service", &two]);
    control_plane.process.wait_for_line("tokens were read again");
    let limited = Fastly::with_token(control_plane.api(), &limited);
    let listed = limited.read("/service").await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(two)));
    assert_eq!(limited.get(&format!("/service/{one}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(limited.put(&format!("/service/{two}"), &[("comment", "x")]).await.body["comment"], "x");
    assert_eq!(limited.post("/service", &[("name", "three")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_any_token_is_taken_and_that_is_told() {
    let control_plane = ControlPlane::start();
    let own = Fastly::new(control_plane.api()).read("/tokens/self").await;
    assert!(own["name"].as_str().unwrap().contains("without --tokens"), "{own}");
    let none = Fastly::with_token(control_plane.api(), "");
    assert_eq!(none.get("/service").await.status, StatusCode::UNAUTHORIZED);
    let (_, metrics) = control_plane.rest().get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    let refused =
        metrics.lines().find(|line| line.starts_with("backstay_fastly_requests_total") && line.contains("401"));
    assert_eq!(refused.and_then(|line| line.rsplit(' ').next()), Some("1"), "{metrics}");
    // The command asks for this before it has a token.
    assert_eq!(none.read("/realms/fastly/.well-known/openid-configuration").await, json!({}));
}

#[test]
fn a_file_that_cannot_be_used_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.yaml");
    std::fs::write(&file, "tokens:\n- {name: x, sha256: secret}\n").unwrap();
    let data = folder.path().join("data");
    let arguments =
        ["control-plane", "--api", "127.0.0.1:0", "--xds", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let output = backstay([&arguments[..], &["--tokens", file.to_str().unwrap()]].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && complaint.contains("tokens[0] (x): sha256"), "{complaint}");
}
