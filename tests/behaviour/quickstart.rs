//! What a newcomer does first.

use std::net::SocketAddr;

use http::StatusCode;

use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{Client, ControlPlane, Dev, Proxy, Upstream, manifest, port};

/// Held by tests that use the addresses that Backstay has when nobody says otherwise.
pub static USUAL_PORTS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_serve_what_is_applied() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, "hello.example.com", &["127.0.0.1"], upstream.port()).await;
    let client = Client::new();
    let answer = client.get(local(listen), "hello.example.com", "/greet?x=1").await.unwrap();
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "hello".to_owned()));
    assert_eq!(upstream.seen()[0].uri.to_string(), "/greet?x=1");
    let other = client.get(local(listen), "other.example.com", "/").await.unwrap();
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_serves_manifests_and_follows_their_changes() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (Upstream::answering("one").await, Upstream::answering("two").await);
    let listen = port::free();
    let file = directory.path().join("app.yaml");
    let manifests = |port: u16, more: &[serde_json::Value]| {
        let mut objects = vec![
            manifest::backend("app", &["127.0.0.1"]),
            manifest::gateway("web", listen),
            manifest::route("app", "web", "app.example.com", "app", port),
        ];
        objects.extend_from_slice(more);
        let documents: Vec<_> = objects.iter().map(ToString::to_string).collect();
        std::fs::write(&file, documents.join("\n---\n")).unwrap();
    };
    manifests(one.port(), &[manifest::backend("spare", &["127.0.0.1"])]);
    let dev = Dev::start(&directory.path().join("data"), &["-f", file.to_str().unwrap()]);
    let client = Client::new();
    let get = || async { client.get(local(listen), "app.example.com", "/").await.unwrap().text() };
    assert_eq!(get().await, "one");

    // The route now leads elsewhere, and an object is gone from the file.
    manifests(two.port(), &[]);
    dev.process.wait_for_line("httproute.gateway.networking.k8s.io/app configured");
    dev.process.wait_for_line("backend.core.apoxy.dev/spare deleted");
    let rest = dev.rest();
    assert_eq!(rest.get(&format!("{BACKENDS}/spare")).await.0, StatusCode::NOT_FOUND);
    dev.process.wait_for_line(&format!("app:{}", two.port()));
    crate::harness::traffic::until("the new route", || async { get().await == "two" }).await;

    // What cannot be read is reported, and what was there stays.
    std::fs::write(&file, "kind: [\n").unwrap();
    dev.process.wait_for_line("app.yaml:1: not valid YAML");
    assert_eq!(get().await, "two");
    assert_eq!(rest.read(&format!("{GATEWAYS}/web")).await["metadata"]["name"], "web");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_remembers_what_an_earlier_run_applied() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    let file = directory.path().join("app.yaml");
    let write = |name: &str| {
        let objects = [
            manifest::backend("app", &["127.0.0.1"]),
            manifest::gateway(name, listen),
            manifest::route(name, name, "app.example.com", "app", upstream.port()),
        ];
        std::fs::write(&file, objects.map(|object| object.to_string()).join("\n---\n")).unwrap();
    };
    let run = |more: &[&str]| {
        let mut dev = Dev::start(&data, &[&["-f", file.to_str().unwrap()][..], more].concat());
        let client = Client::new();
        async move {
            let answer = client.get(local(listen), "app.example.com", "/").await.unwrap();
            assert_eq!(answer.text(), "hello");
            dev.process.signal("INT");
            dev.process.wait();
            dev.process.printed()
        }
    };
    write("first");
    let printed = run(&[]).await;
    assert!(printed.contains("curl -H 'Host: app.example.com' http://127.0.0.1:"), "{printed}");
    // The Gateway of before has the port: it is named, and the new one is not listed as served.
    write("second");
    let printed = run(&[]).await;
    assert!(printed.contains("  gateway.gateway.networking.k8s.io/first\n"), "{printed}");
    assert!(printed.contains("It stays as it is; with --earlier drop it is deleted."), "{printed}");
    assert!(printed.contains("Not served as it is written"), "{printed}");
    let printed = run(&["--earlier", "drop"]).await;
    assert!(printed.contains("gateway.gateway.networking.k8s.io/first deleted"), "{printed}");
    assert!(!printed.contains("Not served"), "{printed}");
    let printed = run(&[]).await;
    assert!(!printed.contains("An earlier run"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_ends_in_order_when_it_is_asked_to() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backend.yaml");
    std::fs::write(&file, manifest::backend("app", &["127.0.0.1"]).to_string()).unwrap();
    let mut dev = Dev::start(&directory.path().join("data"), &["-f", file.to_str().unwrap()]);
    dev.process.signal("INT");
    assert_eq!(dev.process.wait().code(), Some(0), "{}", dev.process.printed());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_processes_end_in_order_when_they_are_asked_to() {
    let mut control_plane = ControlPlane::start();
    let mut proxy = Proxy::start(control_plane.xds());
    proxy.process.signal("TERM");
    assert_eq!(proxy.process.wait().code(), Some(0), "{}", proxy.process.printed());
    control_plane.process.signal("TERM");
    assert_eq!(control_plane.process.wait().code(), Some(0), "{}", control_plane.process.printed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_answers_on_port_8080() {
    let _ports = USUAL_PORTS.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(directory.path(), &[]);
    let answer = Client::new().get(local(8080), "localhost", "/some/path").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let seen = answer.json();
    assert_eq!(seen["hello"], "from the demo backend");
    assert_eq!(seen["path"], "/some/path");
    assert!(seen["headers"]["x-forwarded-for"].is_string(), "{seen:#}");
    let printed = dev.process.printed();
    assert!(printed.contains("curl http://127.0.0.1:8080/"), "{printed}");
}
