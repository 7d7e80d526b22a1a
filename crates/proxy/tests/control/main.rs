//! A whole proxy against a control plane on a socket, clients and upstreams on others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod access_log;
mod certificates;
#[path = "../../../../tests/harness/collector.rs"]
#[allow(dead_code, unreachable_pub, reason = "several tests share it, and use a part each")]
mod collector;
mod descriptors;
#[path = "../../../dns-cache/tests/resolver/server.rs"]
mod dns_server;
mod dump;
mod ejections;
mod exposition;
mod health;
mod http_checks;
mod leaving;
mod limits;
mod metrics;
mod names;
mod plane;
mod refusals;
mod reloads;
mod telemetry;
mod traffic;
mod troubled_names;
#[path = "../../../dns-cache/tests/resolver/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use backstay_proto::config::{
    AddressRules, Attachment, Backend, BackendRef, DynamicForward, Endpoint, Forward, Listener, Match, Route, Rule,
    StaticEndpoints, WeightedBackend, backend, endpoint, listener, resource, rule, weighted_backend,
};
use backstay_proxy::{Options, Proxy};
use backstay_xds::server::{Event, Rejection};
use plane::{ControlPlane, free_port};
use traffic::{Upstream, get, get_from, send};

fn options(plane: Option<SocketAddr>) -> Options {
    Options {
        control_plane: plane.map(|address| format!("http://{address}").parse().unwrap()),
        admin: Some("127.0.0.1:0".parse().unwrap()),
        threads: 2,
        fleet: "edge".to_owned(),
        ..Options::default()
    }
}

fn with_state(plane: Option<SocketAddr>, directory: &Path) -> Options {
    Options { state_dir: Some(directory.to_owned()), ..options(plane) }
}

fn listener(port: u16) -> resource::Kind {
    listener_at("127.0.0.1", port)
}

fn listener_at(address: &str, port: u16) -> resource::Kind {
    let protocol = listener::Protocol::Http.into();
    resource::Kind::Listener(Listener {
        address: address.to_owned(),
        port: port.into(),
        protocol,
        ..Listener::default()
    })
}

fn backend(endpoints: Vec<endpoint::Host>) -> resource::Kind {
    let endpoints = endpoints.into_iter().map(|host| Endpoint { host: Some(host), ..Endpoint::default() }).collect();
    resource::Kind::Backend(Backend {
        discovery: Some(backend::Discovery::Static(StaticEndpoints { endpoints, ..StaticEndpoints::default() })),
        ..Backend::default()
    })
}

fn ip(address: &str) -> endpoint::Host {
    endpoint::Host::Ip(address.to_owned())
}

fn route(port: u16) -> resource::Kind {
    let target = weighted_backend::Target::Backend(BackendRef { backend: "backend/web".to_owned(), port: port.into() });
    let backends = vec![WeightedBackend { weight: 1, target: Some(target), filters: vec![] }];
    let action = rule::Action::Forward(Forward { backends, ..Forward::default() });
    let rule = Rule { matches: vec![Match::default()], action: Some(action), ..Rule::default() };
    let attachment = Attachment { listener: "listener/n/g/http".to_owned(), hostnames: vec![] };
    resource::Kind::Route(Route {
        attachments: vec![attachment],
        rules: vec![rule],
        order_key: "1".to_owned(),
        ..Route::default()
    })
}

fn all(listen: u16, host: &str, port: u16) -> Vec<(&'static str, resource::Kind)> {
    vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", backend(vec![ip(host)])),
        ("route/n/web", route(port)),
    ]
}

/// Waits until the proxy has acknowledged this many changes.
async fn acknowledged(plane: &mut ControlPlane, changes: u64) {
    plane
        .event(|event| matches!(event, Event::Synchronized { revision, .. } if *revision >= changes).then_some(()))
        .await;
}

async fn rejected(plane: &mut ControlPlane) -> Vec<Rejection> {
    plane
        .event(
            |event| {
                if let Event::Rejected { rejected, partial: true, .. } = event { Some(rejected.clone()) } else { None }
            },
        )
        .await
}

async fn admin(proxy: &Proxy, path: &str) -> (u16, String) {
    get_from(proxy.admin_address().unwrap(), "localhost", path).await
}

