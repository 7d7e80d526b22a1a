//! Discovery as operators and proxies see it: where a revision is, and control planes that take over from each other.

use std::net::SocketAddr;

use serde_json::Value;

use crate::harness::rest::BACKENDS;
use crate::harness::{Client, ControlPlane, Proxy, Upstream, backstay, manifest, port};

fn status(control_plane: &ControlPlane, more: &[&str]) -> (bool, String, Value) {
    let server = control_plane.server();
    let output = backstay(["status", "--server", &server, "-o", "json"].iter().chain(more));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said, serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn status_waits_until_a_revision_is_everywhere_and_names_who_is_behind() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let (upstream, listen) = (Upstream::answering("hello").await, port::free());
    let proxy = Proxy::start_with(control_plane.xds(), &["--node-id", "the-slow-one"]);
    manifest::serve(&rest, listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let (done, said, seen) = status(&control_plane, &["--wait"]);
    assert!(done, "{said}");
    assert_eq!(seen["fleets"][0]["proxies"][0]["pending"], 0, "{seen}");

    proxy.process.signal("STOP");
    let backend = rest.read(BACKENDS).await["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let patch = serde_json::json!({"spec": {"endpoints": [{"ip": "127.0.0.2"}]}});
    let (_, patched) = rest.patch(&format!("{BACKENDS}/{backend}"), &patch).await;
    let revision = patched["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let (done, said, _) = status(&control_plane, &["--wait", "--revision", &revision, "--timeout", "1s"]);
    assert!(!done && said.contains("proxy the-slow-one of fleet default has acknowledged revision"), "{said}");
    proxy.process.signal("CONT");
    let (done, said, _) = status(&control_plane, &["--wait", "--revision", &revision]);
    assert!(done, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_takes_the_next_control_plane_where_the_first_is_away() {
    let control_plane = ControlPlane::start();
    let (upstream, listen) = (Upstream::answering("hello").await, port::free());
    let away = SocketAddr::from(([127, 0, 0, 1], port::free()));
    let both = format!("http://{away},http://{}", control_plane.xds());
    let _proxy = Proxy::start_with(away, &["--control-plane", &both]);
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    assert_eq!(Client::new().get(address, "app.test", "/").await.unwrap().text(), "hello");
}
