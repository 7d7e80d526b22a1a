//! Many objects, large objects, and clients that take their time.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::rest::BACKENDS;
use crate::harness::{ControlPlane, PATIENCE, Proxy, Upstream, manifest, port};

const OBJECTS: usize = 20_000;
const WRITERS: usize = 64;

fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_backends_are_created_listed_by_page_and_watched() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let begin = rest.read(&format!("{BACKENDS}?limit=1")).await;
    let version = begin["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    // A watch from before the first, of all of them.
    let mut watching = TcpStream::connect(control_plane.api()).await.unwrap();
    let request = format!("GET {BACKENDS}?watch=1&resourceVersion={version} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    watching.write_all(request.as_bytes()).await.unwrap();
    let watched = tokio::spawn(async move {
        let (mut text, mut added) = (Vec::new(), 0);
        let mut buffer = vec![0; 1 << 20];
        while added < OBJECTS {
            let read = watching.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the watch ended after {added}");
            text.extend_from_slice(&buffer[..read]);
            let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let whole = String::from_utf8_lossy(&text[..end]).into_owned();
            added += whole.matches("{\"type\":\"ADDED\"").count();
            text.drain(..end);
        }
        added
    });

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let rest = rest.clone();
        writers.spawn(async move {
            for number in (writer..OBJECTS).step_by(WRITERS) {
                rest.create(&manifest::backend(&format!("b-{number:05}"), &["127.0.0.1"])).await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    println!("control plane with {OBJECTS} Backends: {} MiB", memory(control_plane.process.id()));
    let added = tokio::time::timeout(PATIENCE, watched).await.expect("all of them are told").unwrap();
    assert_eq!(added, OBJECTS);

    // Pages are of one moment, whatever is written meanwhile.
    let (mut names, mut token, mut versions) = (BTreeSet::new(), String::new(), BTreeSet::new());
    loop {
        let page = rest.read(&format!("{BACKENDS}?limit=500&continue={token}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 500);
        for item in items {
            assert!(names.insert(item["metadata"]["name"].as_str().unwrap().to_owned()), "told twice");
        }
        versions.insert(page["metadata"]["resourceVersion"].as_str().unwrap().to_owned());
        rest.create(&manifest::backend(&format!("late-{}", names.len()), &["127.0.0.1"])).await;
        match page["metadata"]["continue"].as_str() {
            Some(next) if !next.is_empty() => next.clone_into(&mut token),
            _ => break,
        }
    }
    assert_eq!(names.len(), OBJECTS, "none that came later");
    assert_eq!(versions.len(), 1, "{versions:?}");
    let all = rest.read(BACKENDS).await;
    assert_eq!(all["items"].as_array().unwrap().len(), OBJECTS + OBJECTS / 500);
    println!("after it was listed: {} MiB", memory(control_plane.process.id()));

    let (status, _) = rest.delete(BACKENDS).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(rest.read(BACKENDS).await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_ten_mebibytes_is_refused_by_its_size() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let mut large = manifest::backend("large", &["127.0.0.1"]);
    large["metadata"]["annotations"] = json!({"pad": "x".repeat(10 << 20)});
    for (method, path) in [(Method::POST, BACKENDS.to_owned()), (Method::PUT, format!("{BACKENDS}/large"))] {
        let (status, refused) = rest.send(method, &path, "application/json", large.to_string()).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{refused}");
        assert_eq!((&refused["kind"], &refused["code"]), (&json!("Status"), &json!(413)), "{refused}");
    }
    rest.create(&manifest::backend("small", &["127.0.0.1"])).await;
    let patch = json!({"metadata": {"annotations": {"pad": "x".repeat(10 << 20)}}});
    assert_eq!(rest.patch(&format!("{BACKENDS}/small"), &patch).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(rest.read(&format!("{BACKENDS}/small")).await["metadata"]["annotations"], Value::Null);
}

/// Clients that begin and do not go on are let go, and the others are served all the while.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_go_on_are_let_go() {
    const EACH: usize = 100;
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, "app.test", &["127.0.0.1"], upstream.port()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    let mut waiting = JoinSet::new();
    for (what, target, begun) in [
        ("listener", address, "GET / HTTP/1.1\r\nHost: app.test\r\nX-Slow: "),
        ("listener", address, "PRI * HTTP/2.0\r\n"),
        ("listener", address, ""),
        ("API", control_plane.api(), "GET /version HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
        ("API", control_plane.api(), "PRI * HTTP/2.0\r\n"),
        ("API", control_plane.api(), ""),
        ("discovery", control_plane.xds(), "PRI * HTTP/2.0\r\n"),
        ("discovery", control_plane.xds(), ""),
        ("admin", proxy.admin, "GET /ready HTTP/1.1\r\nHost: "),
        ("admin", proxy.admin, ""),
    ] {
        for _ in 0..EACH {
            let mut stream = TcpStream::connect(target).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            waiting.spawn(async move {
                let mut told = Vec::new();
                let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut told)).await;
                assert!(closed.is_ok(), "the {what} keeps a connection that began with {begun:?}");
            });
        }
    }
    let client = crate::harness::Client::new();
    while !waiting.is_empty() {
        assert_eq!(client.get(address, "app.test", "/").await.unwrap().text(), "hello");
        assert_eq!(rest.get("/version").await.0, StatusCode::OK);
        while let Some(done) = waiting.try_join_next() {
            done.unwrap();
        }
    }
}
