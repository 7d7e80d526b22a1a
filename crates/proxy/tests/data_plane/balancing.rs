//! Which endpoint gets a request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{ConfiguredHealth, LoadBalancing, Maglev, OutlierDetection, Policy as Choice};
use backstay_model::{HashCookie, HashKind, HashPolicy, HostRewrite, Timeouts};
use backstay_upstream::{Discovery, Endpoint};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::support::{BackendOf, Client, Proxy, Raw, Routes, Upstream, ask, echo, endpoint, soon, to};

/// Upstreams that answer with their number, and the endpoints that they are.
pub(crate) async fn numbered(count: usize) -> (Vec<Upstream>, Vec<Endpoint>) {
    let mut upstreams = Vec::new();
    for number in 0..count {
        let answer = move |_| async move { Response::new(Full::from(number.to_string())) };
        upstreams.push(Upstream::http1(answer).await);
    }
    let endpoints = upstreams.iter().map(|upstream| endpoint(upstream.address)).collect();
    (upstreams, endpoints)
}

pub(crate) fn backend(endpoints: Vec<Endpoint>, balancing: LoadBalancing) -> BackendOf {
    let mut backend = BackendOf::http1(&[]);
    backend.discovery = Discovery::addresses(endpoints);
    backend.policy.balancing = Arc::new(balancing);
    backend
}

pub(crate) async fn counts(proxy: &Proxy, requests: usize) -> BTreeMap<String, usize> {
    let mut client = Client::connect(proxy.address).await;
    let mut counts = BTreeMap::new();
    for _ in 0..requests {
        *counts.entry(client.get("/").await.text().to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn weights_are_kept_to_exactly() {
    let (_upstreams, mut endpoints) = numbered(3).await;
    for (endpoint, weight) in endpoints.iter_mut().zip([1, 2, 5]) {
        endpoint.weight = weight;
    }
    let proxy = Proxy::start(Routes::all(to(&backend(endpoints, LoadBalancing::default()).build(), 1))).await;
    let counts = counts(&proxy, 80).await;
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 20, 50]);
}

#[tokio::test]
async fn the_next_priority_takes_over() {
    let (_upstreams, mut endpoints) = numbered(2).await;
    endpoints[1].priority = 1;
    let backend = backend(endpoints.clone(), LoadBalancing::default()).build();
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    assert_eq!(counts(&proxy, 10).await, [("0".to_owned(), 10)].into());
    endpoints[0].stated = ConfiguredHealth::Unhealthy;
    backend.set_endpoints(endpoints);
    assert_eq!(counts(&proxy, 10).await, [("1".to_owned(), 10)].into());
}

#[tokio::test]
async fn without_panic_nobody_unhealthy_is_asked() {
    let (_upstreams, mut endpoints) = numbered(1).await;
    endpoints[0].stated = ConfiguredHealth::Unhealthy;
    for (panic_threshold, status) in [(0, 503), (50, 200)] {
        let balancing = LoadBalancing { panic_threshold, ..LoadBalancing::default() };
        let backend = backend(endpoints.clone(), balancing).build();
        let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.status, status);
        if status == 503 {
            assert_eq!(answer.text(), "no healthy upstream");
        }
    }
}

pub(crate) fn maglev() -> LoadBalancing {
    LoadBalancing { policy: Choice::Maglev(Maglev { table_size: 101 }), ..LoadBalancing::default() }
}

#[tokio::test]
async fn equal_hashes_lead_to_one_endpoint() {
    let (_upstreams, endpoints) = numbered(4).await;
    for kind in [
        HashKind::Header(http::HeaderName::from_static("x-user")),
        HashKind::Query("user".into()),
        HashKind::Cookie(HashCookie { name: "user".into(), ttl: None, path: "".into() }),
    ] {
        let mut backend = backend(endpoints.clone(), maglev());
        backend.policy.hash = [HashPolicy { kind, terminal: false }].into();
        let proxy = Proxy::start(Routes::all(to(&backend.build(), 1))).await;
        let mut seen = std::collections::HashSet::new();
        // That one of four gets none of so many happens once in 10^12 times.
        for user in 0..100 {
            let request = || {
                Request::get(format!("/?user={user}"))
                    .header("x-user", user)
                    .header("cookie", format!("a=b; user={user}"))
            };
            let first = ask(proxy.address, request()).await.text().to_owned();
            assert_eq!(ask(proxy.address, request()).await.text(), first);
            seen.insert(first);
        }
        assert_eq!(seen.len(), 4);
    }
}

/// A proxy before four upstreams, one of which is chosen by these policies.
async fn hashing(policies: Vec<HashPolicy>) -> (Vec<Upstream>, Proxy) {
    let (upstreams, endpoints) = numbered(4).await;
    let mut backend = backend(endpoints, maglev());
    backend.policy.hash = policies.into();
    (upstreams, Proxy::start(Routes::all(to(&backend.build(), 1))).await)
}

