//! Configurations through the API of a control plane, with a proxy of its own.

use serde_json::{Value, json};

use super::{CONFIGS, at, echo, shop, written};
use crate::harness::{Client, ControlPlane, Load, Proxy, backstay};

/// The generation of a configuration whose condition `Programmed` is true for it.
fn programmed(object: &Value) -> Option<i64> {
    let conditions = object["status"]["conditions"].as_array()?;
    let condition =
        conditions.iter().find(|condition| condition["type"] == "Programmed" && condition["status"] == "True")?;
    condition["observedGeneration"].as_i64()
}

/// Why a configuration is accepted or not, and in which words. Empty before it is judged.
fn accepted(object: &Value) -> (&str, &str) {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let condition = conditions.iter().find(|condition| condition["type"] == "Accepted");
    condition.map_or(("", ""), |it| (it["reason"].as_str().unwrap(), it["message"].as_str().unwrap_or_default()))
}

#[tokio::test]
async fn a_change_is_one_switch_without_a_failed_request() {
    let scratch = tempfile::tempdir().unwrap();
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let upstream = echo().await;
    let (port, text) = shop(&upstream, "g0");
    let file = written(scratch.path(), "krakend.json", &text);
    let apply = || {
        let output = backstay(["apply", "-f", file.to_str().unwrap(), "--wait", "--server", &control_plane.server()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    apply();
    let mut load = Load::start(4, at(port), "a", "/users/1");
    load.more(50).await;
    for round in 1..5 {
        written(scratch.path(), "krakend.json", &text.replace("g0", &format!("g{round}")));
        apply();
        load.more(50).await;
    }
    let tally = load.stop().await;
    tally.assert_all_ok();
    for round in 0..5 {
        assert!(tally.with_body(&format!(r#"{{"g{round}":{{"target":"/v1/1"}}}}"#)) > 0, "round {round}: {tally:?}");
    }
}

#[tokio::test]
async fn a_mistake_is_refused_by_the_api_and_two_on_one_port_are_told_apart() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    let upstream = echo().await;
    let (port, text) = shop(&upstream, "one");
    let object = |name: &str, text: &str| {
        json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "KrakendConfig", "metadata": {"name": name, "namespace": "default"},
            "spec": {"config": serde_json::from_str::<Value>(text).unwrap()}})
    };
    let (status, answer) = rest.post(CONFIGS, &object("shop", &text.replace("/v1/{id}", "/{x}"))).await;
    assert_eq!(status, 422);
    let cause = &answer["details"]["causes"][0];
    assert_eq!(cause["field"], "spec.config.endpoints[0].backend[0].url_pattern");
    assert!(
        cause["message"].as_str().unwrap().contains("undefined output param 'x'! endpoint: GET /users/:id"),
        "{cause}"
    );

    assert_eq!(rest.post(CONFIGS, &object("shop", &text)).await.0, 201);
    let shop = format!("{CONFIGS}/shop");
    rest.wait_until(&shop, "it is programmed", |object| programmed(object) == Some(1)).await;
    let client = Client::new();
    let served = || async { client.get(at(port), "a", "/users/1").await.unwrap().json() };
    assert_eq!(served().await, json!({"one": {"target": "/v1/1"}}));

    assert_eq!(rest.post(CONFIGS, &object("tax", &text.replace("\"one\"", "\"two\""))).await.0, 201);
    let tax = format!("{CONFIGS}/tax");
    let tax = rest.wait_until(&tax, "it is judged", |object| !accepted(object).0.is_empty()).await;
    let (reason, message) = accepted(&tax);
    assert_eq!(reason, "PortUnavailable");
    assert!(message.contains("KrakendConfig default/shop, which is older"), "{message}");
    assert_eq!(served().await, json!({"one": {"target": "/v1/1"}}));
}
