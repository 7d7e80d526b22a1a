//! Starting, changing and stopping while there is traffic, and clients that are in no hurry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use backstay_proxy::config::Filters;
use backstay_proxy::route::{Matcher, Table};
use backstay_proxy::server::{Limits, Options, Workers};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::wire::{END_HEADERS, END_STREAM, GOAWAY, HEADERS, Wire, frame, head_of};
use crate::support::{
    ANY_PORT, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, config, raw, socket, soon, text, to,
};

fn says(body: &'static str) -> Table {
    Routes::default().rule("", Matcher::prefix("/"), Filters::default(), text(200, body)).build()
}

#[tokio::test]
async fn a_change_is_served_when_apply_returns_and_connections_stay() {
    let mut proxy = Proxy::with(Options { threads: 2, ..Options::default() }, socket(ANY_PORT, says("0"))).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Client::connect(proxy.address).await);
    }
    const NAMES: [&str; 5] = ["1", "2", "3", "4", "5"];
    for name in NAMES {
        let failed = proxy.workers.apply(config(vec![socket(ANY_PORT, says(name))])).await;
        assert!(failed.is_empty());
        for client in &mut clients {
            assert_eq!(client.get("/").await.text(), name);
        }
    }
}

#[tokio::test]
async fn a_request_ends_with_what_it_began_with() {
    let go = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&go);
    let upstream = Upstream::http1(move |_| {
        let wait = Arc::clone(&wait);
        async move {
            let _ = wait.acquire().await;
            Response::new(Full::<Bytes>::from("old"))
        }
    })
    .await;
    let mut proxy = Proxy::start(Routes::to(upstream.address)).await;
    let address = proxy.address;
    let slow = tokio::spawn(async move { ask(address, Request::get("/")).await.text().to_owned() });
    while upstream.connections() == 0 {
        tokio::task::yield_now().await;
    }
    proxy.workers.apply(config(vec![socket(ANY_PORT, says("new"))])).await;
    assert_eq!(ask(address, Request::get("/")).await.text(), "new");
    go.add_permits(1);
    assert_eq!(soon(slow).await.unwrap(), "old");
}

