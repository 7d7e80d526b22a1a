//! Connections that change protocols.

use std::time::Duration;

use backstay_proxy::Upgrades;
use backstay_proxy::server::Options;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    ANY_PORT, Answer, BackendOf, H2Client, Proxy, Raw, Routes, Upstream, access_log, ask, echo, raw, socket, soon, to,
};

const ASK: &[u8] = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

async fn tunnel(proxy: &Proxy, upstream: &Raw) -> (TcpStream, TcpStream) {
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(ASK).await.unwrap();
    let (mut server, head) = upstream.accept().await;
    assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "{head}");
    // The first bytes of the new protocol come with the answer.
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n!";
    server.write_all(answer.as_bytes()).await.unwrap();
    let head = Raw::head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n") && head.contains("sec-websocket-accept: x\r\n"), "{head}");
    assert_eq!(soon(client.read_u8()).await.unwrap(), b'!');
    (client, server)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_each_side_may_stop_alone() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let (mut client, mut server) = tunnel(&proxy, &upstream).await;
    for (word, from, to) in [("ping", true, false), ("pong", false, true)] {
        let (writer, reader) = if from && !to { (&mut client, &mut server) } else { (&mut server, &mut client) };
        writer.write_all(word.as_bytes()).await.unwrap();
        let mut read = [0; 4];
        soon(reader.read_exact(&mut read)).await.unwrap();
        assert_eq!(&read, word.as_bytes());
    }
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon(server.read_to_end(&mut rest)).await.unwrap();
    server.write_all(b"last words").await.unwrap();
    drop(server);
    soon(client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"last words");
}

#[tokio::test]
async fn a_protocol_does_not_change_within_a_request() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 10\r\n\r\nhalf";
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut server, _) = upstream.accept().await;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n";
    server.write_all(answer.as_bytes()).await.unwrap();
    let head = Raw::head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{head}");
    let mut rest = Vec::new();
    let _ = soon(server.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"half");
}

#[tokio::test]
async fn an_upgrade_that_the_upstream_declines_is_an_ordinary_answer() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let request = Request::get("/").header("connection", "upgrade").header("upgrade", "websocket");
    let answer = ask(proxy.address, request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("upgrade: websocket\n"), "{}", answer.text());
}

#[tokio::test]
async fn http2_by_upgrade_is_not_offered_to_the_upstream() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = raw(
        proxy.address,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("upgrade") && !answer.contains("http2-settings"), "{answer}");
    for (offered, passed) in
        [("websocket, h2c", "websocket"), ("H2C,websocket/13 , h2c-14", "websocket/13"), ("HTTP/2.0, h2", "")]
    {
        let request = Request::get("/").header("connection", "upgrade").header("upgrade", offered);
        let answer = ask(proxy.address, request).await;
        let line = answer.text().lines().find_map(|line| line.strip_prefix("upgrade: ")).unwrap_or_default();
        assert_eq!(line, passed, "{offered}");
    }
}

#[tokio::test]
async fn a_drain_waits_for_tunnels() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let (mut client, mut server) = tunnel(&proxy, &upstream).await;
    let drain = tokio::spawn(proxy.workers.drain(Duration::from_secs(60)));
    client.write_all(b"still").await.unwrap();
    let mut read = [0; 5];
    soon(server.read_exact(&mut read)).await.unwrap();
    assert!(!drain.is_finished());
    drop((client, server));
    soon(drain).await.unwrap();
}

/// What follows an upgrade is not read by the proxy: only what an operator names gets there.
#[tokio::test]
async fn an_offer_that_is_not_in_the_list_is_dropped_and_the_request_goes_on_without_it() {
    let upstream = Upstream::http1(echo).await;
    for (list, offered, passed) in [
        (None, "websocket", "websocket"),
        (None, "foo", ""),
        (None, "foo, WebSocket", "WebSocket"),
        (Some(vec!["foo"]), "foo/2, websocket", "foo/2"),
        (Some(vec!["foo", "websocket"]), "foo/2, websocket", "foo/2, websocket"),
        (Some(vec![]), "websocket", ""),
    ] {
        let upgrades = list.clone().map_or_else(Upgrades::default, |list| Upgrades::new(list).unwrap());
        let options = Options { upgrades, ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(upstream.address))).await;
        let request = Request::get("/").header("connection", "upgrade").header("upgrade", offered);
        let answer = ask(proxy.address, request).await;
        assert_eq!(answer.status, 200, "{list:?} {offered}");
        let line = answer.text().lines().find_map(|line| line.strip_prefix("upgrade: ")).unwrap_or_default();
        assert_eq!(line, passed, "{list:?} {offered}");
        let connection = answer.text().lines().any(|line| line == "connection: upgrade");
        assert_eq!(connection, !passed.is_empty(), "{list:?} {offered}");
    }
}

