//! Envoy as the endpoint: whatever one client sends, those who share a connection to it with that client notice nothing.
//!
//! An Envoy ends a connection of HTTP/2, with all requests on it, for a message that is malformed. Here it must never see one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::envoy::Envoy;
use crate::harness::manifest::{backend, gateway, route};
use crate::harness::rest::{BACKENDS, GATEWAYS};
use crate::harness::{Client, ControlPlane, PATIENCE, Proxy, port, tools};

const HOST: &str = "shared.example";
/// Clients beside the one that sends what no other does.
const OTHERS: usize = 8;

type Fields = Vec<(&'static str, &'static str)>;

/// Heads of HTTP/1.1, and what follows them.
fn over_http1() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "GET http://shared.example?q=1 HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET http://shared.example? HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET http://shared.example HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "OPTIONS http://shared.example HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET ?q=1 HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET //?#? HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET /a\"b{}|^`<>\\[] HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GE!T / HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "get / HTTP/1.1\r\nHost: shared.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nTE: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nConnection: te, x-a\r\nTE: trailers, gzip\r\nX-A: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nConnection: host, content-length\r\nKeep-Alive: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nX-Blank: \t a \t \r\nX-Empty:\r\nX-Only:   \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nX_A: 1\r\nX.A!#$%&'*+^`|~: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example:0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: SHARED.example.\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@shared.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nCookie: a\r\nCookie:\r\nCookie: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: shared.example\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: shared.example\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: shared.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
        "POST / HTTP/1.1\r\nHost: shared.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    ]
    .map(Vec::from)
    .into();
    for value in [&b"\xff\x80"[..], b"\x7f", b"\x01", b"a\tb", b"\xc2\xa0"] {
        all.push([b"GET / HTTP/1.1\r\nHost: shared.example\r\nX-A: ", value, b"\r\n\r\n"].concat());
        all.push([b"GET /", value, b" HTTP/1.1\r\nHost: shared.example\r\n\r\n"].concat());
    }
    for lines in [90, 99] {
        let lines: String = (0..lines).map(|line| format!("X-{line}: a\r\n")).collect();
        all.push(format!("GET / HTTP/1.1\r\nHost: shared.example\r\n{lines}\r\n").into());
    }
    for size in [16_000, 50_000, 64_000] {
        let value = "a".repeat(size);
        all.push(format!("GET / HTTP/1.1\r\nHost: shared.example\r\nX-A: {value}\r\n\r\n").into());
        all.push(format!("GET /{value} HTTP/1.1\r\nHost: shared.example\r\n\r\n").into());
    }
    for trailer in [
        "Connection",
        "Content-Length",
        "Cookie",
        "Host",
        "Keep-Alive",
        "Proxy-Connection",
        "Set-Cookie",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "X-Envoy-Retry-On",
        "X-Forwarded-For",
        ":path",
        "x-sum",
        "a\"b",
    ] {
        let head = "POST / HTTP/1.1\r\nHost: shared.example\r\nTransfer-Encoding: chunked";
        all.push(format!("{head}\r\n\r\n4\r\nbody\r\n0\r\n{trailer}: 7\r\n\r\n").into());
    }
    all
}

