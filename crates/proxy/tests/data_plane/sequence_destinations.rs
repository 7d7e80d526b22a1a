//! Destinations of sequences: which member of a pool gets a request, and what happens when it cannot have it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{EndpointState, LoadBalancing};
use backstay_proto::config::{Pool, expression, local_reply::Cause, pool::Selection, variable::Part};
use backstay_upstream::{Backend, Discovery};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::sequence::{SequenceOf, header, member, not, of, part, select, text};
use crate::support::{Answer, BackendOf, Client, Proxy, Raw, Upstream, ask, echo};

async fn named(name: &'static str) -> Upstream {
    Upstream::http1(move |_| async move { Response::new(Full::from(name)) }).await
}

/// A backend that is used only while its endpoint is healthy.
fn strict(address: SocketAddr) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[address]);
    let strict = LoadBalancing { panic_threshold: 0, ..LoadBalancing::default() };
    backend.policy.balancing = Arc::new(strict);
    backend.build()
}

fn state(backend: &Backend) -> Arc<EndpointState> {
    let Discovery::Addresses(list) = &backend.discovery else { panic!() };
    Arc::clone(list.load().set().state(0).unwrap())
}

fn is_sick(backend: &Backend, sick: bool) {
    state(backend).set_failed_check(sick, Duration::from_secs(1));
}

/// An address that nobody listens on.
async fn nobody() -> SocketAddr {
    Raw::bind().await.1
}

/// Three named upstreams with their backends, and a pool of them.
async fn three(pool: Pool, weights: [u32; 3]) -> ([Upstream; 3], [Arc<Backend>; 3], SequenceOf) {
    let upstreams = [named("a").await, named("b").await, named("c").await];
    let backends = [0, 1, 2].map(|index: usize| strict(upstreams[index].address));
    let mut sequence = SequenceOf::default();
    let mut members = Vec::new();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        sequence = sequence.backend(name, &backends[index]);
        members.push(member(name, upstreams[index].address.port(), weights[index]));
    }
    let sequence = sequence.pool("pool", Pool { members, ..pool }).step(None, &[select("pool")]);
    (upstreams, backends, sequence.worded(&[Cause::PoolUnhealthy, Cause::QuorumNotReached]))
}

async fn shares(proxy: &Proxy, requests: usize) -> HashMap<String, usize> {
    let mut shares = HashMap::new();
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..requests {
        *shares.entry(client.get("/").await.text().to_owned()).or_default() += 1;
    }
    shares
}

#[tokio::test]
async fn members_get_their_shares_while_they_are_healthy() {
    let (_upstreams, backends, sequence) = three(Pool::default(), [100, 100, 0]).await;
    let proxy = Proxy::start(sequence.table()).await;
    let both = shares(&proxy, 400).await;
    assert!(both["a"] > 140 && both["b"] > 140 && both.len() == 2, "{both:?}");
    is_sick(&backends[0], true);
    assert_eq!(shares(&proxy, 20).await, [("b".to_owned(), 20)].into());
    is_sick(&backends[1], true);
    assert_eq!(shares(&proxy, 2).await, [("<p>POOL_UNHEALTHY</p>".to_owned(), 2)].into());
}

#[tokio::test]
async fn the_quorum_is_a_share_of_the_weight() {
    let (_upstreams, backends, sequence) = three(Pool { quorum: 75, ..Pool::default() }, [50, 25, 25]).await;
    let sequence = sequence.step(not(of(expression::Kind::Healthy(String::new()))), &[]);
    let proxy = Proxy::start(sequence.table()).await;
    is_sick(&backends[1], true);
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    is_sick(&backends[2], true);
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "<p>QUORUM_NOT_REACHED</p>");
    is_sick(&backends[0], true);
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "<p>POOL_UNHEALTHY</p>");
}

#[tokio::test]
async fn a_key_stays_with_its_member() {
    let pool = Pool { selection: Selection::Hash.into(), hash_key: Some(header("x-key")), ..Pool::default() };
    let (_upstreams, backends, sequence) = three(pool, [1, 1, 1]).await;
    let proxy = Proxy::start(sequence.table()).await;
    let mut before = Vec::new();
    for key in 0..60 {
        before.push(ask(proxy.address, Request::get("/").header("x-key", key)).await.text().to_owned());
    }
    assert!(["a", "b", "c"].iter().all(|name| before.iter().any(|taken| taken == name)), "{before:?}");
    is_sick(&backends[0], true);
    for (key, before) in before.iter().enumerate() {
        let now = ask(proxy.address, Request::get("/").header("x-key", key)).await;
        assert!(now.text() == before || before == "a", "{key} moved from {before} to {}", now.text());
    }
}

#[tokio::test]
async fn a_fallback_is_in_order() {
    let (_upstreams, backends, sequence) =
        three(Pool { selection: Selection::Fallback.into(), ..Pool::default() }, [1, 1, 1]).await;
    let proxy = Proxy::start(sequence.table()).await;
    for name in ["a", "b", "c"] {
        assert_eq!(shares(&proxy, 5).await, [(name.to_owned(), 5)].into());
        is_sick(&backends[usize::from(name.as_bytes()[0] - b'a')], true);
    }
    is_sick(&backends[1], false);
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "b");
}

