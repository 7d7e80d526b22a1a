//! How a request has ended: of several things that would end it, what came first decides, in either order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backstay_proxy::config::Forward;
use backstay_proxy::server::{Limits, Options};
use backstay_upstream::Backend;
use backstay_upstream::counts::BackendCounts;
use serde_json::Value;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::wire::{END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE, Wire, frame, head_of};
use crate::support::{ANY_PORT, BackendOf, LogLines, Proxy, Raw, Routes, access_log, ask, on, socket, soon, to};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const HALF: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf.";
const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(200);

/// A proxy, the endpoint that it sends to, and what it logs.
struct Scene {
    /// Until it is drained.
    proxy: Option<Proxy>,
    /// Where clients find it.
    address: SocketAddr,
    endpoint: Raw,
    backend: Arc<Backend>,
    lines: Option<LogLines>,
}

impl Scene {
    async fn start(backend: impl FnOnce(&mut BackendOf), forward: impl FnOnce(&mut Forward), limits: Limits) -> Self {
        let (endpoint, address) = Raw::bind().await;
        let mut of = BackendOf::http1(&[address]);
        backend(&mut of);
        let backend = of.build();
        let mut route = to(&backend, address.port());
        forward(&mut route);
        let (log, lines) = access_log();
        let options = Options { access_log: Some(log), limits, ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(route))).await;
        Self { address: proxy.address, proxy: Some(proxy), endpoint, backend, lines: Some(lines) }
    }

    /// A client that has asked, and the endpoint's side of its request.
    async fn ask(&self) -> (TcpStream, TcpStream) {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(GET).await.unwrap();
        let (stream, _) = self.endpoint.accept().await;
        (client, stream)
    }

    /// The same, with half of an answer at the client.
    async fn half(&self) -> (TcpStream, TcpStream) {
        let (mut client, mut stream) = self.ask().await;
        stream.write_all(HALF).await.unwrap();
        Raw::head(&mut client).await;
        soon(client.read_exact(&mut [0; 5])).await.unwrap();
        (client, stream)
    }

    /// What the next line says.
    async fn ended(&mut self) -> String {
        let lines = self.lines.take().unwrap();
        let (lines, line) = tokio::task::spawn_blocking(move || {
            let line = lines.next();
            (lines, line)
        })
        .await
        .unwrap();
        self.lines = Some(lines);
        let text = |name: &str| line[name].as_str().map(str::to_owned).unwrap_or_default();
        assert_ne!(line["flags"], Value::Null);
        format!("{} {}", text("flags"), text("details"))
    }

    /// Resets of the endpoint, and timeouts of the whole, between bytes and of one attempt, as they were counted.
    fn counted(&self) -> [u64; 4] {
        let BackendCounts { resets, timeouts, .. } = &**self.backend.metrics;
        let resets = resets.connection.get() + resets.stream.get() + resets.protocol.get();
        [resets, timeouts.total.get(), timeouts.between_bytes.get(), timeouts.per_try.get()]
    }
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

const BROKEN_OFF: &str = "UC upstream_reset_after_response_started{connection_termination}";
const LEFT: &str = "DC downstream_remote_disconnect";
const TIMED_OUT: &str = "UT response_timeout";

#[tokio::test]
async fn the_client_leaves_and_the_endpoint_breaks_off() {
    for client_first in [true, false] {
        let mut scene = Scene::start(|_| {}, |_| {}, Limits::default()).await;
        let (client, stream) = scene.half().await;
        let (said, counted) = if client_first {
            reset(client);
            let said = scene.ended().await;
            reset(stream);
            (said, [0; 4])
        } else {
            reset(stream);
            let said = scene.ended().await;
            reset(client);
            (said, [1, 0, 0, 0])
        };
        assert_eq!(said, if client_first { LEFT } else { BROKEN_OFF });
        assert_eq!(scene.counted(), counted);
    }
}

