//! No web page reaches what authenticates nobody: the API, gRPC admin, discovery, and the proxy's admin endpoint, over every
//! protocol that they speak, and in `dev` as well. What a browser would send is sent here by hand; `browser` has a real one.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::harness::rest::BACKENDS;
use crate::harness::{ControlPlane, Dev, PATIENCE, Proxy, backstay};
use crate::hostile::raw;

const GET_STATUS: &str = "/backstay.admin.v1.AdminService/GetStatus";
const DELTA: &str = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const SECRETS: &str = "/api/v1/secrets";
const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// To whom a request is addressed, further header lines, and the status of the answer.
type Case<H, L> = (H, L, u16);
type Lines = Vec<(&'static str, String)>;

/// To whom a request is addressed, what else a browser says, and the status of the answer. `PORT` is that of the server.
const CASES: &[Case<&str, &[(&str, &str)]>] = &[
    ("127.0.0.1:PORT", &[], 200),
    ("LocalHost.:PORT", &[], 200),
    ("localhost", &[], 200),
    ("[::1]:PORT", &[], 200),
    ("[::ffff:127.0.0.1]:PORT", &[], 200),
    ("10.1.2.3", &[], 200),
    ("127.0.0.1:PORT", &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:PORT")], 200),
    ("127.0.0.1:PORT", &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], 200),
    // Names, and what is one to somebody.
    ("evil.example", &[], 403),
    ("evil.example:PORT", &[], 403),
    ("127.0.0.1.evil.example:PORT", &[], 403),
    ("evil.localhost:PORT", &[], 403),
    ("2130706433:PORT", &[], 403),
    ("0x7f000001:PORT", &[], 403),
    ("127.1:PORT", &[], 403),
    // At home, as the browser sees it: its name means this machine.
    ("evil.example:PORT", &[("origin", "http://evil.example:PORT"), ("sec-fetch-site", "same-origin")], 403),
    ("127.0.0.1:PORT", &[("origin", "http://evil.example")], 403),
    ("127.0.0.1:PORT", &[("origin", "http://evil.example:PORT")], 403),
    ("127.0.0.1:PORT", &[("origin", "http://127.0.0.1:3000")], 403),
    ("127.0.0.1:PORT", &[("origin", "http://localhost:PORT")], 403),
    ("127.0.0.1:PORT", &[("origin", "null")], 403),
    ("127.0.0.1:PORT", &[("sec-fetch-site", "cross-site")], 403),
    ("localhost:PORT", &[("sec-fetch-site", "same-site")], 403),
];

/// The cases for a server on this port.
fn cases(port: u16) -> Vec<Case<String, Lines>> {
    let at = |text: &str| text.replace("PORT", &port.to_string());
    let lines = |lines: &[(&'static str, &str)]| lines.iter().map(|(name, value)| (*name, at(value))).collect();
    CASES.iter().map(|(host, more, status)| (at(host), lines(more), *status)).collect()
}

/// Sends a head over HTTP/1.1 with these lines, and `body`; the status and all that follows the head.
async fn http1(address: SocketAddr, line: &str, lines: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = format!("{line} HTTP/1.1\r\n");
    for (name, value) in lines {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str(&format!("connection: close\r\n\r\n{body}"));
    status_of(&raw(address, request.as_bytes()).await)
}

fn status_of(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.unwrap_or_else(|| panic!("no answer: {answer:?}")), body.unwrap_or_default())
}

/// What is answered over HTTP/2.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// The status of gRPC and its message, wherever they stand.
    grpc: Option<(String, String)>,
    body: String,
}

/// Sends a request over HTTP/2 whose `:authority` is `authority`, none if it is empty, and then `body`.
async fn http2(address: SocketAddr, request: Request<()>, body: &'static [u8]) -> Answer {
    let exchange = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let (answer, mut upload) = client.ready().await.unwrap().send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            // Who refuses may end the stream before it has read anything.
            let _ = upload.send_data(Bytes::from_static(body), true);
        }
        let (head, mut incoming) = answer.await.unwrap().into_parts();
        let mut text = Vec::new();
        while let Some(data) = incoming.data().await {
            let data = data.unwrap();
            incoming.flow_control().release_capacity(data.len()).unwrap();
            text.extend_from_slice(&data);
        }
        let trailers = incoming.trailers().await.unwrap();
        connection.abort();
        let grpc = grpc(&head.headers).or_else(|| trailers.as_ref().and_then(grpc));
        Answer { status: head.status.as_u16(), grpc, body: String::from_utf8_lossy(&text).into_owned() }
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer")
}

fn grpc(headers: &HeaderMap) -> Option<(String, String)> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    Some((text("grpc-status")?, text("grpc-message").unwrap_or_default()))
}

