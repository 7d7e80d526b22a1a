//! Names that lead back here by way of other machines.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use backstay_model::{Allowed, LoopGuard};
use backstay_proxy::config::{Action, Filters, Mirror};
use backstay_proxy::route::Matcher;
use backstay_proxy::server::Options;
use backstay_upstream::{Backend, Discovery, Dynamic};
use http::request::Builder;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::dynamic::always;
use crate::support::{
    ANY_PORT, Answer, BackendOf, Proxy, Routes, Upstream, access_log, ask, echo, on, raw, socket, to, until,
};

/// A backend for every name, which leads to `address`, and through which a request may come so often.
fn dynamic(id: &str, passes: u32, address: SocketAddr, change: impl FnOnce(&mut BackendOf)) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[]);
    let loops = NonZeroU32::new(passes).map(|passes| LoopGuard::new(id, passes).unwrap());
    backend.discovery = Discovery::Dynamic(Dynamic { resolve: always(&[address]), allowed: Allowed::All, loops });
    change(&mut backend);
    backend.build()
}

/// Another machine, which sends all that it gets to where it is told, with one header more, and counts.
struct Machine {
    upstream: Upstream,
    to: Arc<OnceLock<SocketAddr>>,
    passed: Arc<AtomicUsize>,
}

impl Machine {
    async fn start(more: Option<(&'static str, &'static str)>) -> Self {
        let (to, passed) = (Arc::new(OnceLock::<SocketAddr>::new()), Arc::new(AtomicUsize::new(0)));
        let (next, count) = (Arc::clone(&to), Arc::clone(&passed));
        let upstream = Upstream::http1(move |request: Request<Incoming>| {
            count.fetch_add(1, SeqCst);
            let next = *next.get().unwrap();
            // Beyond any number that is allowed here: a test that fails must end.
            let endless = count.load(SeqCst) > 50;
            async move {
                if endless {
                    return Response::builder().status(200).body(Full::from("endless")).unwrap();
                }
                let mut again = Request::builder().method(request.method()).uri(request.uri());
                *again.headers_mut().unwrap() = request.headers().clone();
                if let Some((name, value)) = more {
                    again = again.header(name, value);
                }
                let Answer { status, body, .. } = ask(next, again).await;
                Response::builder().status(status).body(Full::from(body)).unwrap()
            }
        })
        .await;
        Self { upstream, to, passed }
    }

    fn passed(&self) -> usize {
        self.passed.load(SeqCst)
    }
}

fn get() -> Builder {
    Request::get("/").header("host", "circle.example")
}