#[tokio::test]
async fn the_endpoint_breaks_off_and_the_time_is_over() {
    for late in [true, false] {
        let timeout = if late { SHORT } else { LONG };
        let mut scene = Scene::start(|_| {}, |route| route.request_timeout = Some(timeout), Limits::default()).await;
        let (_client, mut stream) = scene.ask().await;
        stream.write_all(HALF).await.unwrap();
        if !late {
            reset(stream);
            assert_eq!((scene.ended().await.as_str(), scene.counted()), (BROKEN_OFF, [1, 0, 0, 0]));
        } else {
            assert_eq!(scene.ended().await, TIMED_OUT);
            reset(stream);
            assert_eq!(scene.counted(), [0, 1, 0, 0]);
        }
    }
}

#[tokio::test]
async fn the_client_leaves_and_the_time_is_over() {
    for answered in [false, true] {
        for late in [true, false] {
            let timeout = if late { SHORT } else { LONG };
            let forward = |route: &mut Forward| route.request_timeout = Some(timeout);
            let mut scene = Scene::start(|_| {}, forward, Limits::default()).await;
            let (client, _stream) = if answered { scene.half().await } else { scene.ask().await };
            if !late {
                reset(client);
                assert_eq!((scene.ended().await.as_str(), scene.counted()), (LEFT, [0; 4]));
            } else {
                assert_eq!(scene.ended().await, TIMED_OUT);
                reset(client);
                assert_eq!(scene.counted(), [0, 1, 0, 0]);
            }
        }
    }
}

#[tokio::test]
async fn the_client_leaves_and_the_answer_is_complete() {
    for complete in [true, false] {
        let mut scene = Scene::start(|_| {}, |_| {}, Limits::default()).await;
        let (client, mut stream) = scene.half().await;
        if complete {
            stream.write_all(b"half.").await.unwrap();
            let said = scene.ended().await;
            reset(client);
            assert_eq!(said, "- via_upstream");
        } else {
            reset(client);
            assert_eq!(scene.ended().await, LEFT);
            let _ = stream.write_all(b"half.").await;
        }
        assert_eq!(scene.counted(), [0; 4]);
    }
}

#[tokio::test]
async fn a_drain_waits_no_longer_and_the_time_is_over() {
    for answered in [false, true] {
        for late in [true, false] {
            let (timeout, patience) = if late { (SHORT, LONG) } else { (LONG, SHORT) };
            let forward = |route: &mut Forward| route.request_timeout = Some(timeout);
            let mut scene = Scene::start(|_| {}, forward, Limits::default()).await;
            let (_client, _stream) = if answered { scene.half().await } else { scene.ask().await };
            soon(scene.proxy.take().unwrap().workers.drain(patience)).await;
            let expected = if late { TIMED_OUT } else { "DC downstream_local_disconnect" };
            assert_eq!(scene.ended().await, expected, "answered: {answered}");
            assert_eq!(scene.counted(), [0, u64::from(late), 0, 0]);
        }
    }
}

#[tokio::test]
async fn two_timeouts_of_an_answer() {
    for (total, between, expected, counted) in [
        (SHORT, LONG, TIMED_OUT, [0, 1, 0, 0]),
        (LONG, SHORT, "UT between_bytes_timeout", [0, 0, 1, 0]),
        // The part came after the whole began.
        (SHORT, SHORT, TIMED_OUT, [0, 1, 0, 0]),
    ] {
        let backend = |backend: &mut BackendOf| backend.timeouts.between_bytes = Some(between);
        let mut scene = Scene::start(backend, |route| route.request_timeout = Some(total), Limits::default()).await;
        let (_client, mut stream) = scene.ask().await;
        stream.write_all(HALF).await.unwrap();
        assert_eq!((scene.ended().await.as_str(), scene.counted()), (expected, counted));
    }
}

