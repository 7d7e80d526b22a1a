//! Requests that wait for a connection: none is refused below a limit, what is free goes to who waits, in whichever thread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use backstay_balancer::{Limit, Limits};
use backstay_model::Protocol;
use backstay_proxy::server::Options;
use backstay_upstream::Backend;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::support::{ANY_PORT, Answer, BackendOf, Client, Proxy, Raw, Routes, Upstream, ask, socket, soon, to, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An upstream that holds each answer until it is told to give it, and knows who asked in which order.
#[derive(Clone, Default)]
struct Held {
    paths: Arc<Mutex<Vec<String>>>,
    gates: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    most: Arc<AtomicUsize>,
    now: Arc<AtomicUsize>,
}

impl Held {
    async fn start(protocol: Protocol) -> (Self, Upstream) {
        let held = Self::default();
        let answers = held.clone();
        let answer = move |request: Request<Incoming>| {
            let held = answers.clone();
            async move {
                let path = request.uri().path().to_owned();
                let now = held.now.fetch_add(1, SeqCst) + 1;
                held.most.fetch_max(now, SeqCst);
                held.paths.lock().unwrap().push(path.clone());
                held.gate(&path).acquire().await.unwrap().forget();
                held.now.fetch_sub(1, SeqCst);
                Response::new(Full::from("ok"))
            }
        };
        let upstream = match protocol {
            Protocol::Http1 => Upstream::http1(answer).await,
            Protocol::Http2 => Upstream::http2(answer).await,
        };
        (held, upstream)
    }

    fn gate(&self, path: &str) -> Arc<Semaphore> {
        let mut gates = self.gates.lock().unwrap();
        Arc::clone(gates.entry(path.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    fn release(&self, path: &str) {
        self.gate(path).add_permits(1);
    }

    fn asked(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }

    async fn has(&self, path: &str) {
        until(|| self.asked().iter().any(|asked| asked == path)).await;
    }
}

fn in_use(backend: &Backend) -> (u32, u32) {
    (backend.breakers.active(Limit::Connections), backend.breakers.active(Limit::PendingRequests))
}

async fn start(threads: usize, backend: &Arc<Backend>, port: u16) -> Proxy {
    Proxy::with(Options { threads, ..Options::default() }, socket(ANY_PORT, Routes::all(to(backend, port)))).await
}

/// Clients of one thread each: which one is the kernel's choice, and shown by the connection that a first request opens for the
/// thread.
async fn clients_of_each_thread(proxy: &Proxy, upstream: &Upstream, held: &Held, threads: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    // As long as what was asked before is not answered, a thread that has a connection waits for it, and one that has none
    // opens its first.
    soon(async {
        while clients.len() < threads {
            let (mut client, opened) = (Client::connect(proxy.address).await, upstream.connections());
            let path = format!("/first-{}", clients.len());
            held.release(&path);
            assert_eq!(client.get(&path).await.status, 200);
            if upstream.connections() > opened {
                clients.push(client);
            }
        }
    })
    .await;
    clients
}

fn get(proxy: &Proxy, path: &str) -> JoinHandle<Answer> {
    tokio::spawn(ask(proxy.address, Request::get(path)))
}

#[tokio::test]
async fn as_many_are_held_as_the_limits_say_in_one_thread_or_several() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for threads in [1, 2, 4] {
            let (held, upstream) = Held::start(protocol).await;
            let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
            backend.limits = Limits { connections: Some(4), pending_requests: Some(4), ..Limits::default() };
            backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
            let backend = backend.build();
            let proxy = start(threads, &backend, upstream.address.port()).await;
            // All at once: connections are being opened while others come.
            let asked: Vec<_> = (0..8).map(|nth| get(&proxy, &format!("/{nth}"))).collect();
            until(|| held.asked().len() >= 4).await;
            (0..8).for_each(|nth| held.release(&format!("/{nth}")));
            for asked in asked {
                assert_eq!(soon(asked).await.unwrap().text(), "ok", "{protocol:?}, {threads} threads");
            }
            assert_eq!(backend.breakers.overflows(Limit::PendingRequests), 0);
            // Each thread may open its first one whatever the limit.
            assert!(held.most.load(SeqCst) <= 4 + threads);
            assert!(upstream.connections() <= 8, "{} connections", upstream.connections());
            until(|| in_use(&backend).1 == 0).await;
        }
    }
}

#[tokio::test]
async fn one_more_than_the_limits_hold_is_refused() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (held, upstream) = Held::start(protocol).await;
        let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
        backend.limits = Limits { connections: Some(4), pending_requests: Some(4), ..Limits::default() };
        backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
        let backend = backend.build();
        let proxy = start(1, &backend, upstream.address.port()).await;
        let asked: Vec<_> = (0..8).map(|nth| get(&proxy, &format!("/{nth}"))).collect();
        until(|| held.asked().len() == 4 && in_use(&backend) == (4, 4)).await;
        assert_eq!(soon(get(&proxy, "/more")).await.unwrap().status, 503);
        (0..8).for_each(|nth| held.release(&format!("/{nth}")));
        for asked in asked {
            assert_eq!(soon(asked).await.unwrap().text(), "ok");
        }
        assert_eq!((upstream.connections(), backend.breakers.overflows(Limit::PendingRequests)), (4, 1));
    }
}

