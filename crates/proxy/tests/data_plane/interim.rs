//! Answers before the answer (RFC 9110, 15.2), to clients of either protocol.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::wire::{self, Wire};
use crate::support::{ANY_PORT, BackendOf, Proxy, Raw, Routes, Upstream, echo, socket, soon, text, to, until};
use backstay_proxy::config::Filters;
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::route::Matcher;
use backstay_proxy::server::{Limits, Options};

const HINTS: &[u8] =
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-mine\r\nX-Mine: 1\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A proxy in front of an endpoint that writes `answer` to each request.
async fn before(answer: Vec<u8>) -> (Proxy, Upstream) {
    let upstream = writing(answer).await;
    (Proxy::start(Routes::to(upstream.address)).await, upstream)
}

/// An endpoint that writes `answer` to each request.
async fn writing(answer: Vec<u8>) -> Upstream {
    Upstream::serve(move |mut stream| {
        let answer = answer.clone();
        async move {
            let mut read = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                read.push(byte);
                if read.ends_with(b"\r\n\r\n") {
                    read.clear();
                    let _ = stream.write_all(&answer).await;
                }
            }
        }
    })
    .await
}

/// With what it counts.
async fn counted(limits: Limits, endpoint: SocketAddr) -> (Proxy, Arc<ServerMetrics>) {
    let metrics = Arc::<ServerMetrics>::default();
    let options = Options { limits, metrics: Arc::clone(&metrics), ..Options::default() };
    (Proxy::with(options, socket(ANY_PORT, Routes::to(endpoint))).await, metrics)
}

/// Heads up to that of the answer, in which dates are left out.
async fn heads(client: &mut TcpStream) -> Vec<String> {
    let mut heads = Vec::new();
    loop {
        let head = Raw::head(client).await;
        let answer = !head.starts_with("HTTP/1.1 1");
        heads.push(head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect());
        if answer {
            return heads;
        }
    }
}

async fn body(client: &mut TcpStream) -> [u8; 2] {
    let mut body = [0; 2];
    soon(client.read_exact(&mut body)).await.unwrap();
    body
}

/// A client of HTTP/2 that sees interim answers.
async fn http2(proxy: SocketAddr) -> SendRequest<Bytes> {
    let (sender, connection) = h2::client::handshake(TcpStream::connect(proxy).await.unwrap()).await.unwrap();
    tokio::spawn(connection);
    soon(sender.ready()).await.unwrap()
}

/// The next interim answer, if one comes before the answer.
async fn interim(answer: &mut ResponseFuture) -> Option<Response<()>> {
    soon(poll_fn(|cx| answer.poll_informational(cx))).await.map(Result::unwrap)
}

