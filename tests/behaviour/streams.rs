//! What passes through the proxy byte for byte, and no faster than it is taken.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{ControlPlane, PATIENCE, Proxy, manifest, port};

const HOST: &str = "app.example.com";

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A proxy that serves [`HOST`] from an upstream of bare sockets.
struct Bare {
    address: SocketAddr,
    upstream: TcpListener,
    proxy: Proxy,
    _control_plane: ControlPlane,
}

impl Bare {
    async fn start() -> Self {
        let control_plane = ControlPlane::start();
        let proxy = Proxy::start(control_plane.xds());
        let upstream = TcpListener::bind(local(0)).await.unwrap();
        let listen = port::free();
        let port = upstream.local_addr().unwrap().port();
        manifest::serve(&control_plane.rest(), listen, HOST, &["127.0.0.1"], port).await;
        Self { address: local(listen), upstream, proxy, _control_plane: control_plane }
    }

    async fn connect(&self, request: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        client
    }

    async fn accept(&self) -> TcpStream {
        let accepted = tokio::time::timeout(PATIENCE, self.upstream.accept()).await;
        accepted.expect("the proxy connects").unwrap().0
    }
}

/// Reads until what was read ends with `end`.
async fn read_to(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !read.ends_with(end.as_bytes()) {
            match stream.read_u8().await {
                Ok(byte) => read.push(byte),
                Err(_) => break,
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, reading).await;
    let text = String::from_utf8_lossy(&read).into_owned();
    assert!(ended.is_ok(), "{end:?} did not come after {text:?}");
    assert!(text.ends_with(end), "the connection closed after {text:?}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_connection_carries_anything_both_ways() {
    let bare = Bare::start().await;
    let asked = "GET /chat HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut client = bare.connect(asked).await;
    let mut server = bare.accept().await;
    let head = read_to(&mut server, "\r\n\r\n").await.to_lowercase();
    for line in ["upgrade: websocket", "connection: upgrade", "sec-websocket-key: dghlihnhbxbszsbub25jzq=="] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let accepted = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nfirst";
    server.write_all(accepted.as_bytes()).await.unwrap();
    let answer = read_to(&mut client, "first").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(answer.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
    for round in 0..10 {
        let sent = format!("\u{0}\u{1}round {round}.");
        client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(read_to(&mut server, ".").await, sent);
        server.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(read_to(&mut client, ".").await, sent);
    }
    // Whoever ends, ends both.
    drop(client);
    assert_eq!(tokio::time::timeout(PATIENCE, server.read(&mut [0; 8])).await.expect("it ends").unwrap_or(0), 0);

    // A server that does not switch answers as usual.
    let mut client = bare.connect(asked).await;
    let mut server = bare.accept().await;
    read_to(&mut server, "\r\n\r\n").await;
    server.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
    assert!(read_to(&mut client, "no").await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_100_gets_it_and_chunks_pass_both_ways_as_they_come() {
    let bare = Bare::start().await;
    let head =
        "POST /up HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    let mut client = bare.connect(head).await;
    let mut server = bare.accept().await;
    let seen = read_to(&mut server, "\r\n\r\n").await.to_lowercase();
    assert!(seen.contains("transfer-encoding: chunked"), "{seen}");
    assert!(!seen.contains("content-length"), "{seen}");
    if seen.contains("expect: 100-continue") {
        server.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    }
    assert!(read_to(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 100 "));

    // Each chunk is with the other side before the next one is sent: nothing gathers them.
    for word in ["one", "twoo", "three"] {
        client.write_all(format!("{:x}\r\n{word}\r\n", word.len()).as_bytes()).await.unwrap();
        assert!(read_to(&mut server, &format!("{word}\r\n")).await.contains(word));
    }
    client.write_all(b"0\r\n\r\n").await.unwrap();
    read_to(&mut server, "0\r\n\r\n").await;
    server.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let answer = read_to(&mut client, "\r\n\r\n").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 200 ") && answer.contains("transfer-encoding: chunked"), "{answer}");
    for word in ["four", "five!"] {
        server.write_all(format!("{:x}\r\n{word}\r\n", word.len()).as_bytes()).await.unwrap();
        assert!(read_to(&mut client, &format!("{word}\r\n")).await.contains(word));
    }
    server.write_all(b"0\r\n\r\n").await.unwrap();
    read_to(&mut client, "0\r\n\r\n").await;

    // HEAD: the length is told, the body is not there, and the connection goes on.
    client.write_all(b"HEAD /h HTTP/1.1\r\nHost: app.example.com\r\n\r\n").await.unwrap();
    // The connection to the upstream may be used again, or a new one made.
    let mut server = tokio::select! {
        more = bare.accept() => more,
        ready = server.readable() => { ready.unwrap(); server }
    };
    assert!(read_to(&mut server, "\r\n\r\n").await.starts_with("HEAD /h "));
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").await.unwrap();
    let answer = read_to(&mut client, "\r\n\r\n").await.to_lowercase();
    assert!(answer.contains("content-length: 5000"), "{answer}");
    client.write_all(b"GET /after HTTP/1.1\r\nHost: app.example.com\r\n\r\n").await.unwrap();
    let mut server = tokio::select! {
        more = bare.accept() => more,
        ready = server.readable() => { ready.unwrap(); server }
    };
    assert!(read_to(&mut server, "\r\n\r\n").await.starts_with("GET /after "));
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    read_to(&mut client, "ok").await;
}

/// Most memory that a process has had, in MiB.
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_flow_no_faster_than_the_slower_side_takes_them() {
    const SIZE: usize = 256 << 20;
    // What the buffers of the kernel and of the proxy may take; far from what is sent.
    const SLACK: u64 = 96;
    let bare = Bare::start().await;
    let before = peak_memory(bare.proxy.process.id());
    let block = vec![b'x'; 1 << 20];
    let slow = std::time::Duration::from_secs(1);

    // Up: the upstream reads nothing until the client can write no more.
    let mut client =
        bare.connect(&format!("POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: {SIZE}\r\n\r\n")).await;
    let mut server = bare.accept().await;
    let mut sent = 0;
    while sent < SIZE {
        let end = block.len().min(SIZE - sent);
        match tokio::time::timeout(slow, client.write(&block[..end])).await {
            Ok(written) => sent += written.unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < SIZE, "the proxy has taken all of it, and the upstream nothing");
    let (mut reader, mut writer) = client.into_split();
    let rest = tokio::spawn(async move {
        while sent < SIZE {
            let end = block.len().min(SIZE - sent);
            writer.write_all(&block[..end]).await.unwrap();
            sent += end;
        }
        writer
    });
    read_to(&mut server, "\r\n\r\n").await;
    let (mut received, mut buffer) = (0, vec![0; 1 << 20]);
    while received < SIZE {
        received += tokio::time::timeout(PATIENCE, server.read(&mut buffer)).await.expect("it goes on").unwrap();
    }
    let _writer = rest.await.unwrap();

    // Down: the client reads nothing until the upstream can write no more.
    server.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).await.unwrap();
    let mut sent = 0;
    while sent < SIZE {
        match tokio::time::timeout(slow, server.write(&buffer[..(1 << 20).min(SIZE - sent)])).await {
            Ok(written) => sent += written.unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < SIZE, "the proxy has taken all of it, and the client nothing");
    let rest = tokio::spawn(async move {
        let block = vec![b'y'; 1 << 20];
        while sent < SIZE {
            let end = block.len().min(SIZE - sent);
            server.write_all(&block[..end]).await.unwrap();
            sent += end;
        }
        server
    });
    let mut received = 0;
    while received < SIZE {
        let read = tokio::time::timeout(PATIENCE, reader.read(&mut buffer)).await.expect("it goes on").unwrap();
        assert!(read > 0, "the connection broke after {received} bytes");
        received += read;
    }
    let _server = rest.await.unwrap();
    let after = peak_memory(bare.proxy.process.id());
    assert!(after < before + SLACK, "the proxy went from {before} MiB to {after} MiB");
}