#[tokio::test]
async fn a_client_is_known_by_its_address() {
    let (_upstreams, proxy) = hashing(vec![HashPolicy { kind: HashKind::SourceIp, terminal: false }]).await;
    let mut seen = std::collections::HashSet::new();
    for last in 1..100 {
        let ask_from_there = async || {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
            let mut client = Client::over(socket.connect(proxy.address).await.unwrap()).await;
            client.get("/").await.text().to_owned()
        };
        let first = ask_from_there().await;
        assert_eq!(ask_from_there().await, first, "another port makes no difference");
        seen.insert(first);
    }
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn a_policy_that_is_terminal_keeps_later_ones_out() {
    let name = http::HeaderName::from_static("x-user");
    let places = async |terminal, headers: &[&str]| {
        let first = HashPolicy { kind: HashKind::Header(name.clone()), terminal };
        let second = HashPolicy { kind: HashKind::Query("page".into()), terminal: false };
        let (_upstreams, proxy) = hashing(vec![first, second]).await;
        let mut seen = std::collections::HashSet::new();
        for page in 0..100 {
            let request = Request::get(format!("/?page={page}"));
            let request = headers.iter().fold(request, |request, user| request.header("x-user", *user));
            seen.insert(ask(proxy.address, request).await.text().to_owned());
        }
        seen.len()
    };
    assert_eq!(places(true, &["anna"]).await, 1);
    assert_eq!(places(false, &["anna"]).await, 4);
    assert_eq!(places(true, &[]).await, 4, "it found nothing");
}

#[tokio::test]
async fn a_client_without_the_cookie_is_given_one() {
    let (_upstreams, endpoints) = numbered(4).await;
    let mut backend = backend(endpoints, maglev());
    let cookie = HashCookie { name: "at".into(), ttl: Some(Duration::from_secs(60)), path: "/p".into() };
    backend.policy.hash = [HashPolicy { kind: HashKind::Cookie(cookie), terminal: false }].into();
    let proxy = Proxy::start(Routes::all(to(&backend.build(), 1))).await;
    for _ in 0..8 {
        let first = ask(proxy.address, Request::get("/")).await;
        let line = first.header("set-cookie").to_owned();
        let (cookie, attributes) = line.split_once(';').unwrap();
        assert_eq!(attributes, " Max-Age=60; Path=/p; HttpOnly");
        let second = ask(proxy.address, Request::get("/").header("cookie", cookie)).await;
        assert_eq!((second.text(), second.header("set-cookie")), (first.text(), ""));
    }
}

#[tokio::test]
async fn who_fails_too_often_is_left_out() {
    let bad = Upstream::http1(|_| async { Response::builder().status(500).body(Full::from("bad")).unwrap() }).await;
    let (_upstreams, mut endpoints) = numbered(1).await;
    endpoints.push(endpoint(bad.address));
    let mut backend = backend(endpoints, LoadBalancing::default());
    backend.policy.outlier =
        Some(OutlierDetection { consecutive_5xx: 3, max_ejection_percent: 50, ..OutlierDetection::default() });
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    assert_eq!(counts(&proxy, 30).await, [("0".to_owned(), 27), ("bad".to_owned(), 3)].into());
    assert_eq!(backend.detector().unwrap().ejected(), 1);
}

#[tokio::test]
async fn the_host_is_the_backends() {
    let upstream = Upstream::http1(echo).await;
    let named = Endpoint {
        port: std::num::NonZeroU16::new(upstream.address.port()),
        ..Endpoint::named(upstream.address.ip(), "svc.example".try_into().unwrap())
    };
    let literal = HostRewrite::Literal(http::HeaderValue::from_static("literal.example"));
    for (rewrite, host) in
        [(HostRewrite::Keep, "test"), (literal, "literal.example"), (HostRewrite::Automatic, "svc.example")]
    {
        let mut backend = backend(vec![named.clone()], LoadBalancing::default());
        backend.policy.host = rewrite.clone();
        let proxy = Proxy::start(Routes::all(to(&backend.build(), 1))).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        assert!(answer.text().contains(&format!("\nhost: {host}\n")), "{}", answer.text());
        assert_eq!(answer.text().contains("x-forwarded-host: test"), rewrite != HostRewrite::Keep);
    }
}

#[tokio::test]
async fn the_first_byte_takes_too_long() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { first_byte: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let proxy = Proxy::start(Routes::all(to(&backend.build(), address.port()))).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (504, "upstream request timeout"));
    drop(upstream);
}

/// The connection of a request of which half the body has been sent, and where to send the rest.
async fn half_sent(
    proxy: &Proxy,
    upstream: &Raw,
) -> (JoinHandle<StatusCode>, mpsc::UnboundedSender<&'static str>, TcpStream) {
    let (parts, body) = mpsc::unbounded_channel::<&'static str>();
    let body = futures::stream::unfold(body, |mut body| async {
        let part = body.recv().await?;
        Some((Ok(http_body::Frame::data(part.into())), body))
    });
    let request = Request::post("/").header("host", "a").body(StreamBody::new(body).boxed()).unwrap();
    let mut client = Client::connect(proxy.address).await;
    let asked = tokio::spawn(async move { client.begin(request).await.unwrap().status() });
    parts.send("half").unwrap();
    let (stream, _) = upstream.accept().await;
    (asked, parts, stream)
}

#[tokio::test]
async fn a_request_that_is_still_being_sent_is_not_late() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { first_byte: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let proxy = Proxy::start(Routes::all(to(&backend.build(), address.port()))).await;
    let (first, _rest_of_first, mut stream) = half_sent(&proxy, &upstream).await;
    let (second, rest_of_second, _silent) = half_sent(&proxy, &upstream).await;
    // One that came later and was sent at once is late by now: so would the others be, if it were not for their bodies.
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 504);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(soon(first).await.unwrap(), 200);
    rest_of_second.send("rest").unwrap();
    drop(rest_of_second);
    assert_eq!(soon(second).await.unwrap(), 504, "from its end on it may be late");
}

#[tokio::test]
async fn a_part_of_the_answer_takes_too_long() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { between_bytes: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let proxy = Proxy::start(Routes::all(to(&backend.build(), address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
    let (response, _stream) = tokio::join!(client.begin(request), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        stream
    });
    assert!(soon(response.unwrap().collect()).await.is_err());
}

#[tokio::test]
async fn the_whole_takes_too_long() {
    let (_upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { total: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let proxy = Proxy::start(Routes::all(to(&backend.build(), address.port()))).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (504, "upstream request timeout"));
}