#[tokio::test]
async fn conditions_see_the_health_of_destinations() {
    let (first, second) = (named("first").await, named("second").await);
    let backends = [strict(first.address), strict(second.address)];
    let healthy = |name: &str| of(expression::Kind::Healthy(name.to_owned()));
    let sequence = SequenceOf::default()
        .destination("first", &backends[0], first.address.port())
        .destination("second", &backends[1], second.address.port())
        .step(healthy(""), &[select("second")])
        .step(None, &[select("first")])
        .step(not(healthy("")), &[select("second")])
        .step(not(healthy("second")), &[select("first")]);
    let proxy = Proxy::start(sequence.table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "first");
    is_sick(&backends[0], true);
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "second");
}

/// A pool whose first member cannot be connected to.
fn fallback(dead: SocketAddr, alive: SocketAddr, retries: u32) -> SequenceOf {
    let members = vec![member("dead", dead.port(), 1), member("alive", alive.port(), 1)];
    SequenceOf::default()
        .backend("dead", &strict(dead))
        .backend("alive", &strict(alive))
        .pool("pool", Pool { members, selection: Selection::Fallback.into(), retries, ..Pool::default() })
        .step(None, &[select("pool")])
        .worded(&[Cause::PoolUnhealthy, Cause::ResponseBroken])
}

#[tokio::test]
async fn another_member_is_tried_when_there_is_no_connection() {
    let alive = Upstream::http1(echo).await;
    for expected in ["", "one two"] {
        let mut sequence = fallback(nobody().await, alive.address, 1);
        sequence.message.backend_header = "x-backend".into();
        let proxy = Proxy::start(sequence.table()).await;
        let mut client = Client::connect(proxy.address).await;
        let parts = ["one ", "two"].map(|part| Ok(http_body::Frame::data(Bytes::from(part))));
        let stream = StreamBody::new(futures::stream::iter(parts)).boxed();
        let body = if expected.is_empty() { Full::default().boxed() } else { stream };
        let request = Request::post("/").header("host", "test").body(body).unwrap();
        let answer = Answer::read(client.begin(request).await.unwrap()).await;
        assert!(answer.text().ends_with(&format!("\n\n{expected}")), "{}", answer.text());
        assert_eq!(answer.header("x-backend"), "pool/alive");
    }
}

#[tokio::test]
async fn no_more_members_are_tried_than_retries_allow() {
    let alive = named("alive").await;
    let proxy = Proxy::start(fallback(nobody().await, alive.address, 0).table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "<p>POOL_UNHEALTHY</p>");
    let proxy = Proxy::start(fallback(nobody().await, nobody().await, 9).table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "<p>POOL_UNHEALTHY</p>");
}

#[tokio::test]
async fn a_member_that_has_seen_the_request_is_the_last() {
    let alive = named("alive").await;
    for answer in [&b""[..], b"HTTP/1.1 200"] {
        let breaks = Upstream::serve(move |mut stream| async move {
            Raw::head(&mut stream).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let proxy = Proxy::start(fallback(breaks.address, alive.address, 1).table()).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "<p>RESPONSE_BROKEN</p>");
    }
}

/// An endpoint that answers one request, and goes away with the second on the same connection.
async fn leaving() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        drop(listener);
        Raw::head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst").await.unwrap();
        Raw::head(&mut stream).await;
    });
    address
}

#[tokio::test]
async fn what_a_kept_connection_ended_under_goes_to_the_next_member_if_it_may_be_repeated() {
    let alive = named("alive").await;
    for (method, answer) in [("GET", "alive"), ("POST", "<p>RESPONSE_BROKEN</p>")] {
        let proxy = Proxy::start(fallback(leaving().await, alive.address, 1).table()).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "first");
        assert_eq!(ask(proxy.address, Request::builder().uri("/").method(method)).await.text(), answer);
    }
}

#[tokio::test]
async fn the_header_names_who_answered_and_why_nobody_did() {
    let upstream = Upstream::http1(|_| async {
        Response::builder().header("x-backend", "I say so").body(Full::from("x")).unwrap()
    })
    .await;
    let mut sequence = SequenceOf::default()
        .destination("main one", &strict(upstream.address), upstream.address.port())
        .destination("gone", &strict(nobody().await), 1)
        .step(of(expression::Kind::Not(Box::new(header("x-none")))), &[select("main one")])
        .step(header("x-gone"), &[select("gone")]);
    sequence.message.backend_header = "x-backend".into();
    let proxy = Proxy::start(sequence.table()).await;
    let said = async |request: http::request::Builder| ask(proxy.address, request).await.header("x-backend").to_owned();
    assert_eq!(said(Request::get("/")).await, "main one");
    assert_eq!(said(Request::get("/").header("x-gone", "1")).await, "gone; cause=connect_failure");
    assert_eq!(said(Request::get("/").header("x-none", "1")).await, "cause=no_destination");
}

#[tokio::test]
async fn a_backend_that_is_not_there_answers_500() {
    let upstream = named("up").await;
    let mut sequence = SequenceOf::default().pool(
        "pool",
        Pool { members: vec![member("missing", 80, 100), member("up", upstream.address.port(), 1)], ..Pool::default() },
    );
    sequence = sequence.backend("up", &strict(upstream.address)).step(None, &[select("pool")]);
    sequence.message.destinations.push(backstay_proto::config::Destination {
        name: "missing".into(),
        kind: Some(backstay_proto::config::destination::Kind::Backend(crate::support::sequence::reference(
            "missing", 1,
        ))),
    });
    let sequence = sequence.step(crate::support::sequence::equal(part(Part::Path), text("/m")), &[select("missing")]);
    let proxy = Proxy::start(sequence.table()).await;
    assert_eq!(ask(proxy.address, Request::get("/m")).await.status, 500);
    for _ in 0..10 {
        assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "up");
    }
}