/// Headers of HTTP/2, and those after a body.
fn over_http2() -> Vec<(Fields, Option<Fields>)> {
    let head = |path| vec![(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", path)];
    let mut all: Vec<_> =
        ["?q", "*", "a", "", "/a#b", "#a", "http://a/", "/\x7f", "//"].map(|path| (head(path), None)).into();
    for header in [
        ("x-a", " a"),
        ("x-a", "a\t"),
        ("x-a", " "),
        ("x-a", ""),
        ("a\"b", "1"),
        ("A", "1"),
        ("te", "gzip"),
        ("te", "trailers"),
        ("connection", "close"),
        ("host", HOST),
        ("host", "other"),
        ("content-length", "7"),
        ("content-length", "0"),
        ("cookie", ""),
        ("priority", "u=1"),
        (":status", "200"),
    ] {
        let head: Vec<_> = head("/").into_iter().chain([header]).collect();
        all.push((head.clone(), None));
        all.push((head, Some(vec![("x-sum", "7")])));
        all.push((self::head_only(), Some(vec![header])));
    }
    for authority in ["", "a@b", "shared.example:0", "shared.example:99999", "[::1", "a,b", "a b"] {
        all.push((vec![(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", "/")], None));
    }
    for crumbs in [["a", ""], ["", "a"], ["", ""]] {
        all.push((head("/").into_iter().chain(crumbs.map(|crumb| ("cookie", crumb))).collect(), None));
    }
    all.push((vec![(":method", "GET"), (":scheme", "ftp"), (":authority", HOST), (":path", "/")], None));
    all.push((vec![(":method", "OPTIONS"), (":scheme", "http"), (":authority", HOST), (":path", "*")], None));
    all.push((head_only(), Some(vec![(":path", "/"), ("x-sum", "7")])));
    all
}

fn head_only() -> Fields {
    vec![(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/")]
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Headers without compression (RFC 7541, 6.2.2), whatever is in them.
fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// Sends this on a connection of its own, and reads until the other side has answered and closes, or until `done`.
async fn send(proxy: SocketAddr, bytes: &[u8], done: impl Fn(&[u8]) -> bool) {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    // It may be refused before it is through.
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    while !done(&read) {
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
}

/// Whether stream 1 has been answered to its end, or reset, or the connection ends.
fn is_over(mut frames: &[u8]) -> bool {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const GOAWAY: u8 = 7;
    while let Some((head, rest)) = frames.split_at_checked(9) {
        let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        let ends = matches!(head[3], DATA | HEADERS) && head[8] == 1 && head[4] & 1 == 1;
        if ends || matches!(head[3], RST_STREAM | GOAWAY) {
            return true;
        }
        frames = rest.get(length..).unwrap_or_default();
    }
    false
}

/// What the endpoint counts.
async fn counted(endpoint: &Envoy, name: &str) -> u64 {
    let path = format!("/stats?filter=^http.endpoint.{name}$");
    let text = Client::new().get(endpoint.admin, "admin", &path).await.unwrap().text();
    text.trim().rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{name}: {text:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_ends_those_of_others() {
    let Some(binary) = tools::envoy() else { return };
    let (at, listen) = (port::free(), port::free());
    let endpoint = Envoy::endpoint(&binary, at);
    let control_plane = ControlPlane::start();
    // One thread has one connection.
    let proxy = Proxy::start_with(control_plane.xds(), &["--threads", "1"]);
    let rest = control_plane.rest();
    let mut shared = backend("shared", &["127.0.0.1"]);
    shared["spec"]["protocol"] = "h2c".into();
    rest.create(&shared).await;
    rest.create(&gateway("web", listen)).await;
    let mut everything = route("app", "web", HOST, "shared", at);
    everything["spec"]["hostnames"] = serde_json::json!([]);
    rest.create(&everything).await;
    rest.wait_for(&format!("{GATEWAYS}/web"), "Programmed").await;
    rest.wait_for(&format!("{BACKENDS}/shared"), "Programmed").await;
    let listen = SocketAddr::from(([127, 0, 0, 1], listen));

    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(watch::Sender::new([0_u64; OTHERS]));
    let failed = Arc::new(AtomicU64::new(0));
    let others: Vec<_> = (0..OTHERS)
        .map(|number| {
            let (stop, answered, failed) = (Arc::clone(&stop), Arc::clone(&answered), Arc::clone(&failed));
            tokio::spawn(async move {
                let client = Client::new();
                while !stop.load(Ordering::Relaxed) {
                    let status = client.get(listen, HOST, "/").await.map(|answer| answer.status);
                    failed.fetch_add(u64::from(status != Ok(StatusCode::OK)), Ordering::Relaxed);
                    answered.send_modify(|answered| answered[number] += 1);
                }
            })
        })
        .collect();
    let mut watching = answered.subscribe();
    let sending = async {
        for request in over_http1() {
            let mut request = request;
            // The connection is to end with the answer.
            let end = request.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            request.splice(end..end, *b"\r\nConnection: close");
            check(&mut watching, &failed, &request, send(listen, &request, |_| false)).await;
        }
        for (head, trailers) in over_http2() {
            let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
            bytes.extend(frame(4, 0, 0, &[]));
            bytes.extend(frame(1, if trailers.is_some() { 4 } else { 5 }, 1, &block(&head)));
            if let Some(trailers) = trailers {
                bytes.extend(frame(0, 0, 1, b"body"));
                bytes.extend(frame(1, 5, 1, &block(&trailers)));
            }
            check(&mut watching, &failed, &bytes, send(listen, &bytes, is_over)).await;
        }
    };
    tokio::time::timeout(4 * PATIENCE, sending).await.expect("took too long");
    stop.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
    assert_eq!(failed.load(Ordering::Relaxed), 0);
    assert_eq!(counted(&endpoint, "downstream_cx_protocol_error").await, 0);
    assert_eq!(counted(&endpoint, "downstream_cx_total").await, 1, "all of it went over one connection");
    drop(proxy);
}

/// Sends a request, and waits until each of the others has had answers to requests that it sent meanwhile.
async fn check(
    watching: &mut watch::Receiver<[u64; OTHERS]>,
    failed: &AtomicU64,
    request: &[u8],
    sending: impl Future<Output = ()>,
) {
    sending.await;
    let before = *watching.borrow();
    let all = |now: &[u64; OTHERS]| now.iter().zip(before).all(|(now, before)| *now >= before + 2);
    watching.wait_for(all).await.unwrap();
    assert_eq!(failed.load(Ordering::Relaxed), 0, "{:?}", String::from_utf8_lossy(request));
}
