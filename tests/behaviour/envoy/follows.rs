//! Changes reach an Envoy while it serves, and no request fails for them.

use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use super::Envoy;
use crate::harness::rest::{BACKENDS, GATEWAYS, ROUTES, endpoints};
use crate::harness::{Client, ControlPlane, Load, Upstream, manifest, port, traffic};

const HOST: &str = "app.example.com";
const CLIENTS: usize = 8;

fn local(ip: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::from((ip, port))
}

/// Two upstreams with one port and different addresses, which answer with `one` and `two`.
async fn upstreams() -> (Upstream, Upstream) {
    let port = port::free();
    let one = Upstream::answering_on(local([127, 0, 0, 1], port), "one").await;
    let two = Upstream::answering_on(local([127, 0, 0, 2], port), "two").await;
    (one, two)
}

async fn until_answered(address: SocketAddr, host: &str, body: &str) {
    traffic::until(&format!("{host} is answered with {body}"), || async {
        // A new connection, so that whichever thread takes it has to know.
        let answer = Client::new().get(address, host, "/").await;
        answer.is_ok_and(|answer| answer.status == 200 && answer.text() == body)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_backends_routes_and_listeners_fail_no_request() {
    all_changes(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_variant_of_the_protocol_does_the_same() {
    all_changes(&["--sotw"]).await;
}

async fn all_changes(options: &[&str]) {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, options) else { return };
    let (one, two) = upstreams().await;
    let (listen, other) = (port::free(), port::free());
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], one.port()).await;
    envoy.ready().await;
    let address = local([127, 0, 0, 1], listen);
    until_answered(address, HOST, "one").await;

    let mut load = Load::start(CLIENTS, address, HOST, "/");
    for round in 0..6 {
        load.more(100).await;
        let (ip, body) = if round % 2 == 0 { ("127.0.0.2", "two") } else { ("127.0.0.1", "one") };
        rest.change(&format!("{BACKENDS}/app"), &endpoints(&[ip])).await;
        rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
        until_answered(address, HOST, body).await;
    }
    // Another name for the same backend: what is new has to be there before the routes go to it, and what is old until they do not.
    for round in 0..4 {
        load.more(100).await;
        let (old, new, ip, body) = match round % 2 {
            0 => ("app", "renamed", "127.0.0.2", "two"),
            _ => ("renamed", "app", "127.0.0.1", "one"),
        };
        rest.create(&manifest::backend(new, &[ip])).await;
        let to = json!([{"group": "core.apoxy.dev", "kind": "Backend", "name": new, "port": one.port()}]);
        rest.change(&format!("{ROUTES}/app"), &json!({"spec": {"rules": [{"backendRefs": to}]}})).await;
        assert!(rest.delete(&format!("{BACKENDS}/{old}")).await.0.is_success());
        until_answered(address, HOST, body).await;
    }
    for _ in 0..3 {
        load.more(100).await;
        rest.create(&manifest::gateway("extra", other)).await;
        rest.create(&manifest::route("extra", "extra", HOST, "app", one.port())).await;
        rest.wait_for(&format!("{GATEWAYS}/extra"), "Programmed").await;
        until_answered(local([127, 0, 0, 1], other), HOST, "one").await;
        for path in [format!("{GATEWAYS}/extra"), format!("{ROUTES}/extra")] {
            assert!(rest.delete(&path).await.0.is_success());
        }
    }
    load.stop().await.assert_all_ok();
    envoy.assert_content().await;
    drop(two);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_comes_back_changes_nothing_and_is_followed() {
    let mut control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let (one, two) = upstreams().await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], one.port()).await;
    envoy.ready().await;
    let address = local([127, 0, 0, 1], listen);
    until_answered(address, HOST, "one").await;
    let updates = |stats: &std::collections::BTreeMap<String, u64>| stats["listener_manager.lds.update_success"];
    let before = updates(&envoy.stats().await);

    let mut load = Load::start(CLIENTS, address, HOST, "/");
    load.more(100).await;
    control_plane.kill_and_restart();
    let rest = control_plane.rest();
    rest.wait_for_ready("default").await;
    load.more(100).await;
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    until_answered(address, HOST, "two").await;
    load.stop().await.assert_all_ok();
    envoy.assert_content().await;
    // The versions of before are those of after: what Envoy holds is not sent again.
    let stats = envoy.stats().await;
    assert!(updates(&stats) <= before + 1, "{stats:#?}");
    assert_eq!(stats["listener_manager.listener_modified"], 0);
    drop(two);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_envoy_refuses_is_said_of_the_object_and_repaired() {
    let control_plane = ControlPlane::start();
    let Some(envoy) = Envoy::start(&control_plane, &[]) else { return };
    let (one, _two) = upstreams().await;
    let rest = control_plane.rest();
    let listen = port::free();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], one.port()).await;
    envoy.ready().await;
    let address = local([127, 0, 0, 1], listen);
    until_answered(address, HOST, "one").await;
    envoy.assert_content().await;

    let mut load = Load::start(CLIENTS, address, HOST, "/");
    // A port that somebody else has.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    // What comes with it, perhaps in the same answer, is served all the same.
    let beside = port::free();
    rest.create(&manifest::gateway("extra", port)).await;
    rest.create(&manifest::gateway("beside", beside)).await;
    rest.create(&manifest::route("beside", "beside", HOST, "app", one.port())).await;
    rest.wait_for(&format!("{GATEWAYS}/beside"), "Programmed").await;
    until_answered(local([127, 0, 0, 1], beside), HOST, "one").await;
    let refused = |gateway: &Value| {
        let conditions = gateway["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let said = conditions.iter().find(|one| one["type"] == "Programmed" && one["status"] == "False");
        said.is_some_and(|one| one["message"].as_str().unwrap().contains("cannot bind"))
    };
    rest.wait_until(&format!("{GATEWAYS}/extra"), "refused in Envoy's words", refused).await;
    assert!(envoy.refusals().await > 0);
    load.more(100).await;

    drop(taken);
    let free = port::free();
    let listeners = json!([{"name": "http", "protocol": "HTTP", "port": free}]);
    rest.change(&format!("{GATEWAYS}/extra"), &json!({"spec": {"listeners": listeners}})).await;
    rest.create(&manifest::route("extra", "extra", HOST, "app", one.port())).await;
    rest.wait_for(&format!("{GATEWAYS}/extra"), "Programmed").await;
    until_answered(local([127, 0, 0, 1], free), HOST, "one").await;
    load.stop().await.assert_all_ok();
}
