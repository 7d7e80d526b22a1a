//! Clients and upstreams, as plain as can be.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Answers every request with its name, and closes.
pub(crate) struct Upstream {
    address: SocketAddr,
    asked: std::sync::Arc<Notify>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(address: &str, name: &'static str) -> Self {
        Self::serve(TcpListener::bind(address).await.unwrap(), name, None)
    }

    /// Answers only once it is let go.
    pub(crate) async fn held(address: &str, name: &'static str) -> (Self, oneshot::Sender<()>) {
        let (release, held) = oneshot::channel();
        (Self::serve(TcpListener::bind(address).await.unwrap(), name, Some(held)), release)
    }

    /// Two on one port, at 127.0.0.1 and 127.0.0.2.
    pub(crate) async fn pair(one: &'static str, two: &'static str) -> (Self, Self) {
        loop {
            let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = first.local_addr().unwrap().port();
            if let Ok(second) = TcpListener::bind(("127.0.0.2", port)).await {
                return (Self::serve(first, one, None), Self::serve(second, two, None));
            }
        }
    }

    fn serve(listener: TcpListener, name: &'static str, mut held: Option<oneshot::Receiver<()>>) -> Self {
        let address = listener.local_addr().unwrap();
        let asked = std::sync::Arc::new(Notify::new());
        let notify = std::sync::Arc::clone(&asked);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                read_head(&mut stream).await;
                notify.notify_one();
                if let Some(held) = held.take() {
                    held.await.unwrap();
                }
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{name}", name.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits for a request.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

/// Status and body of a request to a listener on loopback.
pub(crate) async fn get(port: u16, host: &str, path: &str) -> (u16, String) {
    get_from(SocketAddr::from(([127, 0, 0, 1], port)), host, path).await
}

pub(crate) async fn get_from(address: SocketAddr, host: &str, path: &str) -> (u16, String) {
    send(address, "GET", host, path).await
}

/// What `/metrics` answers whoever asks for OpenMetrics.
pub(crate) async fn get_open_metrics(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        "GET /metrics HTTP/1.1\r\nhost: localhost\r\naccept: application/openmetrics-text\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

pub(crate) async fn send(address: SocketAddr, method: &str, host: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