#[tokio::test]
async fn hints_reach_a_client_of_http1_before_the_answer() {
    let (proxy, upstream) = before([HINTS, HINTS, OK].concat()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
    for _ in 0..3 {
        client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
        assert_eq!(heads(&mut client).await, [hints, hints, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"]);
        assert_eq!(&body(&mut client).await, b"ok");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn hints_come_while_the_endpoint_thinks() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let (mut endpoint, _) = upstream.accept().await;
    endpoint.write_all(HINTS).await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 103 "));
    endpoint.write_all(OK).await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn requests_that_follow_each_other_at_once_have_each_their_own() {
    let (proxy, _upstream) = before([HINTS, OK].concat()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(&b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".repeat(20)).await.unwrap();
    for number in 0..20 {
        let heads = heads(&mut client).await;
        assert_eq!((heads.len(), &body(&mut client).await), (2, b"ok"), "{number}: {heads:?}");
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_the_answer_alone() {
    let (proxy, _upstream) = before([HINTS, OK].concat()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.0 200 "));
}

#[tokio::test]
async fn to_continue_is_between_the_proxy_and_the_endpoint() {
    let (proxy, _upstream) = before([b"HTTP/1.1 100 Continue\r\n\r\n", OK].concat()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn hints_reach_a_client_of_http2_before_the_answer() {
    let (proxy, _upstream) = before([HINTS, HINTS, OK].concat()).await;
    let mut client = http2(proxy.address).await;
    let (mut answer, _) = client.send_request(Request::get("http://test/").body(()).unwrap(), true).unwrap();
    for _ in 0..2 {
        let hints = interim(&mut answer).await.expect("hints");
        assert_eq!((hints.status(), hints.headers().len()), (StatusCode::EARLY_HINTS, 1), "{hints:?}");
        assert_eq!(hints.headers()["link"], "</a.css>; rel=preload");
    }
    let answer = soon(answer).await.unwrap();
    assert_eq!((answer.status(), &answer.headers()["content-length"]), (StatusCode::OK, &"2".parse().unwrap()));
}

#[tokio::test]
async fn hints_beyond_what_a_head_may_have_are_dropped_and_counted() {
    let limits = Limits { max_head_size: 8 << 10, ..Limits::default() };
    let hints = [b"HTTP/1.1 103 Early Hints\r\nLink: ", &[b'a'; 2000][..], b"\r\n\r\n"].concat();
    let upstream = writing([&hints.repeat(10)[..], OK].concat()).await;
    let (proxy, metrics) = counted(limits, upstream.address).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    assert_eq!(heads(&mut client).await.len(), 4);
    assert_eq!(metrics.interim_dropped.get(), 7);
}

#[tokio::test]
async fn a_client_of_http2_that_waits_is_told_to_continue() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = http2(proxy.address).await;
    let request = Request::post("http://test/").header("expect", "100-continue").body(()).unwrap();
    let (mut answer, mut sender) = client.send_request(request, false).unwrap();
    assert_eq!(interim(&mut answer).await.expect("to continue").status(), StatusCode::CONTINUE);
    sender.send_data(Bytes::from_static(b"the body"), true).unwrap();
    let mut body = soon(answer).await.unwrap().into_body();
    let mut text = Vec::new();
    while let Some(data) = soon(body.data()).await {
        text.extend_from_slice(&data.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with("\n\nthe body") && !text.contains("expect"), "{text}");
}

#[tokio::test]
async fn a_client_of_http2_whose_body_goes_to_http2_is_told_to_continue() {
    let upstream = Upstream::http2(echo).await;
    let backend = BackendOf::http2(upstream.address).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = http2(proxy.address).await;
    let request = Request::post("http://test/").header("expect", "100-continue").body(()).unwrap();
    let (mut answer, mut sender) = client.send_request(request, false).unwrap();
    assert_eq!(interim(&mut answer).await.expect("to continue").status(), StatusCode::CONTINUE);
    sender.send_data(Bytes::from_static(b"the body"), true).unwrap();
    assert_eq!(soon(answer).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_is_refused_is_not_told_to_continue() {
    let table = Routes::default().rule("test", Matcher::prefix("/"), Filters::default(), text(403, "no")).build();
    let proxy = Proxy::start(table).await;
    let mut client = http2(proxy.address).await;
    let request = Request::post("http://test/").header("expect", "100-continue").body(()).unwrap();
    let (mut answer, _sender) = client.send_request(request, false).unwrap();
    assert!(interim(&mut answer).await.is_none());
    assert_eq!(soon(answer).await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_did_not_change_says_how_long_it_is() {
    const SAME: &[u8] = b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1234\r\n\r\n";
    let (proxy, upstream) = before(SAME.to_vec()).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    for method in ["GET", "HEAD", "GET"] {
        client.write_all(format!("{method} / HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await.unwrap();
        let expected = "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\ncontent-length: 1234\r\n\r\n";
        assert_eq!(heads(&mut client).await, [expected], "{method}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn an_answer_of_grpc_that_is_trailers_alone_has_no_date() {
    let upstream = Upstream::serve(|stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let mut answer = Response::builder().header("content-type", "application/grpc");
            if request.uri().path() == "/trailers" {
                answer = answer.header("grpc-status", "5");
            }
            respond.send_response(answer.body(()).unwrap(), true).unwrap();
        }
    })
    .await;
    let backend = BackendOf::http2(upstream.address).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = http2(proxy.address).await;
    for (path, dated) in [("/trailers", false), ("/other", true)] {
        let request = Request::post(format!("http://test{path}")).header("content-type", "application/grpc");
        let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        assert_eq!(soon(answer).await.unwrap().headers().contains_key("date"), dated, "{path}");
    }
}

#[tokio::test]
async fn streams_that_the_proxy_has_to_reset_end_the_connection_and_are_counted() {
    let (_upstream, address) = Raw::bind().await;
    let (proxy, metrics) = counted(Limits::default(), address).await;
    let mut client = Wire::connect(proxy.address, &[]).await;
    for stream in (1..2000).step_by(2) {
        let get = wire::head_of("GET", &[]);
        let head = wire::frame(wire::HEADERS, wire::END_HEADERS | wire::END_STREAM, stream, &get);
        // A window beyond the largest is an error of the stream (RFC 9113, 6.9.1).
        let window = wire::frame(wire::WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff]);
        if !client.send(&[head, window].concat()).await {
            break;
        }
    }
    assert!(client.until(wire::GOAWAY).await.is_some());
    until(|| metrics.floods.resets.get() == 1).await;
}