fn request(method: &str, authority: &str, path: &str, lines: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(format!("http://{authority}{path}"));
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn borrowed<'a>(lines: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    lines.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn is_status(body: &str, code: u16, reason: &str) -> bool {
    let status: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    status["kind"] == "Status" && status["code"] == code && status["reason"] == reason
}

/// Every case over HTTP/1.1 and HTTP/2 against an API.
async fn keeps_its_api(api: SocketAddr) {
    for (host, lines, status) in cases(api.port()) {
        for path in [SECRETS, BACKENDS, "/metrics", "/healthz", "/readyz", "/api", "/openapi/v2", "/nowhere"] {
            let expected = if status == 200 && path == "/nowhere" { 404 } else { status };
            let lines = borrowed(&lines);
            let over_1 =
                http1(api, &format!("GET {path}"), &[&[("host", host.as_str())], &lines[..]].concat(), "").await;
            let over_2 = http2(api, request("GET", &host, path, &lines), b"").await;
            assert_eq!((over_1.0, over_2.status), (expected, expected), "{host} {lines:?} {path}: {}", over_1.1);
            if status == 403 {
                assert!(is_status(&over_1.1, 403, "Forbidden"), "{}", over_1.1);
                assert!(is_status(&over_2.body, 403, "Forbidden"), "{}", over_2.body);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_the_api() {
    let control_plane = ControlPlane::start();
    keeps_its_api(control_plane.api()).await;
    let (status, metrics) = http1(control_plane.api(), "GET /metrics", &[("host", "localhost")], "").await;
    let refused = metrics.lines().find_map(|line| line.strip_prefix("backstay_api_requests_refused_total "));
    assert!(status == 200 && refused.unwrap().parse::<u64>().unwrap() > 100, "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_or_drains_dev() {
    let scratch = tempfile::tempdir().unwrap();
    let manifests = scratch.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    let dev = Dev::start(&scratch.path().join("data"), &["-f", manifests.to_str().unwrap()]);
    keeps_its_api(dev.api).await;
    keeps_its_admin_endpoint(dev.admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_writes_to_the_api() {
    let control_plane = ControlPlane::start();
    let (api, rest) = (control_plane.api(), control_plane.rest());
    let object = |name: &str| {
        format!(
            r#"{{"apiVersion":"core.apoxy.dev/v1alpha2","kind":"Backend","metadata":{{"name":"{name}"}},"spec":{{"endpoints":[{{"ip":"192.0.2.1"}}]}}}}"#
        )
    };
    let own = format!("127.0.0.1:{}", api.port());
    let post = format!("POST {BACKENDS}");
    let (status, said) =
        http1(api, &post, &[("host", &own), ("content-type", "application/json")], &object("kept")).await;
    assert_eq!(status, 201, "{said}");
    let (status, said) = http1(api, &post, &[("host", &own)], &object("untyped")).await;
    assert_eq!(status, 201, "no browser says so, and clients may leave it out: {said}");
    let stored = async || {
        let (_, list) = rest.get(BACKENDS).await;
        let objects = list["items"].as_array().unwrap().iter();
        // Statuses are written meanwhile.
        objects
            .map(|object| json!([object["metadata"]["name"], object["metadata"]["uid"], object["spec"]]))
            .collect::<Vec<_>>()
    };
    let before = stored().await;

    for (host, lines, status) in cases(api.port()).into_iter().filter(|case| case.2 == 403) {
        for media_type in
            [None, Some("application/json"), Some("text/plain"), Some("application/x-www-form-urlencoded")]
        {
            let mut lines = [&[("host", host.as_str())], &borrowed(&lines)[..]].concat();
            lines.extend(media_type.map(|media_type| ("content-type", media_type)));
            let (answered, said) = http1(api, &post, &lines, &object("by-page")).await;
            assert_eq!(answered, status, "{lines:?}: {said}");
        }
        for path in [&format!("{BACKENDS}/kept"), BACKENDS] {
            let lines = [&[("host", host.as_str())], &borrowed(&lines)[..]].concat();
            assert_eq!(http1(api, &format!("DELETE {path}"), &lines, "").await.0, status, "{lines:?}");
            assert_eq!(http1(api, &format!("OPTIONS {path}"), &lines, "").await.0, status, "{lines:?}");
        }
    }
    // A page of the API's own host and port has to say what it sends.
    let origin = format!("http://{own}");
    for mark in [("origin", origin.as_str()), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "no-cors")] {
        for untyped in [&[][..], &[("content-type", "")], &[("content-type", ";")]] {
            let lines = [&[("host", own.as_str()), mark], untyped].concat();
            let (status, said) = http1(api, &post, &lines, &object("by-page")).await;
            assert!(status == 415 && is_status(&said, 415, "UnsupportedMediaType"), "{lines:?}: {said}");
            let chunked = format!(
                "{post} HTTP/1.1\r\nhost: {own}\r\n{}: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
                mark.0, mark.1
            );
            assert_eq!(status_of(&raw(api, chunked.as_bytes()).await).0, 415, "{mark:?}");
            let over_2 = http2(api, request("POST", &own, BACKENDS, &lines[1..]), b"{}").await;
            assert_eq!(over_2.status, 415, "{lines:?}: {}", over_2.body);
        }
    }
    assert_eq!(stored().await, before, "the store is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_addressed_once() {
    let control_plane = ControlPlane::start();
    let proxy = Proxy::start(control_plane.xds());
    for (address, path) in [(control_plane.api(), "/metrics"), (proxy.admin, "/metrics")] {
        let port = address.port();
        for (head, status) in [
            (format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n"), 400),
            (format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n"), 400),
            (format!("GET {path} HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n"), 400),
            (format!("GET {path} HTTP/1.1\r\n"), 400),
            (format!("GET {path} HTTP/1.1\r\nhost:\r\n"), 400),
            (format!("GET {path} HTTP/1.0\r\n"), 200),
            (format!("GET {path} HTTP/1.0\r\norigin: null\r\n"), 400),
            (format!("GET http://127.0.0.1:{port}{path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"), 200),
            (format!("GET http://evil.example{path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"), 403),
            (format!("GET http://127.0.0.1:{port}{path} HTTP/1.1\r\nhost: evil.example\r\n"), 403),
            (format!("GET http://localhost{path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"), 400),
            ("CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n".to_owned(), 403),
            (format!("OPTIONS * HTTP/1.1\r\nhost: evil.example:{port}\r\n"), 403),
            (
                format!(
                    "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: http://evil.example\r\nupgrade: websocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                ),
                403,
            ),
        ] {
            let connection = if head.contains("upgrade") { "upgrade" } else { "close" };
            let answer = raw(address, format!("{head}connection: {connection}\r\n\r\n").as_bytes()).await;
            assert_eq!(status_of(&answer).0, status, "{head:?}: {answer}");
        }
    }
    let api = control_plane.api();
    for (authority, host, status) in [
        ("localhost", "localhost", 200),
        ("localhost", "evil.example", 403),
        ("evil.example", "localhost", 403),
        ("localhost", "127.0.0.1", 400),
    ] {
        let answer = http2(api, request("GET", authority, "/metrics", &[("host", host)]), b"").await;
        assert_eq!(answer.status, status, "{authority} {host}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_refuses_in_its_own_words() {
    let control_plane = ControlPlane::start();
    for (address, path, body) in
        [(control_plane.api(), GET_STATUS, &b"\0\0\0\0\0"[..]), (control_plane.xds(), DELTA, b"")]
    {
        for (host, lines, status) in cases(address.port()) {
            let lines = [&borrowed(&lines)[..], &[GRPC, ("te", "trailers")]].concat();
            let answer = http2(address, request("POST", &host, path, &lines), body).await;
            let (code, message) = answer.grpc.unwrap();
            assert_eq!(code == "7", status == 403, "{path} {host} {lines:?}: {code} {message}");
            assert_eq!(answer.status, 200, "{path} {host}");
            assert!(host.contains("127.0.0.1") || code != "7" || !message.is_empty(), "{message}");
        }
        let refused = http2(address, request("POST", "evil.example", path, &[GRPC, ("te", "trailers")]), body).await;
        let (code, message) = refused.grpc.unwrap();
        assert!(code == "7" && message.contains("evil.example") && message.contains("--allowed-host"), "{message}");
        // What does not speak gRPC is told in plain HTTP.
        let other = http2(address, request("GET", "evil.example", "/", &[]), b"").await;
        assert!(other.status == 403 && is_status(&other.body, 403, "Forbidden"), "{other:?}");
    }
    let (_, metrics) = http1(control_plane.api(), "GET /metrics", &[("host", "localhost")], "").await;
    let refused = metrics.lines().find_map(|line| line.strip_prefix("backstay_xds_requests_refused_total "));
    assert!(refused.unwrap().parse::<u64>().unwrap() > 10, "{metrics}");
}

async fn keeps_its_admin_endpoint(admin: SocketAddr) {
    for (host, lines, status) in cases(admin.port()) {
        let lines = [&[("host", host.as_str())], &borrowed(&lines)[..]].concat();
        for path in ["/metrics", "/config_dump", "/backends", "/dns"] {
            let (answered, said) = http1(admin, &format!("GET {path}"), &lines, "").await;
            assert_eq!(answered, status, "{lines:?} {path}: {said}");
        }
        if status == 403 {
            assert_eq!(http1(admin, "POST /drain", &lines, "").await.0, 403, "{lines:?}");
            assert_eq!(http1(admin, "POST /drain", &lines, "x").await.0, 403, "{lines:?}");
        }
    }
    let own = format!("127.0.0.1:{}", admin.port());
    let untyped = [("host", own.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(http1(admin, "POST /drain", &untyped, "x").await.0, 415);
    assert_ne!(http1(admin, "GET /ready", &[("host", &own)], "").await.1, "draining\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_or_drains_a_proxy() {
    let control_plane = ControlPlane::start();
    let mut proxy = Proxy::start(control_plane.xds());
    keeps_its_admin_endpoint(proxy.admin).await;
    assert_eq!(http1(proxy.admin, "POST /drain", &[("host", "localhost")], "").await.0, 202);
    assert!(proxy.process.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_allowed_is_answered_on_every_address() {
    let names = ["--allowed-host", "CP.example", "--allowed-host", "other.example."];
    let control_plane = ControlPlane::start_with(&names);
    let proxy = Proxy::start_with(control_plane.xds(), &names);
    for (host, status) in [
        ("cp.example", 200),
        ("cp.example.:7080", 200),
        ("other.example:1", 200),
        ("localhost", 200),
        ("evil.example", 403),
        ("sub.cp.example", 403),
    ] {
        assert_eq!(http1(control_plane.api(), "GET /healthz", &[("host", host)], "").await.0, status, "{host}");
        assert_eq!(http1(proxy.admin, "GET /dns", &[("host", host)], "").await.0, status, "{host}");
        for (address, path) in [(control_plane.api(), GET_STATUS), (control_plane.xds(), DELTA)] {
            let answer = http2(address, request("POST", host, path, &[GRPC, ("te", "trailers")]), b"").await;
            assert_eq!(answer.grpc.unwrap().0 == "7", status == 403, "{host} {path}");
        }
    }
    let foreign = [("host", "cp.example"), ("origin", "http://other.example")];
    assert_eq!(http1(control_plane.api(), "GET /healthz", &foreign, "").await.0, 403, "a name allows no other's pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_and_proxies_may_say_localhost() {
    let control_plane = ControlPlane::start();
    let server = format!("http://localhost:{}", control_plane.api().port());
    let output = backstay(["get", "backends", "--server", &server]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = backstay(["status", "--server", &server]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