#[tokio::test]
async fn what_is_free_goes_to_who_has_waited_longest() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (held, upstream) = Held::start(protocol).await;
        let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
        backend.limits.connections = Some(1);
        backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
        let backend = backend.build();
        let proxy = start(1, &backend, upstream.address.port()).await;
        let mut asked = HashMap::new();
        for nth in 0..5_usize {
            asked.insert(nth, get(&proxy, &format!("/{nth}")));
            until(|| in_use(&backend) == (1, nth as u32) && !held.asked().is_empty()).await;
        }
        // One of those in the middle leaves.
        asked.remove(&2).unwrap().abort();
        until(|| in_use(&backend).1 == 3).await;
        for nth in [0, 1, 3, 4] {
            held.has(&format!("/{nth}")).await;
            // As this one ends, another comes, which must not overtake.
            let late = (nth == 1).then(|| get(&proxy, "/late"));
            if late.is_some() {
                until(|| in_use(&backend).1 == 3).await;
            }
            held.release(&format!("/{nth}"));
            assert_eq!(soon(asked.remove(&nth).unwrap()).await.unwrap().status, 200);
            if let Some(late) = late {
                asked.insert(5, late);
            }
        }
        held.release("/late");
        assert_eq!(soon(asked.remove(&5).unwrap()).await.unwrap().status, 200);
        assert_eq!(held.asked(), ["/0", "/1", "/3", "/4", "/late"], "{protocol:?}");
        assert_eq!(upstream.connections(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_becomes_free_is_taken_by_who_opens_one_that_does_not_come() {
    // Accepts one connection, and after that none: its backlog is full.
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&ANY_PORT.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    listener.set_nonblocking(true).unwrap();
    let upstream = tokio::net::TcpListener::from_std(listener.into()).unwrap();
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts.connect = std::time::Duration::from_secs(3600);
    let backend = backend.build();
    let proxy = start(1, &backend, address.port()).await;
    let first = get(&proxy, "/1");
    let (mut stream, _) = soon(upstream.accept()).await.unwrap();
    Raw::head(&mut stream).await;
    let _fill = TcpStream::connect(address).await.unwrap();
    let second = get(&proxy, "/2");
    until(|| in_use(&backend) == (2, 1)).await;
    stream.write_all(OK).await.unwrap();
    assert_eq!(soon(first).await.unwrap().status, 200);
    assert!(Raw::head(&mut stream).await.starts_with("GET /2 "));
    stream.write_all(OK).await.unwrap();
    assert_eq!(soon(second).await.unwrap().status, 200);
    assert_eq!(in_use(&backend), (2, 0), "what is being opened is for those who come later");
}

#[tokio::test]
async fn what_who_left_was_given_goes_to_the_next() {
    // Whether the one that leaves has been given the connection already is the scheduler's choice: it may not matter.
    for _ in 0..50 {
        let (held, upstream) = Held::start(Protocol::Http1).await;
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.limits.connections = Some(1);
        let backend = backend.build();
        let proxy = start(1, &backend, upstream.address.port()).await;
        let first = get(&proxy, "/1");
        held.has("/1").await;
        let second = get(&proxy, "/2");
        until(|| in_use(&backend).1 == 1).await;
        let third = get(&proxy, "/3");
        until(|| in_use(&backend).1 == 2).await;
        held.release("/1");
        second.abort();
        held.release("/2");
        held.release("/3");
        for asked in [first, third] {
            assert_eq!(soon(asked).await.unwrap().status, 200);
        }
        until(|| in_use(&backend).1 == 0).await;
    }
}

#[tokio::test]
async fn what_a_thread_does_not_use_is_given_up_for_another_that_waits() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for threads in [2, 4] {
            let (held, upstream) = Held::start(protocol).await;
            let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
            let most = threads as u32;
            backend.limits = Limits { connections: Some(most), pending_requests: Some(1), ..Limits::default() };
            backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
            let backend = backend.build();
            let proxy = start(threads, &backend, upstream.address.port()).await;
            // Every thread has one that it does not use: as many as there may be.
            let mut clients = clients_of_each_thread(&proxy, &upstream, &held, threads).await;
            assert_eq!(in_use(&backend), (most, 0), "{protocol:?}");
            // As many requests as there may be connections, and one that waits.
            let before = held.asked().len();
            let (mut one, address) = (clients.remove(0), proxy.address);
            let used = tokio::spawn(async move { one.get("/used").await });
            held.has("/used").await;
            // To which thread these come is the kernel's choice: they use what the others have, there or here.
            let asked: Vec<_> =
                (0..threads).map(|nth| tokio::spawn(ask(address, Request::get(format!("/{nth}"))))).collect();
            until(|| held.asked().len() == before + threads).await;
            held.release("/used");
            (0..threads).for_each(|nth| held.release(&format!("/{nth}")));
            assert_eq!(soon(used).await.unwrap().status, 200);
            for asked in asked {
                assert_eq!(soon(asked).await.unwrap().status, 200, "{protocol:?}, {threads} threads");
            }
            assert_eq!(backend.breakers.overflows(Limit::PendingRequests), 0);
            assert!(backend.breakers.active(Limit::Connections) <= most);
        }
    }
}

