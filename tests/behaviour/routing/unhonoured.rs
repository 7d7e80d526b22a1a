//! What is not honoured is not served as if it were.

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Stage;
use crate::harness::manifest;
use crate::harness::rest::{GATEWAYS, ROUTES};
use crate::harness::traffic::until;

/// Whether an object, or the first parent of a route, is not accepted since `field` is not supported.
fn is_refused_for(object: &Value, field: &str) -> bool {
    let status = &object["status"];
    let own = [&status["conditions"], &status["parents"][0]["conditions"]];
    let conditions = own.into_iter().filter_map(Value::as_array).flatten();
    conditions.into_iter().any(|condition| {
        condition["type"] == "Accepted"
            && condition["status"] == "False"
            && condition["reason"] == "UnsupportedValue"
            && condition["message"].as_str().is_some_and(|message| message.contains(field))
            && condition["observedGeneration"] == object["metadata"]["generation"]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_asks_for_client_certificates_serves_nobody_and_one_that_allows_listener_sets_everybody() {
    let stage = Stage::new().await;
    stage.route("app", &["a.test"], vec![json!({"backendRefs": [stage.to("a")]})]).await;
    assert_eq!(stage.reaches("a.test", "/").await, "a");
    let path = format!("{GATEWAYS}/web");

    // Without it, no more is let in than with it: the rest goes on.
    let allowed = json!({"spec": {"allowedListeners": {"namespaces": {"from": "All"}}}});
    stage.rest.change(&path, &allowed).await;
    let refused = |object: &Value| is_refused_for(object, "spec.allowedListeners");
    let gateway = stage.rest.wait_until(&path, "refused", refused).await;
    let told = gateway["status"]["conditions"].as_array().unwrap();
    let programmed = told.iter().find(|condition| condition["type"] == "Programmed").unwrap();
    assert_eq!(programmed["status"], "False", "{programmed}");
    stage.settled().await;
    assert_eq!(stage.reaches("a.test", "/").await, "a");

    // Without it, everybody would be let in: what was served before ends.
    let authorities = json!([{"group": "", "kind": "ConfigMap", "name": "ca"}]);
    let tls = json!({"spec": {"allowedListeners": null,
        "tls": {"frontend": {"default": {"validation": {"caCertificateRefs": authorities}}}}}});
    stage.rest.change(&path, &tls).await;
    stage.rest.wait_until(&path, "refused", |object| is_refused_for(object, "spec.tls.frontend")).await;
    until("nobody listens", || async { TcpStream::connect(stage.address).await.is_err() }).await;
    let told = |route: &Value| route["status"].to_string().contains("is not accepted");
    stage.rest.wait_until(&format!("{ROUTES}/app"), "told that its Gateway is not accepted", told).await;

    stage.rest.change(&path, &json!({"spec": {"tls": null}})).await;
    stage.rest.wait_for(&path, "Programmed").await;
    stage.settled().await;
    assert_eq!(stage.reaches("a.test", "/").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_answered_500_for_a_filter_and_served_without_a_retry() {
    let stage = Stage::new().await;
    let auth = json!({"type": "ExternalAuth", "externalAuth": {"protocol": "HTTP", "http": {},
        "backendRef": {"kind": "Backend", "name": "b", "port": 80}}});
    let target = stage.to("a");
    for (name, rule, field, answer) in [
        ("auth", json!({"filters": [auth], "backendRefs": [target]}), "ExternalAuth", "500"),
        ("retry", json!({"retry": {"codes": [503]}, "backendRefs": [target]}), "rules[0].retry", "a"),
        ("session", json!({"sessionPersistence": {}, "backendRefs": [target]}), "rules[0].sessionPersistence", "a"),
    ] {
        let host = format!("{name}.test");
        let mut route = manifest::route(name, "web", &host, "a", 1);
        route["spec"]["rules"] = json!([rule]);
        stage.rest.create(&route).await;
        let path = format!("{ROUTES}/{name}");
        stage.rest.wait_until(&path, "refused", |object| is_refused_for(object, field)).await;
        stage.settled().await;
        assert_eq!(stage.reaches(&host, "/").await, answer, "{name}");
    }
}
