//! Connections that change protocols.

use std::time::Duration;

use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Proxy, Raw, Routes, Upstream, ask, echo, raw, soon};

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
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 10\r\n\r\nhalf";
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
    for (offered, passed) in [("websocket, h2c", "websocket"), ("H2C,foo/2 , h2c-14", "foo/2"), ("HTTP/2.0, h2", "")] {
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
