//! Watches over a WebSocket, which clients in Java and browsers ask for first.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{ControlPlane, manifest};

/// The payload of the next frame, and its first byte.
async fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.unwrap();
    let length = match head[1] {
        126 => stream.read_u16().await.unwrap().into(),
        127 => stream.read_u64().await.unwrap(),
        length => length.into(),
    };
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    (head[0], payload)
}

#[tokio::test]
async fn each_event_of_a_watch_is_a_text_frame() {
    let control_plane = ControlPlane::start();
    let rest = control_plane.rest();
    rest.create(&manifest::backend("one", &["127.0.0.1"])).await;
    let mut stream = TcpStream::connect(control_plane.api()).await.unwrap();
    let request = format!(
        "GET /apis/core.apoxy.dev/v1alpha2/backends?watch=true HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        control_plane.api()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let event = async |stream: &mut TcpStream| {
        let (first, payload) = frame(stream).await;
        assert_eq!(first, 0x81);
        let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        format!("{} {}", event["type"].as_str().unwrap(), event["object"]["metadata"]["name"].as_str().unwrap())
    };
    assert_eq!(event(&mut stream).await, "ADDED one");
    rest.create(&manifest::backend("two", &["127.0.0.1"])).await;
    loop {
        // The status of the first may be written meanwhile.
        match event(&mut stream).await.as_str() {
            "ADDED two" => break,
            other => assert_eq!(other, "MODIFIED one"),
        }
    }
    // A ping is answered with what it carries, and a farewell with one.
    stream.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let (first, payload) = frame(&mut stream).await;
        match first {
            0x8a => seen.push(payload),
            0x88 => break,
            _ => {}
        }
    }
    assert_eq!(seen, [b"hi".to_vec()]);
}
