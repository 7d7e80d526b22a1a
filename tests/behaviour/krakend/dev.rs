//! `backstay dev -f krakend.json`, as `krakend run -d -c` would serve it.

use http::Method;
use serde_json::json;

use super::{at, echo, shop, written};
use crate::harness::{Client, Dev};

#[tokio::test]
async fn a_file_is_served_on_its_own_port_with_the_headers_of_krakend() {
    let scratch = tempfile::tempdir().unwrap();
    let upstream = echo().await;
    let (port, text) = shop(&upstream, "who");
    let file = written(scratch.path(), "shop.json", &text);
    let dev = Dev::start(&scratch.path().join("data"), &["-f", file.to_str().unwrap()]);
    let printed = dev.process.printed();
    assert!(printed.contains(&format!("http://127.0.0.1:{port}   any    GET /users/:id")), "{printed}");
    let client = Client::new();

    let answer = client.get(at(port), "shop.example", "/users/7").await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, r#"{"who":{"target":"/v1/7"}}"#));
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(answer.headers["x-krakend"], "Version 2.13");
    assert_eq!(answer.headers["x-krakend-completed"], "true");
    let seen = upstream.seen().pop().unwrap();
    let mut names: Vec<_> = seen.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "host", "user-agent", "x-forwarded-for", "x-forwarded-host"]);
    assert_eq!(seen.headers["user-agent"], "KrakenD Version 2.13");
    assert_eq!(seen.headers["x-forwarded-host"], "shop.example");
    assert_eq!(seen.headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen.headers["host"], upstream.address.to_string());

    let health = client.get(at(port), "a", "/__health").await.unwrap().json();
    assert_eq!((&health["status"], &health["agents"]), (&json!("ok"), &json!({})));
    let debug = client.get(at(port), "a", "/__debug/x").await.unwrap();
    assert_eq!(debug.text(), r#"{"message":"pong"}"#);
    for (method, path, status, body) in [
        (Method::GET, "/nowhere", 404, "404 page not found"),
        (Method::POST, "/users/7", 405, "405 method not allowed"),
    ] {
        let answer = client.request(method, at(port), path, &[], "").await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (status, body), "{path}");
        assert_eq!(answer.headers["content-type"], "text/plain", "{path}");
        assert_eq!(answer.headers["x-krakend-completed"], "false", "{path}");
    }
    let moved = client.get(at(port), "a", "/users/7/").await.unwrap();
    assert_eq!((moved.status.as_u16(), moved.headers["location"].to_str().unwrap()), (301, "/users/7"));
}

#[tokio::test]
async fn a_file_that_changes_on_disk_is_served_as_it_is_then() {
    let scratch = tempfile::tempdir().unwrap();
    let upstream = echo().await;
    let (port, text) = shop(&upstream, "one");
    let file = written(scratch.path(), "shop.json", &text);
    let dev = Dev::start(&scratch.path().join("data"), &["-f", file.to_str().unwrap()]);
    let client = Client::new();
    let group = || async { client.get(at(port), "a", "/users/1").await.unwrap().json() };
    assert_eq!(group().await, json!({"one": {"target": "/v1/1"}}));

    written(scratch.path(), "shop.json", &text.replace("/v1/{id}", "/v1/{nobody}"));
    dev.process.wait_for_line("undefined output param 'nobody'");
    assert_eq!(group().await, json!({"one": {"target": "/v1/1"}}), "what is wrong takes nothing away");

    written(scratch.path(), "shop.json", &text.replace("\"one\"", "\"two\""));
    dev.process.wait_for_line("krakendconfig.backstay.dev/shop configured");
    dev.rest().wait_for(&format!("{}/shop", super::CONFIGS), "Programmed").await;
    assert_eq!(group().await, json!({"two": {"target": "/v1/1"}}));
}
