//! Many clients at once: none is refused below a limit, and connections are opened once and kept.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_balancer::{Limit, Limits};
use backstay_proxy::server::Options;
use backstay_upstream::Backend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ANY_PORT, BackendOf, Proxy, Raw, Routes, Upstream, socket, soon, to};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers each request when others have had their turn.
async fn upstream() -> Upstream {
    Upstream::serve(move |mut stream| async move {
        let mut read = [0; 1024];
        let mut head = Vec::new();
        loop {
            match stream.read(&mut read).await {
                Ok(size @ 1..) => head.extend_from_slice(&read[..size]),
                _ => return,
            }
            if head.ends_with(b"\r\n\r\n") {
                head.clear();
                tokio::task::yield_now().await;
                if stream.write_all(OK).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// What `clients` keep-alive clients see that ask `rounds` times each: statuses other than 200.
async fn crowd(proxy: &Proxy, clients: usize, rounds: usize) -> Vec<String> {
    let begin = Arc::new(tokio::sync::Barrier::new(clients));
    let asked = Arc::new(AtomicUsize::new(0));
    let crowd: Vec<_> = (0..clients)
        .map(|_| {
            let (address, begin, asked) = (proxy.address, Arc::clone(&begin), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                begin.wait().await;
                let mut refused = Vec::new();
                for _ in 0..rounds {
                    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                    let head = Raw::head(&mut stream).await;
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    stream.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
                    asked.fetch_add(1, SeqCst);
                    if !head.starts_with("HTTP/1.1 200 ") {
                        refused.push(head);
                    }
                }
                refused
            })
        })
        .collect();
    let mut refused = Vec::new();
    for client in crowd {
        refused.extend(client.await.unwrap());
    }
    assert_eq!(asked.load(SeqCst), clients * rounds);
    refused
}

async fn run(clients: usize, limit: u32, threads: usize, rounds: usize) -> (Vec<String>, usize, Arc<Backend>) {
    let upstream = upstream().await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.limits = Limits { connections: Some(limit), pending_requests: Some(limit), ..Limits::default() };
    let backend = backend.build();
    let options = Options { threads, ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend, upstream.address.port())))).await;
    let refused = soon(crowd(&proxy, clients, rounds)).await;
    (refused, upstream.connections(), backend)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_of_many_is_refused_and_connections_are_not_opened_again_and_again() {
    for (clients, limit, threads) in [(2000, 1024, 1), (2000, 1024, 2), (4000, 2048, 2), (4000, 4096, 2)] {
        let (refused, opened, backend) = run(clients, limit, threads, 6).await;
        let refused: BTreeSet<_> = refused.into_iter().collect();
        assert!(refused.is_empty(), "{clients} clients, {limit} connections, {threads} threads: {refused:?}");
        assert_eq!(backend.breakers.overflows(Limit::PendingRequests), 0);
        // Some move from one thread to another, to where requests wait.
        assert!(opened <= 2 * limit as usize, "{opened} connections were opened where {limit} may be open");
    }
}