#[tokio::test]
async fn a_circle_through_another_machine_ends() {
    for more in [None, Some(("connection", "cdn-loop")), Some(("connection", "close, CDN-Loop"))] {
        for passes in [1, 3] {
            let machine = Machine::start(more).await;
            let backend = dynamic("own", passes, machine.upstream.address, |_| {});
            let (log, lines) = access_log();
            let options = Options { access_log: Some(log), ..Options::default() };
            let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend, 1)))).await;
            machine.to.set(proxy.address).unwrap();
            // What the client says first does not count for less.
            for request in [get(), get().header("cdn-loop", "other; a=\"b, c\"").header("connection", "cdn-loop")] {
                let before = (machine.passed(), backend.metrics.loops.get());
                let answer = ask(proxy.address, request).await;
                assert_eq!((answer.status.as_u16(), answer.text()), (508, "loop detected"), "{more:?}");
                assert_eq!(machine.passed() - before.0, passes as usize, "{more:?}");
                assert_eq!(backend.metrics.loops.get() - before.1, 1);
                let mut told: Vec<_> = (0..=passes)
                    .map(|_| lines.next())
                    .map(|line| {
                        ["status", "flags", "details", "backend"].map(|field| line[field].to_string()).join(" ")
                    })
                    .collect();
                told.sort();
                assert_eq!(told.pop().unwrap(), r#"508 "LD" "cdn_loop_detected" "backend/test""#);
                assert!(told.iter().all(|line| line == r#"508 "-" "via_upstream" "backend/test""#), "{told:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_circle_is_not_sent_round_again() {
    let machine = Machine::start(None).await;
    let retries = Some(on(&["5xx", "gateway-error"], 3));
    let backend = dynamic("own", 2, machine.upstream.address, |backend| backend.policy.retries = retries);
    let proxy = Proxy::start(Routes::all(to(&backend, 1))).await;
    machine.to.set(proxy.address).unwrap();
    assert_eq!(ask(proxy.address, get()).await.status, 508);
    assert_eq!(machine.passed(), 2);
}

#[tokio::test]
async fn a_chain_is_no_circle() {
    let upstream = Upstream::http1(echo).await;
    // Two proxies with backends of their own, and two that share one.
    for (first, second, passes, marks) in [("one", "two", 1, "one, two"), ("same", "same", 2, "same, same")] {
        let second = Proxy::start(Routes::all(to(&dynamic(second, passes, upstream.address, |_| {}), 1))).await;
        let first = Proxy::start(Routes::all(to(&dynamic(first, passes, second.address, |_| {}), 1))).await;
        let answer = ask(first.address, get()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.text().contains(&format!("\ncdn-loop: {marks}\n")), "{}", answer.text());
        // What others have written stays before it, in one line.
        let request = get().header("cdn-loop", "a; b=c").header("cdn-loop", "d");
        let answer = ask(first.address, request).await;
        assert!(answer.text().contains(&format!("\ncdn-loop: a; b=c, d, {marks}\n")), "{}", answer.text());
    }
}

#[tokio::test]
async fn who_is_not_dynamic_or_not_guarded_marks_nothing() {
    let upstream = Upstream::http1(echo).await;
    let fixed = BackendOf::http1(&[upstream.address]).build();
    for backend in [fixed, dynamic("own", 0, upstream.address, |_| {})] {
        let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
        assert!(!ask(proxy.address, get()).await.text().contains("cdn-loop"));
        let passed = ask(proxy.address, get().header("cdn-loop", "own, own, \"")).await;
        assert!(passed.text().contains("\ncdn-loop: own, own, \"\n"), "{}", passed.text());
    }
}

#[tokio::test]
async fn a_header_that_could_hide_marks_is_refused() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::all(to(&dynamic("own", 1, upstream.address, |_| {}), 1))).await;
    for value in ["\"", "a; b=\"", "a b", "\u{e9}"] {
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\ncdn-loop: {value}\r\nconnection: close\r\n\r\n");
        let answer = raw(proxy.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("invalid CDN-Loop header"), "{answer}");
    }
    assert_eq!(ask(proxy.address, get().header("cdn-loop", "")).await.status, 200);
}

#[tokio::test]
async fn a_copy_that_comes_back_is_copied_no_more() {
    let heads = Arc::new(std::sync::Mutex::new(Vec::<HeaderMap>::new()));
    let seen = Arc::clone(&heads);
    let main = Upstream::http1(move |request: Request<Incoming>| {
        seen.lock().unwrap().push(request.headers().clone());
        async { Response::new(Full::<bytes::Bytes>::from("main").boxed()) }
    })
    .await;
    let machine = Machine::start(None).await;
    let mirrored = dynamic("own", 3, machine.upstream.address, |_| {});
    let mirror =
        Mirror { backend: Arc::clone(&mirrored), port: NonZeroU16::new(1), numerator: 1, denominator: NonZeroU32::MIN };
    let filters = Filters { mirrors: [mirror].into(), ..Filters::default() };
    let forward = to(&BackendOf::http1(&[main.address]).build(), main.address.port());
    let table = Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build();
    let proxy = Proxy::start(table).await;
    machine.to.set(proxy.address).unwrap();
    assert_eq!(ask(proxy.address, get()).await.text(), "main");
    // Once from the client, and once with each copy; the last of them is not copied.
    until(|| mirrored.metrics.loops.get() == 1 && heads.lock().unwrap().len() == 4).await;
    assert_eq!(machine.passed(), 3);
    let heads = heads.lock().unwrap();
    let mut marks: Vec<_> =
        heads.iter().map(|head| head.get("cdn-loop").map_or("", |mark| mark.to_str().unwrap())).collect();
    marks.sort_by_key(|mark| mark.len());
    assert_eq!(marks, ["", "own", "own, own", "own, own, own"], "the original goes out unmarked");
}
