//! A relay: to the control plane a proxy, to proxies the control plane.

use std::net::SocketAddr;

use http::StatusCode;
use serde_json::Value;

use crate::harness::rest::{BACKENDS, GATEWAYS, endpoints};
use crate::harness::traffic::until;
use crate::harness::{Client, ControlPlane, Proxy, Relay, Upstream, backstay, manifest, port};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

const ANY: [SocketAddr; 2] = [SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0); 2];

async fn metrics(client: &Client, address: SocketAddr) -> String {
    client.get(address, &address.to_string(), "/metrics").await.unwrap().text()
}

async fn has(client: &Client, address: SocketAddr, line: &str) -> bool {
    metrics(client, address).await.lines().any(|found| found == line)
}

/// Whether all threads of a process stand still. The signal is sent to the process, and takes effect once one of its threads has run.
fn is_stopped(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap_or_default()).all(|stat| {
        let state = stat.rsplit(')').next().unwrap_or_default();
        state.trim_start().starts_with('T')
    })
}

fn programmed(object: &Value) -> (String, String) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.into_iter().find(|condition| condition["type"] == "Programmed").unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_proxies_behind_a_relay_answer_is_what_the_control_plane_is_told() {
    let control_plane = ControlPlane::start();
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start(control_plane.xds(), scratch.path(), ANY, &["--node-id", "far"]);
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let rest = control_plane.rest();
    let mut proxies: Vec<_> =
        ["one", "two", "three"].map(|name| Proxy::start_with(relay.xds, &["--node-id", name])).into();
    let client = Client::new();
    until("three proxies", async || has(&client, relay.api, "backstay_xds_streams 3").await).await;
    assert!(has(&client, control_plane.api(), "backstay_xds_streams 1").await, "the relay is all that it sees");
    rest.create(&manifest::backend("app", &["127.0.0.1"])).await;
    rest.create(&manifest::gateway("web", listen)).await;
    rest.create(&manifest::route("app", "web", "app.test", "app", upstream.port())).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    let accept = [("accept", "application/openmetrics-text"), ("host", "localhost")];
    let open = client.request(http::Method::GET, relay.api, "/metrics", &accept, "").await.unwrap();
    let kind = open.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    assert!(open.text().ends_with("# EOF\n"), "{}", open.text());
    let status = backstay(["status", "--server", &format!("http://{}", relay.api)]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(["one", "two", "three"].iter().all(|name| status.contains(name)), "{status}");

    // One of them has the port, since they are on one machine; the others refuse it, in their words.
    let web = format!("{GATEWAYS}/web");
    let refused = |object: &Value| programmed(object).0 == "Refused";
    let (_, message) = programmed(&rest.wait_until(&web, "refused", refused).await);
    assert!(message.starts_with("proxy far refused listener/default/web/http: port: proxy "), "{message}");
    assert!(message.contains("cannot be bound"), "{message}");

    // One that does not answer keeps a change from being true, and is named.
    proxies[1].process.signal("STOP");
    until("a proxy that stands still", async || is_stopped(proxies[1].process.id())).await;
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
    let (_, message) = programmed(&rest.wait_until(&format!("{BACKENDS}/app"), "refused", refused).await);
    assert!(message.contains("proxy far refused backend/app: proxy two: no answer within 10s"), "{message}");
    // Once it has answered, that is taken back.
    proxies[1].process.signal("CONT");
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;

    // And so it is when those that refuse something are gone.
    let mut without = Vec::new();
    for (index, proxy) in proxies.iter().enumerate() {
        let dump = client.get(proxy.admin, &proxy.admin.to_string(), "/config_dump").await.unwrap().text();
        if dump.contains("cannot be bound") {
            without.push(index);
        }
    }
    assert_eq!(without.len(), 2);
    without.iter().rev().for_each(|index| proxies[*index].process.kill());
    rest.wait_for(&web, "Programmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_serves_new_proxies_while_its_control_plane_is_away() {
    let mut control_plane = ControlPlane::start();
    let scratch = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(control_plane.xds(), scratch.path(), ANY, &[]);
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let client = Client::new();
    let proxy = Proxy::start(relay.xds);
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    // In order, so that what it was sent last is on disk.
    relay.process.signal("TERM");
    assert!(relay.process.wait().success());
    control_plane.process.kill();
    assert_eq!(client.get(local(listen), "app.test", "/").await.unwrap().text(), "served");

    let relay = Relay::start(control_plane.xds(), scratch.path(), [relay.api, relay.xds], &[]);
    assert_eq!(client.get(relay.api, &relay.api.to_string(), "/readyz").await.unwrap().status, StatusCode::OK);
    until("the proxy that was there", async || has(&client, relay.api, "backstay_xds_streams 1").await).await;
    assert!(has(&client, relay.api, "backstay_xds_resources_sent_total 0").await, "it has all of it");
    drop(proxy);
    let _new = Proxy::start(relay.xds);
    until("a new proxy", async || {
        client.get(local(listen), "app.test", "/").await.is_ok_and(|answer| answer.text() == "served")
    })
    .await;

    // The control plane is back, and sends the relay nothing but what has changed.
    control_plane.restart();
    let moved = Upstream::answering_on(SocketAddr::from(([127, 0, 0, 2], upstream.port())), "moved").await;
    let rest = control_plane.rest();
    rest.wait_for_ready("default").await;
    assert!(has(&client, control_plane.api(), "backstay_xds_resources_sent_total 0").await, "it has all of it");
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    assert_eq!(client.get(local(listen), "app.test", "/").await.unwrap().text(), "moved");
    drop(moved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_moves_between_a_relay_and_its_control_plane_is_sent_nothing() {
    let control_plane = ControlPlane::start();
    let scratch = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(control_plane.xds(), scratch.path(), ANY, &[]);
    let (upstream, listen) = (Upstream::answering("served").await, port::free());
    let both = format!("http://{},http://{}", relay.xds, control_plane.xds());
    let _proxy = Proxy::start_with(relay.xds, &["--control-plane", &both]);
    manifest::serve(&control_plane.rest(), listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let client = Client::new();
    let sent = async || {
        let text = metrics(&client, control_plane.api()).await;
        text.lines().find(|line| line.starts_with("backstay_xds_resources_sent_total ")).unwrap().to_owned()
    };
    let before = sent().await;
    relay.process.kill();
    let rest = control_plane.rest();
    let moved = |fleet: &Value| {
        let replicas = fleet["status"]["replicas"].as_array().cloned().unwrap_or_default();
        replicas.len() == 1 && replicas[0]["name"] != "far" && fleet["status"]["conditions"][0]["status"] == "True"
    };
    rest.wait_until(&format!("{}/default", crate::harness::rest::PROXIES), "a fleet of the proxy", moved).await;
    assert_eq!(sent().await, before);
    assert_eq!(client.get(local(listen), "app.test", "/").await.unwrap().text(), "served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_without_a_configuration_serves_nobody_and_is_not_ready() {
    let scratch = tempfile::tempdir().unwrap();
    let nobody = local(port::free());
    let relay = Relay::start(nobody, scratch.path(), ANY, &[]);
    let client = Client::new();
    let ready = client.get(relay.api, &relay.api.to_string(), "/readyz").await.unwrap();
    assert_eq!(ready.status, StatusCode::INTERNAL_SERVER_ERROR);
    let proxy = Proxy::start(relay.xds);
    let admin = proxy.admin.to_string();
    until("a proxy that says why", async || {
        let answer = client.get(proxy.admin, &admin, "/ready").await.unwrap();
        answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.text().contains("no whole configuration yet")
    })
    .await;
    let objects = client.get(relay.api, &relay.api.to_string(), BACKENDS).await.unwrap();
    assert_eq!(objects.status, StatusCode::NOT_FOUND);
}
