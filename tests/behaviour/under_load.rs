//! Traffic goes on, without a failed request, while what serves and programs it changes, dies and comes back.

use std::net::SocketAddr;

use crate::harness::rest::{BACKENDS, GATEWAYS, endpoints};
use crate::harness::{Client, ControlPlane, Load, Proxy, Upstream, manifest, port};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_backend_is_served_and_no_request_fails() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let (one, two) = upstreams().await;
    let listen = port::free();
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], one.port()).await;
    let address = local([127, 0, 0, 1], listen);

    let mut load = Load::start(CLIENTS, address, HOST, "/");
    for round in 0..10 {
        load.more(200).await;
        let ip = if round % 2 == 0 { "127.0.0.2" } else { "127.0.0.1" };
        rest.change(&format!("{BACKENDS}/app"), &endpoints(&[ip])).await;
        rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
        // `Programmed` is a promise: the very next request goes to the new endpoint.
        let answer = Client::new().get(address, HOST, "/").await.unwrap();
        assert_eq!(answer.text(), if round % 2 == 0 { "two" } else { "one" });
    }
    let tally = load.stop().await;
    tally.assert_all_ok();
    assert!(tally.with_body("one") > 0 && tally.with_body("two") > 0, "{tally:?}");
    drop(two);
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_and_routes_come_and_go_beside_traffic() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let (one, _two) = upstreams().await;
    let (listen, other) = (port::free(), port::free());
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], one.port()).await;

    let mut load = Load::start(CLIENTS, local([127, 0, 0, 1], listen), HOST, "/");
    for round in 0..5 {
        load.more(100).await;
        rest.create(&manifest::gateway("extra", other)).await;
        rest.create(&manifest::route("extra", "extra", HOST, "app", one.port())).await;
        rest.wait_for(&format!("{GATEWAYS}/extra"), "Programmed").await;
        crate::harness::traffic::until(&format!("the extra route, round {round}"), || async {
            let answer = Client::new().get(local([127, 0, 0, 1], other), HOST, "/").await;
            answer.is_ok_and(|answer| answer.text() == "one")
        })
        .await;
        for path in [format!("{GATEWAYS}/extra"), GATEWAYS.replace("gateways", "httproutes/extra")] {
            assert!(rest.delete(&path).await.0.is_success());
        }
    }
    load.stop().await.assert_all_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_dies_and_comes_back_and_nobody_notices() {
    let mut control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let (one, _two) = upstreams().await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], one.port()).await;
    let address = local([127, 0, 0, 1], listen);

    let mut load = Load::start(CLIENTS, address, HOST, "/");
    for round in 0..3 {
        load.more(200).await;
        control_plane.kill_and_restart();
        let rest = control_plane.rest();
        let ip = if round % 2 == 0 { "127.0.0.2" } else { "127.0.0.1" };
        rest.change(&format!("{BACKENDS}/app"), &endpoints(&[ip])).await;
        rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
        let answer = Client::new().get(address, HOST, "/").await.unwrap();
        assert_eq!(answer.text(), if round % 2 == 0 { "two" } else { "one" });
    }
    load.stop().await.assert_all_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_restarts_and_serves_without_a_control_plane() {
    let mut control_plane = ControlPlane::start();
    let state = tempfile::tempdir().unwrap();
    let arguments = ["--state-dir", state.path().to_str().unwrap()];
    let mut proxy = Proxy::start_with(control_plane.xds(), &arguments);
    let (one, two) = upstreams().await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], one.port()).await;

    // An orderly end writes what is in force; the control plane is gone before the proxy is back.
    proxy.process.signal("TERM");
    assert!(proxy.process.wait().success());
    control_plane.process.kill();
    let proxy = Proxy::start_with(control_plane.xds(), &arguments);
    let address = local([127, 0, 0, 1], listen);
    let answer = Client::new().get(address, HOST, "/").await.unwrap();
    assert_eq!(answer.text(), "one");

    control_plane.restart();
    let rest = control_plane.rest();
    rest.change(&format!("{BACKENDS}/app"), &endpoints(&["127.0.0.2"])).await;
    rest.wait_for(&format!("{BACKENDS}/app"), "Programmed").await;
    assert_eq!(Client::new().get(address, HOST, "/").await.unwrap().text(), "two");
    drop((proxy, two));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_proxy_answers_what_it_has_begun() {
    let control_plane = ControlPlane::start();
    let mut proxy = Proxy::start(control_plane.xds());
    let (started, release) =
        (std::sync::Arc::new(tokio::sync::Notify::new()), std::sync::Arc::new(tokio::sync::Notify::new()));
    let (begun, gate) = (started.clone(), release.clone());
    let upstream = Upstream::start(local([127, 0, 0, 1], 0), move |_| {
        let (begun, gate) = (begun.clone(), gate.clone());
        async move {
            begun.notify_one();
            gate.notified().await;
            http::Response::new(bytes::Bytes::from("late"))
        }
    })
    .await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;

    let request = tokio::spawn(async move { Client::new().get(local([127, 0, 0, 1], listen), HOST, "/").await });
    started.notified().await;
    proxy.process.signal("TERM");
    crate::harness::traffic::until("the listener to close", || async {
        tokio::net::TcpStream::connect(local([127, 0, 0, 1], listen)).await.is_err()
    })
    .await;
    release.notify_one();
    assert_eq!(request.await.unwrap().unwrap().text(), "late");
    assert!(proxy.process.wait().success());
}
