//! Connections that have served their time, and some that are opened ahead of it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::Limit;
use backstay_model::{Keepalive, Protocol};
use backstay_proxy::server::Limits;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, Semaphore};

use crate::support::frames::Frames;
use crate::support::{BackendOf, Client, Proxy, Raw, Routes, Upstream, ask, soon, to, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Ages are looked at often.
fn watchful() -> Limits {
    Limits { idle_timeout: Duration::from_millis(100), ..Limits::default() }
}

#[tokio::test]
async fn a_connection_that_is_too_old_takes_no_more_requests_and_loses_none() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let (gate, came) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let (held, arrived) = (Arc::clone(&gate), Arc::clone(&came));
        let answer = move |request: Request<hyper::body::Incoming>| {
            let (held, arrived) = (Arc::clone(&held), Arc::clone(&arrived));
            async move {
                if request.uri().path() == "/held" {
                    arrived.notify_one();
                    held.acquire().await.unwrap().forget();
                }
                Response::new(Full::from("ok"))
            }
        };
        let upstream = match protocol {
            Protocol::Http1 => Upstream::http1(answer).await,
            Protocol::Http2 => Upstream::http2(answer).await,
        };
        let mut backend = BackendOf { protocol, ..BackendOf::http1(&[upstream.address]) };
        backend.policy.connections.max_lifetime = Some(Duration::from_millis(50));
        let backend = backend.build();
        let proxy = Proxy::limited(watchful(), Routes::all(to(&backend, upstream.address.port()))).await;
        let under_way = tokio::spawn(ask(proxy.address, Request::get("/held")));
        soon(came.notified()).await;
        // When the third is opened, the first has been too old for long.
        soon(async {
            while upstream.connections() < 3 {
                assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "ok");
            }
        })
        .await;
        gate.add_permits(1);
        assert_eq!(soon(under_way).await.unwrap().text(), "ok", "{protocol:?}");
        // Unused, they would be kept for a minute.
        until(|| backend.breakers.active(Limit::Connections) == 0).await;
    }
}

#[tokio::test]
async fn a_shared_connection_carries_so_many_requests() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http2(address);
    backend.policy.connections.max_requests = NonZeroU32::new(2);
    let backend = backend.build();
    let proxy = Proxy::limited(watchful(), Routes::all(to(&backend, address.port()))).await;
    let asking = || tokio::spawn(ask(proxy.address, Request::get("/")));
    let first = asking();
    let mut old = Frames::accept(&upstream, &[]).await;
    let one = old.request().await;
    let second = asking();
    let two = old.request().await;
    let third = asking();
    let mut new = Frames::accept(&upstream, &[]).await;
    let three = new.request().await;
    for (frames, stream, asked) in [(&mut new, three, third), (&mut old, one, first)] {
        frames.answer(stream, "ok").await;
        assert_eq!(soon(asked).await.unwrap().text(), "ok");
    }
    old.answer(two, "the last").await;
    assert_eq!(soon(second).await.unwrap().text(), "the last");
    old.closed().await;
    let fourth = asking();
    let four = new.request().await;
    new.answer(four, "ok").await;
    assert_eq!(soon(fourth).await.unwrap().text(), "ok");
    new.closed().await;
    until(|| backend.breakers.active(Limit::Connections) == 0).await;
}

#[tokio::test]
async fn connections_are_opened_ahead_of_requests() {
    for (percent, each) in [(200, 2), (300, 3)] {
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let upstream = Upstream::http1(move |_| {
            let held = Arc::clone(&held);
            async move {
                held.acquire().await.unwrap().forget();
                Response::new(Full::from("ok"))
            }
        })
        .await;
        let mut backend = BackendOf::http1(&[upstream.address]);
        backend.policy.connections.preconnect_percent = percent;
        let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
        let asking = || tokio::spawn(ask(proxy.address, Request::get("/")));
        let first = asking();
        until(|| upstream.connections() == each).await;
        let second = asking();
        until(|| upstream.connections() == 2 * each).await;
        gate.add_permits(3);
        for asked in [first, second, asking()] {
            assert_eq!(soon(asked).await.unwrap().text(), "ok");
        }
        assert_eq!(upstream.connections(), 2 * each, "one used a connection that was there, and there were enough");
    }
}

#[tokio::test]
async fn no_more_connections_are_opened_ahead_than_there_may_be() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    backend.policy.connections.preconnect_percent = 300;
    backend.limits.connections = Some(2);
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, address.port()))).await;
    let asked = tokio::spawn(ask(proxy.address, Request::get("/")));
    let (mut stream, _) = upstream.accept().await;
    let (ahead, _) = soon(upstream.0.accept()).await.unwrap();
    stream.write_all(OK).await.unwrap();
    assert_eq!(soon(asked).await.unwrap().text(), "ok");
    assert_eq!(backend.breakers.active(Limit::Connections), 2);
    // One that nobody has used yet may break off: no request is told.
    drop((ahead, stream));
    until(|| backend.breakers.active(Limit::Connections) == 0).await;
    let mut client = Client::connect(proxy.address).await;
    let (answer, ()) = tokio::join!(client.get("/"), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(OK).await.unwrap();
    });
    assert_eq!(answer.text(), "ok");
}

/// How long the system will wait before it probes the connection to `address`, in hundredths of a second.
#[cfg(target_os = "linux")]
fn probe_in(address: std::net::SocketAddr) -> Option<u64> {
    // Kind 2 is keepalive.
    u64::from_str_radix(timer_of(address)?.strip_prefix("02:")?, 16).ok()
}

/// The timer of the connection to `address`: its kind, and when it goes off.
#[cfg(target_os = "linux")]
fn timer_of(address: std::net::SocketAddr) -> Option<String> {
    let far_end = format!("0100007F:{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    Some(lines.find(|fields| fields[2] == far_end && fields[3] == "01")?[5].to_owned())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn probes_begin_when_the_policy_says() {
    for seconds in [60, 5000] {
        let upstream = Upstream::http1(crate::support::echo).await;
        let mut backend = BackendOf::http1(&[upstream.address]);
        if seconds != 60 {
            let keepalive = Keepalive { idle: Duration::from_secs(seconds), ..Keepalive::default() };
            backend.policy.connections.keepalive = Some(keepalive);
        }
        let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
        assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
        // Until the last bytes are acknowledged the timer is another.
        until(|| probe_in(upstream.address).is_some()).await;
        let left = probe_in(upstream.address).unwrap();
        assert!((seconds * 50..=seconds * 100).contains(&left), "{left} of {seconds} s");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_probes_are_sent_when_the_policy_says_none() {
    let upstream = Upstream::http1(crate::support::echo).await;
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.policy.connections.keepalive = None;
    let proxy = Proxy::start(Routes::all(to(&backend.build(), upstream.address.port()))).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status, 200);
    // 0: no timer. Until the last bytes are acknowledged there is another.
    until(|| timer_of(upstream.address).is_some_and(|timer| timer.starts_with("00:"))).await;
}
