//! What attackers and broken peers send gets a bounded refusal, and everything else goes on.

use std::net::SocketAddr;

use http::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{Client, ControlPlane, Proxy, Rest, Upstream, manifest, port};

const HOST: &str = "app.example.com";

/// Writes `bytes` and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(crate::harness::PATIENCE, reading).await.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn send(rest: &Rest, media_type: &str, body: impl Into<bytes::Bytes>) -> (StatusCode, String) {
    let (status, answer) = rest.send(Method::POST, BACKENDS, media_type, body).await;
    (status, answer["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_refuses_what_it_cannot_read_and_goes_on() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    let json = "application/json";
    for (body, status) in [
        (b"{".to_vec(), StatusCode::BAD_REQUEST),
        (b"".to_vec(), StatusCode::BAD_REQUEST),
        (b"null".to_vec(), StatusCode::BAD_REQUEST),
        (b"[1,2]".to_vec(), StatusCode::BAD_REQUEST),
        (
            b"{\"kind\":\"Backend\",\"apiVersion\":\"core.apoxy.dev/v1alpha2\",\"metadata\":{\"name\":\"\xff\"}}"
                .to_vec(),
            StatusCode::BAD_REQUEST,
        ),
        ("[".repeat(100_000).into_bytes(), StatusCode::BAD_REQUEST),
        (vec![b' '; 10 << 20], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let size = body.len();
        let (answered, message) = send(&rest, json, body).await;
        assert_eq!(answered, status, "{size} bytes: {message}");
    }
    let (status, message) = send(&rest, "application/yaml", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{message}");
    let (status, message) = send(&rest, "text/plain", "x").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{message}");

    let wrong = json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": {"name": "Bad_Name"},
        "spec": {"endpoints": "everywhere", "protocol": 7}});
    let (status, message) = send(&rest, json, wrong.to_string()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["spec.endpoints", "spec.protocol"] {
        assert!(message.contains(field), "{message}");
    }
    rest.create(&manifest::backend("fine", &["127.0.0.1"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_outlives_absurd_heads() {
    let control_plane = ControlPlane::start();
    let long = "x".repeat(1 << 20);
    let many: String = (0..10_000).map(|number| format!("h{number}: v\r\n")).collect();
    for head in [
        format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
        "\u{1}\u{2}\r\n\r\n".to_owned(),
    ] {
        let answer = raw(control_plane.api(), head.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    control_plane.rest().create(&manifest::backend("fine", &["127.0.0.1"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_discovery_port_outlives_garbage() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    raw(control_plane.xds(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    raw(control_plane.xds(), &[0xff; 4096]).await;
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    drop(proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_two_servers_could_read_differently_reaches_no_upstream() {
    let control_plane = ControlPlane::start();
    let _proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], upstream.port()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    let before = upstream.seen().len();
    for request in [
        "POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app.example.com\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app.example.com\r\nX: a\rb: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app.example.com\r\nHost: other.example.com\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: +4\r\n\r\nabcd",
    ] {
        let answer = raw(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{request:?} was answered {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request:?}: the connection ends after the refusal");
    }
    assert_eq!(upstream.seen().len(), before, "nothing of it was passed on");

    // Both framings at once: RFC 9112, section 6.3, lets a server go by the chunks if it ends the connection then.
    let both = "POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
                GET /smuggled HTTP/1.1\r\nHost: app.example.com\r\n\r\n";
    let answer = raw(address, both.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    for seen in &upstream.seen()[before..] {
        assert_eq!((seen.uri.path(), seen.body.len()), ("/", 0), "only the first request is passed on");
        assert!(!(seen.headers.contains_key("content-length") && seen.headers.contains_key("transfer-encoding")));
    }
    assert_eq!(Client::new().get(address, HOST, "/").await.unwrap().text(), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_cannot_be_bound_is_told_and_others_serve() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    let upstream = Upstream::answering("hello").await;
    let listen = port::free();
    let rest = control_plane.rest();
    manifest::serve(&rest, listen, HOST, &["127.0.0.1"], upstream.port()).await;
    rest.create(&manifest::gateway("taken", upstream.port())).await;
    let path = format!("{GATEWAYS}/taken");
    let refused = rest
        .wait_until(&path, "to be refused", |object| object["status"]["conditions"].to_string().contains("\"Refused\""))
        .await;
    assert!(refused["status"].to_string().contains("in use"), "{refused}");
    let status = crate::harness::backstay(["status", "--server", &control_plane.server()]);
    let printed = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(printed.contains("listener/default/taken/http"), "{printed}");
    let address = SocketAddr::from(([127, 0, 0, 1], listen));
    assert_eq!(Client::new().get(address, HOST, "/").await.unwrap().text(), "hello");
    drop(proxy);
}