#[tokio::test]
async fn a_backend_that_does_not_change_keeps_its_connections() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::<Bytes>::from("ok")) }).await;
    let backend = BackendOf::http1(&[upstream.address]).build();
    let with_backend = || {
        let mut config = backstay_proxy::config::Config {
            sockets: vec![socket(ANY_PORT, Routes::all(to(&backend, upstream.address.port())))],
            ..Default::default()
        };
        config.backends.insert("backend/test".into(), Arc::clone(&backend));
        Arc::new(config)
    };
    let mut proxy = Proxy::start(says("x")).await;
    for _ in 0..3 {
        proxy.workers.apply(with_backend()).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn sockets_come_and_go() {
    let mut workers = Workers::start(Options { threads: 2, ..Options::default() }).unwrap();
    let other = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
    workers.apply(config(vec![socket(ANY_PORT, says("a")), socket(other, says("b"))])).await;
    let (a, b) = (workers.bound(ANY_PORT).unwrap(), workers.bound(other).unwrap());
    assert_eq!(ask(a, Request::get("/")).await.text(), "a");
    let mut kept = Client::connect(b).await;
    assert_eq!(kept.get("/").await.text(), "b");

    workers.apply(config(vec![socket(ANY_PORT, says("a"))])).await;
    assert_eq!(workers.bound(other), None);
    assert!(TcpStream::connect(b).await.is_err(), "nobody listens any more");
    assert_eq!(ask(a, Request::get("/")).await.text(), "a");
    let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
    assert!(kept.begin(request).await.is_err(), "connections of the socket are closed");
    let again = std::net::SocketAddr::new(b.ip(), b.port());
    let failed = workers.apply(config(vec![socket(ANY_PORT, says("a")), socket(again, says("c"))])).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(ask(again, Request::get("/")).await.text(), "c");
}

#[tokio::test]
async fn an_address_in_use_is_refused_by_name_and_the_rest_is_served() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let other_proxy = Proxy::start(says("other")).await;
    let mut workers = Workers::start(Options::default()).unwrap();
    let sockets =
        || vec![socket(address, says("x")), socket(other_proxy.address, says("x")), socket(ANY_PORT, says("served"))];
    let failed = workers.apply(config(sockets())).await;
    let mut addresses: Vec<_> = failed.iter().map(|failed| failed.address).collect();
    addresses.sort();
    let mut expected = [address, other_proxy.address];
    expected.sort();
    assert_eq!(addresses, expected);
    assert!(failed[0].to_string().contains("for listener/test: Address already in use"), "{}", failed[0]);
    assert_eq!(ask(workers.bound(ANY_PORT).unwrap(), Request::get("/")).await.text(), "served");

    drop(taken);
    let failed = workers.apply(config(sockets())).await;
    assert_eq!(failed.len(), 1, "the freed address is bound at the next change");
    assert_eq!(ask(address, Request::get("/")).await.text(), "x");
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_takes_nothing_new() {
    let (upstream, upstream_address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(upstream_address)).await;
    let address = proxy.address;
    let mut idle = Client::connect(address).await;
    let first = tokio::spawn(async move { raw(address, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n").await });
    let (mut one, _) = upstream.accept().await;
    let mut client = H2Client::connect(address).await;
    let second = tokio::spawn(async move { client.get("http://a/2").await.text().to_owned() });
    let (mut two, _) = upstream.accept().await;

    let drain = tokio::spawn(proxy.workers.drain(Duration::from_secs(60)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!drain.is_finished());
    for stream in [&mut one, &mut two] {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await.unwrap();
    }
    let answer = soon(first).await.unwrap();
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("done"), "{answer}");
    assert_eq!(soon(second).await.unwrap(), "done");
    soon(drain).await.unwrap();
    let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
    assert!(idle.begin(request).await.is_err());
}

#[tokio::test]
async fn a_drain_cuts_what_is_left_at_its_deadline() {
    let (upstream, upstream_address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(upstream_address)).await;
    let address = proxy.address;
    let asking = tokio::spawn(async move { raw(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await });
    let (_stream, _) = upstream.accept().await;
    soon(proxy.workers.drain(Duration::from_millis(50))).await;
    assert_eq!(soon(asking).await.unwrap(), "");
}

fn hurried() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(150),
        idle_timeout: Duration::from_millis(400),
        stream_idle_timeout: Duration::from_millis(400),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_head_that_comes_in_drops_is_cut() {
    // Byte by byte, so large a head takes far longer than it may.
    let limits = Limits { header_timeout: Duration::from_millis(50), max_head_size: 16 << 20, ..Limits::default() };
    let proxy = Proxy::limited(limits, says("x")).await;
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a')) {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    let mut read = Vec::new();
    let _ = soon(reader.read_to_end(&mut read)).await;
    let answer = String::from_utf8(read).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer:?}");
    dripping.abort();
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut() {
    let proxy = Proxy::limited(hurried(), says("x")).await;
    assert_eq!(raw(proxy.address, "").await, "");
    assert_eq!(raw(proxy.address, "PRI * HT").await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_one_of_http_2_is_told() {
    let proxy = Proxy::limited(hurried(), says("x")).await;
    let answer = raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nx"), "{answer}");
    let (mut client, ended) = H2Client::open(TcpStream::connect(proxy.address).await.unwrap()).await;
    assert_eq!(client.get("http://a/").await.text(), "x");
    // The client still holds it, and would go on: it learns that it cannot before the connection is gone.
    soon(ended).await.unwrap().unwrap();
    assert!(client.begin(Request::get("http://a/").body(Full::default().boxed()).unwrap()).await.is_err());

    let mut wire = Wire::connect(proxy.address, &[]).await;
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head_of("GET", &[]))).await;
    assert!(wire.until(HEADERS).await.is_some());
    let told = wire.until(GOAWAY).await.expect("it is told");
    assert_eq!(told.payload[4..8], [0; 4], "without a fault");
    assert!(wire.until(HEADERS).await.is_none(), "and closed");
}

#[tokio::test]
async fn a_request_on_which_nothing_moves_is_cut() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::limited(hurried(), Routes::to(address)).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";
    let (answer, (mut stream, _)) = tokio::join!(raw(proxy.address, request), upstream.accept());
    assert_eq!(answer, "");
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let proxy = Proxy::limited(Limits { max_connections: 2, ..Limits::default() }, says("x")).await;
    let mut one = Client::connect(proxy.address).await;
    let mut two = Client::connect(proxy.address).await;
    assert_eq!(
        (one.get("/").await.status, two.get("/").await.status),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(raw(proxy.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await, "");
    drop(one);
    soon(async {
        while proxy.workers.connections() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "x");
}

#[tokio::test]
async fn http2_clients_may_have_so_many_requests_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let go = Arc::new(Semaphore::new(1));
    let shared = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&go));
    let upstream = Upstream::http1(move |_| {
        let (now, most, go) = shared.clone();
        async move {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            let _ = go.acquire().await.map(tokio::sync::SemaphorePermit::forget);
            now.fetch_sub(1, SeqCst);
            Response::new(Full::<Bytes>::from("ok"))
        }
    })
    .await;
    let proxy = Proxy::limited(Limits { max_streams: 3, ..Limits::default() }, Routes::to(upstream.address)).await;
    let mut client = H2Client::connect(proxy.address).await;
    // The client learns the limit with its first answer, and holds requests beyond it back.
    assert_eq!(client.get("http://a/").await.text(), "ok");
    let asking: Vec<_> = (0..7)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.get("http://a/").await.text().to_owned() })
        })
        .collect();
    soon(async {
        while now.load(SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    go.add_permits(7);
    for answer in asking {
        assert_eq!(soon(answer).await.unwrap(), "ok");
    }
    assert_eq!(most.load(SeqCst), 3);
}
