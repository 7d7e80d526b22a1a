//! Bodies that take their time.

use std::time::Duration;

use axum::body::Body;
use backstay_kube::Options;
use backstay_store::Memory;
use futures::stream;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::server::{BACKENDS, Reply, Server, backend};

/// A connection to the server, and an object that is being sent on it.
struct Upload {
    stream: BufReader<TcpStream>,
    rest: Vec<u8>,
}

impl Upload {
    /// Sends everything before the body, and waits until the server reads that.
    async fn begin(listener: std::net::SocketAddr, object: &Value) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(listener).await.unwrap());
        let body = object.to_string();
        let head = format!(
            "POST {BACKENDS} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut upload = Self { stream, rest: body.into_bytes() };
        assert_eq!(upload.status().await, 100);
        upload
    }

    /// The code of the next answer.
    async fn status(&mut self) -> u16 {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).await.unwrap(), 0, "the server closed after {head:?}");
        }
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    async fn finish(mut self) -> u16 {
        self.stream.write_all(&self.rest).await.unwrap();
        self.status().await
    }
}

/// Serves on a socket of its own.
async fn listen(server: &Server) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, server.router.clone()).into_future());
    address
}

#[tokio::test]
async fn who_sends_slowly_keeps_nobody_from_writing() {
    let server = Server::with(Memory::new(), Options { max_mutating: 2, ..Options::default() }).await;
    let address = listen(&server).await;
    let mut slow = Vec::new();
    for number in 0..20 {
        let mut upload = Upload::begin(address, &backend(&format!("slow{number}"))).await;
        let half = upload.rest.split_off(upload.rest.len() / 2);
        upload.stream.write_all(&std::mem::replace(&mut upload.rest, half)).await.unwrap();
        slow.push(upload);
    }
    for number in 0..5 {
        let upload = Upload::begin(address, &backend(&format!("quick{number}"))).await;
        assert_eq!(upload.finish().await, 201);
    }
    for upload in slow {
        assert_eq!(upload.finish().await, 201);
    }
}

#[tokio::test]
async fn a_body_arrives_in_time_or_is_given_up() {
    let options = Options { body_timeout: Duration::from_millis(50), ..Options::default() };
    let server = Server::with(Memory::new(), options).await;
    let address = listen(&server).await;
    let mut upload = Upload::begin(address, &backend("web")).await;
    assert_eq!(upload.status().await, 408);
    assert_eq!(server.get(&format!("{BACKENDS}/web")).await.status, 404);
}

/// An object of a given size, encoded.
fn sized(name: &str, size: usize) -> String {
    let mut object = backend(name);
    object["metadata"]["annotations"] = json!({"filler": ""});
    let filler = "x".repeat(size - object.to_string().len());
    object["metadata"]["annotations"]["filler"] = filler.into();
    object.to_string()
}

async fn post(server: &Server, body: impl Into<Body>) -> Reply {
    server.call("POST", BACKENDS, &[], body).await
}

#[tokio::test]
async fn large_bodies_leave_room_for_small_ones() {
    let server = Server::with(Memory::new(), Options { max_bodies_bytes: 1000, ..Options::default() }).await;
    let (sender, chunks) = mpsc::channel::<String>(1);
    let chunks = stream::unfold(chunks, |mut chunks| async {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, std::io::Error>(chunk), chunks))
    });
    let slow = server.call("POST", BACKENDS, &[], Body::from_stream(chunks));
    let others = async {
        let whole = sized("slow", 900);
        for at in [0, 300] {
            sender.send(whole[at..at + 300].to_owned()).await.unwrap();
            // There is room in the channel once the server has taken what was there.
            drop(sender.reserve().await.unwrap());
        }
        post(&server, sized("small", 350)).await.expect(201);
        assert_eq!(post(&server, sized("large", 450)).await.failure(429, "TooManyRequests")["code"], 429);
        // There is no room for its last part either: it would leave too little.
        sender.send(whole[600..].to_owned()).await.unwrap();
        drop(sender);
    };
    let (slow, ()) = futures::join!(slow, others);
    slow.failure(429, "TooManyRequests");
    post(&server, sized("large", 450)).await.expect(201);
}