#[tokio::test]
async fn what_the_control_plane_sends_is_served() {
    let (one, two) = Upstream::pair("one", "two").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", one.port()));
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/").await, (200, "one".to_owned()));
    assert_eq!(proxy.listeners(), [SocketAddr::from(([127, 0, 0, 1], listen))]);
    assert_eq!(plane.last_node().cluster, "edge");

    plane.put(vec![("backend/web", backend(vec![ip("127.0.0.2")]))]);
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/").await, (200, "two".to_owned()), "from the acknowledgement on");
    plane.put(vec![("backend/web", backend(vec![endpoint::Host::Fqdn("localhost".to_owned())]))]);
    acknowledged(&mut plane, 3).await;
    assert_eq!(get(listen, "any.example", "/").await, (200, "one".to_owned()), "a name is resolved before it is used");
    assert!(admin(&proxy, "/dns").await.1.contains("\"localhost\""));

    assert_eq!(admin(&proxy, "/ready").await, (200, "ready\n".to_owned()));
    assert!(admin(&proxy, "/backends").await.1.contains("127.0.0.1"));
    let metrics = admin(&proxy, "/metrics").await.1;
    for line in [
        "backstay_backend_requests_total{backend=\"backend/web\",class=\"2xx\"} 3",
        "backstay_control_plane_connected 1",
        "backstay_resources 3",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    plane.remove("route/n/web");
    acknowledged(&mut plane, 4).await;
    assert_eq!(get(listen, "any.example", "/").await.0, 404);
    proxy.shutdown().await;
    drop(two);
}

#[tokio::test]
async fn what_is_refused_is_named_and_the_rest_is_served() {
    let upstream = Upstream::start("127.0.0.1:0", "one").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut resources = all(listen, "127.0.0.1", upstream.port());
    resources.push(("listener/n/g/taken", listener(port)));
    plane.put(resources);
    let refused = rejected(&mut plane).await;
    assert_eq!((&*refused[0].name, &*refused[0].field, refused.len()), ("listener/n/g/taken", "port", 1));
    assert!(refused[0].message.contains(&format!("127.0.0.1:{port} cannot be bound")), "{}", refused[0].message);
    assert_eq!(get(listen, "any.example", "/").await.1, "one");

    plane.put(vec![("backend/web", backend(vec![ip("nowhere")])), ("listener/n/g/http", listener_at("192.0.2.1", 80))]);
    let mut refused = rejected(&mut plane).await;
    refused.sort_by(|a, b| a.name.cmp(&b.name));
    let named: Vec<_> = refused.iter().map(|refused| (&*refused.name, &*refused.field)).collect();
    assert_eq!(named, [("backend/web", "static.endpoints[0].ip"), ("listener/n/g/http", "address")]);
    assert_eq!(get(listen, "any.example", "/").await.1, "one", "the last good versions stay in force");
    plane.put_raw("route/n/web", b"\xff\xff");
    assert_eq!(&*rejected(&mut plane).await[0].name, "route/n/web");
    assert_eq!(get(listen, "any.example", "/").await.1, "one");
    let dump: serde_json::Value = serde_json::from_str(&admin(&proxy, "/config_dump").await.1).unwrap();
    assert_eq!(dump["rejected"].as_array().unwrap().len(), 4, "{dump}");
    proxy.shutdown().await;
}

#[tokio::test]
async fn a_listener_moves() {
    let upstream = Upstream::start("127.0.0.1:0", "one").await;
    let (mut plane, listen, other) = (ControlPlane::start().await, free_port(), free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    for (change, address, port) in
        [(2, "127.0.0.1", other), (3, "0.0.0.0", other), (4, "127.0.0.1", other), (5, "", listen)]
    {
        plane.put(vec![("listener/n/g/http", listener_at(address, port))]);
        let answer = plane.event(|event| match event {
            Event::Synchronized { revision, .. } if *revision == change => Some(None),
            Event::Rejected { message, .. } => Some(Some(message.clone())),
            _ => None,
        });
        assert_eq!(answer.await, None, "{address}");
        assert_eq!(get(port, "any.example", "/").await.1, "one");
        assert_eq!(proxy.listeners().len(), 1);
    }
    plane.remove("listener/n/g/http");
    acknowledged(&mut plane, 6).await;
    assert_eq!(proxy.listeners(), []);
    plane.put(vec![("listener/n/g/http", listener(listen))]);
    acknowledged(&mut plane, 7).await;
    assert_eq!(get(listen, "any.example", "/").await.1, "one");
    proxy.shutdown().await;
}

#[tokio::test]
async fn the_last_good_configuration_is_served_without_a_control_plane() {
    let (one, two) = Upstream::pair("one", "two").await;
    let directory = tempfile::tempdir().unwrap();
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(with_state(Some(plane.address), directory.path())).await.unwrap();
    plane.put(all(listen, "127.0.0.1", one.port()));
    acknowledged(&mut plane, 1).await;
    proxy.shutdown().await;
    plane.stop().await;

    let proxy = Proxy::start(with_state(Some(plane.address), directory.path())).await.unwrap();
    assert_eq!(get(listen, "any.example", "/").await.1, "one", "served from the moment it started");
    assert_eq!(admin(&proxy, "/ready").await.0, 200);
    assert!(!proxy.is_connected());

    plane.put(vec![("backend/web", backend(vec![ip("127.0.0.2")]))]);
    plane.restart().await;
    let sent = plane
        .event(|event| if let Event::Sent { resources, .. } = event { Some(resources.clone()) } else { None })
        .await;
    let sent: Vec<_> = sent.iter().map(|(name, _)| &**name).collect();
    assert_eq!(sent, ["backend/web"], "only what changed meanwhile is sent");
    acknowledged(&mut plane, 2).await;
    assert_eq!(get(listen, "any.example", "/").await.1, "two");
    proxy.shutdown().await;

    let alone = Proxy::start(with_state(None, directory.path())).await.unwrap();
    assert_eq!(get(listen, "any.example", "/").await.1, "two", "what came last was kept");
    alone.shutdown().await;
    drop((one, two));
}

#[tokio::test]
async fn damaged_state_is_left_to_the_control_plane() {
    let upstream = Upstream::start("127.0.0.1:0", "one").await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("configuration"), b"BSTYCFG1 but not really").unwrap();
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(with_state(Some(plane.address), directory.path())).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    assert_eq!(get(listen, "any.example", "/").await.1, "one");
    proxy.shutdown().await;
    let alone = Proxy::start(with_state(None, directory.path())).await.unwrap();
    assert_eq!(get(listen, "any.example", "/").await.1, "one", "the damaged file was replaced");
    alone.shutdown().await;
}

#[tokio::test]
async fn garbage_from_the_control_plane_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Upstream::start("127.0.0.1:0", "one").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(with_state(Some(plane.address), directory.path())).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    proxy.shutdown().await;

    let garbage = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = garbage.local_addr().unwrap();
    let proxy = Proxy::start(with_state(Some(address), directory.path())).await.unwrap();
    for noise in
        [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[0xff; 4096], b"\x00\x00\x00\x04\x00\x00\x00\x00\x00 then nonsense", b""]
    {
        let (mut stream, _) = garbage.accept().await.unwrap();
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, noise).await;
        drop(stream);
        assert_eq!(get(listen, "any.example", "/").await.1, "one");
    }
    assert!(!proxy.is_connected());
    assert_eq!(admin(&proxy, "/ready").await.0, 200);
    proxy.shutdown().await;

    let empty = Proxy::start(options(Some(address))).await.unwrap();
    let (status, reason) = admin(&empty, "/ready").await;
    assert_eq!(status, 503);
    assert!(reason.starts_with("no configuration yet"), "{reason}");
    empty.shutdown().await;
}

