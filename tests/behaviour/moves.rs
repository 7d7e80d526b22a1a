//! Proxies that go from one control plane to another, and clients that go from one proxy to another: nobody loses anything.

use std::ffi::OsStr;
use std::net::SocketAddr;

use http::StatusCode;
use serde_json::Value;

use crate::harness::load::Load;
use crate::harness::rest::PROXIES;
use crate::harness::traffic::until;
use crate::harness::{Client, ControlPlane, Proxy, Upstream, backstay, manifest, port};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A metric without labels, as it is now.
async fn metric(client: &Client, address: SocketAddr, name: &str) -> f64 {
    let text = client.get(address, &address.to_string(), "/metrics").await.unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("there is no {name} in {text}")).parse().unwrap()
}

fn replica(fleet: &Value) -> (String, String) {
    let replica = &fleet["status"]["replicas"][0];
    (replica["name"].as_str().unwrap_or_default().to_owned(), replica["connectedAt"].to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_whose_control_plane_dies_takes_another_and_is_sent_nothing() {
    let mut first = ControlPlane::start();
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let second_xds = local(port::free());
    let both = format!("http://{},http://{second_xds}", first.xds());
    let proxy = Proxy::start_with(first.xds(), &["--control-plane", &both]);
    manifest::serve(&first.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    // The same objects in another store; which of two routes is older is a part of what is compiled.
    let files = tempfile::tempdir().unwrap();
    let (backup, data) = (files.path().join("backup.yaml"), files.path().join("data"));
    std::fs::write(&backup, backstay(["export", "--server", &first.server()]).stdout).unwrap();
    let imported = [OsStr::new("import"), "-f".as_ref(), backup.as_ref(), "--data-dir".as_ref(), data.as_ref()];
    assert!(backstay(imported).status.success());
    let second = ControlPlane::start_in_with(&data, &["--xds", &second_xds.to_string()]);
    let rest = second.rest();
    let client = Client::new();
    let mut load = Load::start(2, local(listen), "app.test", "/");
    load.more(50).await;
    first.process.kill();
    rest.wait_for_ready("default").await;
    rest.wait_for(&format!("{}/app", crate::harness::rest::BACKENDS), "Programmed").await;
    load.more(50).await;
    load.stop().await.assert_all_ok();
    assert_eq!(metric(&client, second.api(), "backstay_xds_resources_sent_total").await, 0.0);
    assert_eq!(metric(&client, proxy.admin, "backstay_control_plane_connected").await, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_too_old_is_replaced_before_it_ends() {
    let control_plane = ControlPlane::start_with(&["--limit", "max-stream-age=1s"]);
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let proxy = Proxy::start(control_plane.xds());
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let client = Client::new();
    let before = replica(&rest.wait_for_ready("default").await);
    let sent = metric(&client, control_plane.api(), "backstay_xds_resources_sent_total").await;
    // The subscription and the reports of health have a connection each.
    until("the connections that are too old", async || {
        metric(&client, control_plane.api(), "backstay_xds_connections_retired_total").await >= 6.0
    })
    .await;
    assert_eq!(metric(&client, control_plane.api(), "backstay_xds_resources_sent_total").await, sent);
    assert_eq!(metric(&client, proxy.admin, "backstay_control_plane_disconnects_total").await, 0.0);
    let fleet = rest.read(&format!("{PROXIES}/default")).await;
    assert_eq!(replica(&fleet), before, "to whoever looks, it has been there all the time");
    let events = rest.read("/api/v1/events").await.to_string();
    assert!(events.contains("ProxyConnected") && !events.contains("ProxyLost"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_told_to_end_serves_until_others_have_noticed() {
    let control_plane = ControlPlane::start();
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let mut proxy = Proxy::start_with(control_plane.xds(), &["--drain-delay", "1h"]);
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let (client, multiplexed) = (Client::new(), Client::http2());
    let address = local(listen);
    let rest = control_plane.rest();
    let mut any = manifest::route("any", "web", "any.test", "app", upstream.port());
    any["spec"].as_object_mut().unwrap().remove("hostnames");
    rest.create(&any).await;
    let host = address.to_string();
    until("a route for HTTP/2", async || multiplexed.get(address, &host, "/").await.unwrap().text() == "served").await;
    let mut load = Load::start(4, address, "app.test", "/");
    load.more(100).await;
    proxy.process.signal("TERM");
    let admin = proxy.admin.to_string();
    until("a proxy that is not ready", async || {
        client.get(proxy.admin, &admin, "/ready").await.unwrap().status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    load.more(200).await;
    let answer = Client::new().get(address, "app.test", "/").await.unwrap();
    assert_eq!((answer.text().as_str(), answer.headers["connection"].to_str().unwrap()), ("served", "close"));
    for _ in 0..20 {
        assert_eq!(multiplexed.get(address, &host, "/").await.unwrap().text(), "served");
    }
    load.stop().await.assert_all_ok();
    // It still follows its control plane.
    let changed = Upstream::answering("changed").await;
    rest.create(&manifest::route("other", "web", "other.test", "app", changed.port())).await;
    until("what has changed meanwhile", async || {
        client.get(address, "other.test", "/").await.is_ok_and(|answer| answer.text() == "changed")
    })
    .await;
    proxy.process.signal("TERM");
    assert!(!proxy.process.wait().success(), "a second signal ends it at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_withdrawn_and_given_back_without_a_failed_request() {
    let control_plane = ControlPlane::start();
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let proxy = Proxy::start(control_plane.xds());
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let client = Client::new();
    let mut load = Load::start(2, local(listen), "app.test", "/");
    for (path, ready) in [("/unready", 0.0), ("/ready", 1.0)] {
        let request = http::Request::post(format!("http://{}{path}", proxy.admin)).body(Default::default()).unwrap();
        assert_eq!(client.send(request).await.unwrap().status, StatusCode::OK);
        assert_eq!(metric(&client, proxy.admin, "backstay_ready").await, ready);
        load.more(100).await;
    }
    load.stop().await.assert_all_ok();
}