#[tokio::test]
async fn what_one_endpoint_does_not_use_is_given_up_for_the_other() {
    let ((one, first), (two, second)) = (Raw::bind().await, Raw::bind().await);
    let mut backend = BackendOf::http1(&[]);
    let endpoints = [first, second].map(crate::support::endpoint).to_vec();
    backend.discovery = backstay_upstream::Discovery::addresses(endpoints);
    backend.limits.connections = Some(3);
    let backend = backend.build();
    let proxy = start(1, &backend, 1).await;
    // Two to each would be one too many. Turns alternate.
    let asked: Vec<_> = (0..2).map(|_| get(&proxy, "/")).collect();
    let (mut a, _) = one.accept().await;
    let (mut b, _) = two.accept().await;
    let third = get(&proxy, "/third");
    let (other, mut c) = soon(async {
        tokio::select! {
            (stream, _) = one.accept() => (&two, stream),
            (stream, _) = two.accept() => (&one, stream),
        }
    })
    .await;
    let fourth = get(&proxy, "/fourth");
    until(|| in_use(&backend) == (3, 1)).await;
    c.write_all(OK).await.unwrap();
    assert_eq!(soon(third).await.unwrap().status, 200);
    // What is unused there makes room for a second one here.
    let (mut d, head) = other.accept().await;
    assert!(head.starts_with("GET /fourth "), "{head}");
    for stream in [&mut a, &mut b, &mut d] {
        stream.write_all(OK).await.unwrap();
    }
    for asked in asked.into_iter().chain([fourth]) {
        assert_eq!(soon(asked).await.unwrap().status, 200);
    }
    assert_eq!(in_use(&backend), (3, 0));
}

#[tokio::test]
async fn limits_that_are_raised_let_in_who_waits() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (held, upstream) = Held::start(protocol).await;
        let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
        backend.limits.connections = Some(1);
        backend.policy.connections.max_streams = std::num::NonZeroU32::new(1);
        let backend = backend.build();
        let proxy = start(1, &backend, upstream.address.port()).await;
        let first = get(&proxy, "/1");
        held.has("/1").await;
        let second = get(&proxy, "/2");
        until(|| in_use(&backend) == (1, 1)).await;
        backend.breakers.set_limits(&Limits { connections: Some(2), ..Limits::default() });
        held.has("/2").await;
        for (path, asked) in [("/2", second), ("/1", first)] {
            held.release(path);
            assert_eq!(soon(asked).await.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn connections_that_rest_for_a_moment_are_kept() {
    // More than may be kept unused, all of them between two requests at the same time.
    let (held, upstream) = Held::start(Protocol::Http1).await;
    let backend = BackendOf::http1(&[upstream.address]).build();
    let limits = backstay_proxy::server::Limits { max_idle_upstream: 2, ..Default::default() };
    let options = Options { limits, ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend, upstream.address.port())))).await;
    let rounds = 20;
    for round in 1..=rounds {
        let asked: Vec<_> = (0..8).map(|_| get(&proxy, "/")).collect();
        until(|| held.asked().len() == 8 * round).await;
        (0..8).for_each(|_| held.release("/"));
        for asked in asked {
            assert_eq!(soon(asked).await.unwrap().status, 200);
        }
    }
    // Where the machine stands still for a while between two rounds, some have been unused for long.
    assert!(upstream.connections() < 8 + 6 * rounds / 2, "{} connections", upstream.connections());
    // Those that stay unused go, by and by.
    until(|| backend.breakers.active(Limit::Connections) == 2).await;
    assert_eq!(backend.metrics.connections_retired.max_idle.get(), upstream.connections() as u64 - 2);
}
