//! Each virtual host is sent by itself: a route that changes does not bring its neighbours again.

use std::net::SocketAddr;

use serde_json::json;

use super::Envoy;
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES};
use crate::harness::{Client, ControlPlane, Load, Upstream, backstay, manifest, port, traffic};

const HOSTS: usize = 40;

fn host(number: usize) -> String {
    format!("host-{number}.example.com")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn until_answered(address: SocketAddr, host: &str, (status, body): (u16, &str)) {
    traffic::until(&format!("{host} is answered with {status} {body}"), async || {
        let answer = Client::new().get(address, host, "/").await;
        answer.is_ok_and(|answer| answer.status == status && (body.is_empty() || answer.text() == body))
    })
    .await;
}

/// Resources that the control plane has sent since it started.
async fn sent(control_plane: &ControlPlane) -> u64 {
    let api = control_plane.api();
    let text = Client::new().get(api, &api.to_string(), "/metrics").await.unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix("backstay_xds_resources_sent_total "));
    line.unwrap().parse().unwrap()
}

/// A counter of an Envoy, of all sets of routes.
async fn count(envoy: &Envoy, of: &str, counter: &str) -> u64 {
    let stats = envoy.stats().await;
    stats.iter().filter(|(name, _)| name.contains(of) && name.ends_with(counter)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_changes_brings_its_own_host_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let mut control_plane = ControlPlane::start_in_with(&data, &[]);
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let (one, two) = (Upstream::answering("one").await, Upstream::answering("two").await);
    let (listen, other) = (port::free(), port::free());
    let rest = control_plane.rest();
    rest.create(&manifest::gateway("web", listen)).await;
    for (name, port) in [("one", one.port()), ("two", two.port())] {
        rest.create(&manifest::backend(name, &["127.0.0.1"])).await;
        rest.create(&manifest::route(name, "web", &format!("{name}.example.com"), name, port)).await;
    }
    for number in 0..HOSTS {
        rest.create(&manifest::route(&format!("host-{number}"), "web", &host(number), "one", one.port())).await;
    }
    let last = format!("{ROUTES}/host-{}", HOSTS - 1);
    rest.wait_for(&last, "Programmed").await;
    envoy.ready().await;
    let address = local(listen);
    let answer = Client::new().get(address, &host(HOSTS - 1), "/").await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "one"), "what is programmed is served");

    let mut load = Load::start(4, address, &host(0), "/");
    load.more(50).await;
    let before = sent(&control_plane).await;
    let tables = count(&envoy, ".rds.routes/", "update_success").await;
    let to = json!([{"group": "core.apoxy.dev", "kind": "Backend", "name": "two", "port": two.port()}]);
    rest.change(&format!("{ROUTES}/host-7"), &json!({"spec": {"rules": [{"backendRefs": to}]}})).await;
    rest.wait_for(&format!("{ROUTES}/host-7"), "Programmed").await;
    until_answered(address, &host(7), (200, "two")).await;
    assert_eq!(sent(&control_plane).await, before + 1);
    assert!(count(&envoy, ".rds.vhds.", "update_success").await > 2, "{:#?}", envoy.stats().await);
    assert!(rest.delete(&format!("{ROUTES}/host-8")).await.0.is_success());
    until_answered(address, &host(8), (404, "")).await;
    assert_eq!(sent(&control_plane).await, before + 1, "that it is gone is a name");
    assert_eq!(count(&envoy, ".rds.routes/", "update_success").await, tables, "the table was not sent");

    // Another set of routes, of which Envoy does not know when it asks for virtual hosts first.
    rest.create(&manifest::gateway("extra", other)).await;
    rest.create(&manifest::route("extra", "extra", &host(7), "one", one.port())).await;
    rest.wait_for(&format!("{GATEWAYS}/extra"), "Programmed").await;
    until_answered(local(other), &host(7), (200, "one")).await;

    // What is gone by the time that an Envoy comes back is gone for it.
    let backup = scratch.path().join("backup.yaml");
    let exported = String::from_utf8(backstay(["export", "--server", &control_plane.server()]).stdout).unwrap();
    let kept: Vec<_> = exported.split("---\n").filter(|object| !object.contains("name: host-9\n")).collect();
    std::fs::write(&backup, kept.join("---\n")).unwrap();
    control_plane.process.kill();
    let (backup, data) = (backup.to_str().unwrap(), data.to_str().unwrap());
    let imported = backstay(["import", "--replace", "-f", backup, "--data-dir", data]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    load.more(50).await;
    control_plane.restart();
    control_plane.rest().wait_for_ready("default").await;
    until_answered(address, &host(9), (404, "")).await;
    until_answered(address, &host(10), (200, "one")).await;
    rest.wait_for(&format!("{BACKENDS}/one"), "Programmed").await;
    // Envoy says of a resource that has changed that it has the first of its versions (1.40).
    assert!(sent(&control_plane).await <= 2, "{}", sent(&control_plane).await);
    load.stop().await.assert_all_ok();
    envoy.assert_content().await;
}