/// A client of HTTP/2 that has been told that it may ask for other protocols.
async fn settled(proxy: &Proxy) -> H2Client {
    let mut client = H2Client::connect(proxy.address).await;
    let refused = Request::get("http://a.test/").header("host", "b.test").body(Full::default().boxed()).unwrap();
    assert_eq!(Answer::read(client.begin(refused).await.unwrap()).await.status, 400);
    client
}

fn extended(protocol: &'static str) -> Request<crate::support::AnyBody> {
    let request = Request::connect("http://a.test/chat?room=1").extension(Protocol::from_static(protocol));
    request.header("sec-websocket-version", "13").body(Full::default().boxed()).unwrap()
}

/// RFC 8441.
#[tokio::test]
async fn a_websocket_over_http2_is_an_upgrade_to_the_endpoint() {
    let (upstream, address) = Raw::bind().await;
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(address))).await;
    let mut client = settled(&proxy).await;
    lines.next();
    let mut asking = client.clone();
    let asked = tokio::spawn(async move { asking.begin(extended("websocket")).await.unwrap() });
    let (mut server, head) = upstream.accept().await;
    assert!(head.starts_with("GET /chat?room=1 HTTP/1.1\r\n"), "{head}");
    for line in ["host: a.test", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"] {
        assert!(head.contains(&format!("{line}\r\n")), "{line}: {head}");
    }
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
    assert_eq!(key.len(), 24);
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello";
    server.write_all(answer.as_bytes()).await.unwrap();
    let response = soon(asked).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    for gone in ["connection", "upgrade", "sec-websocket-accept", "content-length"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    let mut stream = TokioIo::new(soon(hyper::upgrade::on(response)).await.unwrap());
    let mut read = [0; 5];
    soon(stream.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"hello");
    stream.write_all(b"there").await.unwrap();
    soon(server.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"there");
    // The connection carries other requests meanwhile, and after it.
    let other = Request::get("http://a.test/").header("host", "b.test").body(Full::default().boxed()).unwrap();
    assert_eq!(Answer::read(client.begin(other).await.unwrap()).await.status, 400);
    lines.next();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    soon(server.read_to_end(&mut rest)).await.unwrap();
    server.write_all(b"last words").await.unwrap();
    drop(server);
    soon(stream.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"last words");
    let line = lines.next();
    assert_eq!((&line["method"], &line["status"], &line["flags"]), (&"CONNECT".into(), &200.into(), &"-".into()));
    assert_eq!((&line["bytes_received"], &line["bytes_sent"]), (&5.into(), &15.into()));
}

#[tokio::test]
async fn what_does_not_become_a_websocket_over_http2_is_told_apart_from_one() {
    let declined = |status: &'static str| async move {
        let (upstream, address) = Raw::bind().await;
        let proxy = Proxy::start(Routes::to(address)).await;
        let mut client = settled(&proxy).await;
        let asked = tokio::spawn(async move { Answer::read(client.begin(extended("websocket")).await.unwrap()).await });
        let (mut server, _) = upstream.accept().await;
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
        server.write_all(answer.as_bytes()).await.unwrap();
        let answer = soon(asked).await.unwrap();
        (answer.status.as_u16(), answer.text().to_owned())
    };
    assert_eq!(declined("403 Forbidden").await, (403, "no".to_owned()));
    // An ordinary answer would be taken for the other protocol.
    assert_eq!(declined("200 OK").await.0, 502);

    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = settled(&proxy).await;
    let answer = Answer::read(client.begin(extended("foo")).await.unwrap()).await;
    assert_eq!(answer.status, 501);
    let backend = BackendOf::http2(upstream.address).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = settled(&proxy).await;
    let answer = Answer::read(client.begin(extended("websocket")).await.unwrap()).await;
    assert_eq!(answer.status, 501);
    // Nothing else may be asked for by CONNECT.
    let plain = Request::connect("a.test:80").body(Full::default().boxed()).unwrap();
    assert_eq!(Answer::read(client.begin(plain).await.unwrap()).await.status, 405);
}