#[tokio::test]
async fn a_dynamic_backend_never_dials_the_proxy_itself() {
    let upstream = Upstream::start("127.0.0.1:0", "elsewhere").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    let forward = DynamicForward {
        allowed_names: vec!["127.0.0.1".into(), "0.0.0.0".into(), "localhost".into()],
        // With the default rules nothing here would be dialled at all.
        address_rules: Some(AddressRules { allow: vec!["0.0.0.0/0".into(), "::/0".into()], ..AddressRules::default() }),
        ..DynamicForward::default()
    };
    let dynamic = Backend { discovery: Some(backend::Discovery::DynamicForward(forward)), ..Backend::default() };
    plane.put(vec![
        ("listener/n/g/http", listener(listen)),
        ("backend/web", resource::Kind::Backend(dynamic)),
        ("route/n/web", route(0)),
    ]);
    acknowledged(&mut plane, 1).await;
    let to = |port: u16| format!("127.0.0.1:{port}");
    assert_eq!(get(listen, &to(upstream.port()), "/").await, (200, "elsewhere".to_owned()));
    let own = proxy.admin_address().unwrap().port();
    for host in [to(listen), to(own), format!("0.0.0.0:{listen}"), format!("0.0.0.0:{own}"), format!("localhost:{own}")]
    {
        let (status, body) = get(listen, &host, "/config_dump").await;
        assert!((400..=599).contains(&status) && !body.contains("fleet"), "{host}: {status} {body}");
    }
    assert_eq!(get(listen, "other.example", "/").await.0, 403);
    assert_eq!(get(listen, "127.1:80", "/").await.0, 403, "not even looked up");
    proxy.shutdown().await;
}

#[tokio::test]
async fn a_drain_lets_requests_finish() {
    let (upstream, release) = Upstream::held("127.0.0.1:0", "late").await;
    let (mut plane, listen) = (ControlPlane::start().await, free_port());
    let proxy = Proxy::start(options(Some(plane.address))).await.unwrap();
    plane.put(all(listen, "127.0.0.1", upstream.port()));
    acknowledged(&mut plane, 1).await;
    let request = tokio::spawn(async move { get(listen, "any.example", "/").await });
    upstream.asked().await;

    let address = proxy.admin_address().unwrap();
    let (status, _) = send(address, "POST", "localhost", "/drain").await;
    assert_eq!(status, 202);
    proxy.drain_requested().await;
    let shutdown = tokio::spawn(proxy.shutdown());
    while get_from(address, "localhost", "/ready").await != (503, "draining\n".to_owned()) {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    assert_eq!(request.await.unwrap(), (200, "late".to_owned()));
    tokio::time::timeout(Duration::from_secs(20), shutdown)
        .await
        .expect("does not take the whole drain timeout")
        .unwrap();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", listen)).await.is_err());
}