#[tokio::test]
async fn two_timeouts_before_an_answer() {
    for (total, attempt, expected, counted) in [
        (SHORT, LONG, TIMED_OUT, [0, 1, 0, 0]),
        (LONG, SHORT, "UT upstream_per_try_timeout", [0, 0, 0, 1]),
        // The attempt began after the whole.
        (SHORT, SHORT, TIMED_OUT, [0, 1, 0, 0]),
    ] {
        let backend = |backend: &mut BackendOf| {
            let mut retry = on(&["5xx"], 1);
            retry.per_try_timeout = Some(attempt);
            retry.policy.attempts = 0;
            backend.policy.retries = Some(retry);
        };
        let mut scene = Scene::start(backend, |route| route.request_timeout = Some(total), Limits::default()).await;
        let (_client, _stream) = scene.ask().await;
        let said = scene.ended().await;
        assert!(said == expected || said == expected.replace("UT ", "URX,UT "), "{said}");
        assert_eq!(scene.counted(), counted);
    }
}

#[tokio::test]
async fn nothing_moves_and_the_client_leaves() {
    for answered in [false, true] {
        for http2 in [false, true] {
            for still in [true, false] {
                let stream_idle_timeout = if still { SHORT } else { LONG };
                let limits = Limits { stream_idle_timeout, ..Limits::default() };
                let mut scene = Scene::start(|_| {}, |_| {}, limits).await;
                let (mut wire, mut client) = (None, None);
                if http2 {
                    let mut asks = Wire::connect(scene.address, &[(INITIAL_WINDOW_SIZE, 1 << 16)]).await;
                    asks.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head_of("GET", &[]))).await;
                    wire = Some(asks);
                } else {
                    let mut asks = TcpStream::connect(scene.address).await.unwrap();
                    asks.write_all(GET).await.unwrap();
                    client = Some(asks);
                }
                let (mut stream, _) = scene.endpoint.accept().await;
                if answered {
                    stream.write_all(HALF).await.unwrap();
                    match (&mut wire, &mut client) {
                        (Some(wire), _) => drop(wire.until(HEADERS).await.unwrap()),
                        (_, Some(client)) => drop(Raw::head(client).await),
                        _ => {}
                    }
                }
                let expected = if still { "SI stream_idle_timeout" } else { LEFT };
                if still {
                    assert_eq!(scene.ended().await, expected, "answered: {answered}, over HTTP/2: {http2}");
                    drop((wire, client));
                } else {
                    drop((wire, client));
                    assert_eq!(scene.ended().await, expected, "answered: {answered}, over HTTP/2: {http2}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_slow_endpoint_with_impatient_clients_is_logged_and_counted() {
    for retries in [false, true] {
        let retry = |of: &mut BackendOf| of.policy.retries = retries.then(|| on(&["connect-failure"], 1));
        let scene = Scene::start(retry, |_| {}, Limits::default()).await;
        let (client, stream) = scene.ask().await;
        reset(client);
        let lines = scene.lines.unwrap();
        let line = tokio::task::spawn_blocking(move || lines.next()).await.unwrap();
        let endpoint = stream.local_addr().unwrap().to_string();
        assert_eq!((&line["flags"], &line["upstream"], &line["attempts"]), (&"DC".into(), &endpoint.into(), &1.into()));
        let metrics = &scene.backend.metrics;
        assert_eq!((metrics.abandoned.get(), metrics.attempts.get(), metrics.timeouts.total.get()), (1, 1, 0));
    }
}

#[tokio::test]
async fn a_request_that_found_no_endpoint_was_not_attempted() {
    for retries in [false, true] {
        let (log, lines) = access_log();
        let mut backend = BackendOf::http1(&[]);
        backend.policy.retries = retries.then(|| on(&["connect-failure"], 1));
        let table = Routes::all(to(&backend.build(), 80));
        let proxy = Proxy::with(Options { access_log: Some(log), ..Options::default() }, socket(ANY_PORT, table)).await;
        assert_eq!(ask(proxy.address, http::Request::get("/")).await.status, 503);
        let line = tokio::task::spawn_blocking(move || lines.next()).await.unwrap();
        assert_eq!((&line["flags"], &line["upstream"], &line["attempts"]), (&"UH".into(), &Value::Null, &0.into()));
    }
}
