//! HTTP/2 on either side.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Barrier;

use crate::support::frames::{Frames, HTTP_1_1_REQUIRED, NO_ERROR};
use backstay_proxy::config::Filters;
use backstay_proxy::route::{HeaderMatch, Matcher, ValueMatch};

use crate::support::{Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, Upstream, ask, echo, soon, text, to};

#[tokio::test]
async fn http2_to_http1() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = H2Client::connect(proxy.address).await;
    let request = Request::post("http://shop.example:81/a?b")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .body(StreamBody::new(futures::stream::iter([Ok(Frame::data(Bytes::from_static(b"abc")))])).boxed())
        .unwrap();
    let answer = Answer::read(client.begin(request).await.unwrap()).await;
    let text = answer.text();
    assert!(text.starts_with("POST /a?b HTTP/1.1\n"), "{text}");
    assert!(text.contains("host: shop.example:81\n") && text.contains("cookie: a=1; b=2\n"), "{text}");
    assert!(text.contains("transfer-encoding: chunked\n") && text.contains("te: trailers\n"), "{text}");
    assert!(text.ends_with("\n\nabc"), "{text}");
    assert_eq!(client.get("http://a/").await.status, 200);
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn conditions_see_the_cookie_line_that_the_endpoint_gets() {
    let mut canary = Matcher::prefix("/");
    let value = ValueMatch::regex("(.*; )?group=canary(;.*)?").unwrap();
    canary.headers = [HeaderMatch { name: http::header::COOKIE, value }].into();
    let mut whole = Matcher::prefix("/");
    whole.headers = [HeaderMatch { name: http::header::COOKIE, value: ValueMatch::exact("a=1; b=2") }].into();
    let table = Routes::default()
        .rule("a", canary, Filters::default(), text(200, "canary"))
        .rule("a", whole, Filters::default(), text(200, "whole"))
        .rule("a", Matcher::prefix("/"), Filters::default(), text(200, "stable"))
        .build();
    let proxy = Proxy::start(table).await;
    let mut client = H2Client::connect(proxy.address).await;
    for (crumbs, rule) in [
        (&["group=canary"][..], "canary"),
        (&["sid=7", "group=canary"], "canary"),
        (&["sid=7", "group=canary", "x=y"], "canary"),
        (&["a=1", "b=2"], "whole"),
        (&["sid=7", "group=stable"], "stable"),
    ] {
        let request = crumbs.iter().fold(Request::get("http://a/"), |request, crumb| request.header("cookie", *crumb));
        let request = request.body(Full::<Bytes>::default().map_err(|never| match never {}).boxed()).unwrap();
        let answer = Answer::read(client.begin(request).await.unwrap()).await;
        assert_eq!(answer.text(), rule, "{crumbs:?}");
    }
}

#[tokio::test]
async fn http1_to_http2() {
    let upstream = Upstream::http2(echo).await;
    let proxy =
        Proxy::start(Routes::all(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()))).await;
    let answer =
        ask(proxy.address, Request::get("/a?b").header("host", "shop.example").header("connection", "x-c")).await;
    assert!(answer.text().starts_with("GET http://shop.example/a?b HTTP/2.0\n"), "{}", answer.text());
    assert!(!answer.text().contains("\nhost:") && !answer.text().contains("connection"), "{}", answer.text());
    let mut client = Client::connect(proxy.address).await;
    let answer = client.send(Request::post("/").header("host", "a").body(Full::from("abc")).unwrap()).await;
    assert!(answer.text().ends_with("\n\nabc"), "{}", answer.text());
}

#[tokio::test]
async fn concurrent_requests_share_one_connection_upstream() {
    let together = Arc::new(Barrier::new(20));
    let upstream = Upstream::http2(move |_| {
        let together = Arc::clone(&together);
        async move {
            together.wait().await;
            Response::new(Full::<Bytes>::from("ok"))
        }
    })
    .await;
    let proxy =
        Proxy::start(Routes::all(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()))).await;
    let requests = (0..20).map(|_| ask(proxy.address, Request::get("/")));
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer.text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn grpc_passes_through() {
    let upstream = Upstream::http2(|request: Request<hyper::body::Incoming>| async move {
        assert_eq!(
            (request.version(), &request.headers()["te"]),
            (Version::HTTP_2, &HeaderValue::from_static("trailers"))
        );
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let status =
            HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("7"))]);
        let frames = [Ok::<_, Infallible>(Frame::data(body)), Ok(Frame::trailers(status))];
        Response::builder()
            .header("content-type", "application/grpc")
            .body(StreamBody::new(futures::stream::iter(frames)))
            .unwrap()
    })
    .await;
    let proxy =
        Proxy::start(Routes::all(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()))).await;
    let mut client = H2Client::connect(proxy.address).await;
    let request = Request::post("http://a/pkg.Service/Method")
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(Full::from("\0\0\0\0\x03abc").boxed())
        .unwrap();
    let answer = Answer::read(client.begin(request).await.unwrap()).await;
    assert_eq!(answer.text(), "\0\0\0\0\x03abc");
    assert_eq!(answer.trailers.unwrap()["grpc-status"], "7");
}

#[tokio::test]
async fn an_authority_that_differs_from_host_is_refused_and_the_connection_goes_on() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = H2Client::connect(proxy.address).await;
    let request = Request::get("http://a/").header("host", "b").body(Full::default().boxed()).unwrap();
    assert_eq!(Answer::read(client.begin(request).await.unwrap()).await.status, 400);
    assert_eq!(client.get("http://a/").await.status, 200);
}

#[tokio::test]
async fn an_upstream_that_drops_its_connection_fails_only_what_was_on_it() {
    // Answers the first request of each connection and drops the connection at the second.
    let upstream = Upstream::serve(|stream| async move {
        let requests = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let drop_it = Arc::new(tokio::sync::Notify::new());
        let (count, tell) = (Arc::clone(&requests), Arc::clone(&drop_it));
        let service = hyper::service::service_fn(move |_| {
            let second = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0;
            let tell = Arc::clone(&tell);
            async move {
                if second {
                    tell.notify_one();
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok")))
            }
        });
        let io = hyper_util::rt::TokioIo::new(stream);
        let connection = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        tokio::select! {
            _ = connection.serve_connection(io, service) => {}
            () = drop_it.notified() => {}
        }
    })
    .await;
    let proxy =
        Proxy::start(Routes::all(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    // What it was dropped for nobody knows, and the next connection is others' too.
    for (request, connections) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3)] {
        let expected = if request % 2 == 0 { 200 } else { 503 };
        assert_eq!(client.get("/").await.status, expected, "{request}");
        assert_eq!(upstream.connections(), connections, "{request}");
    }
}

#[tokio::test]
async fn an_upstream_that_resets_a_stream_is_a_503() {
    let upstream = Upstream::http2(|_| async {
        std::panic::resume_unwind(Box::new("the stream is dropped"));
        #[allow(unreachable_code)]
        Response::new(Full::<Bytes>::default())
    })
    .await;
    let proxy =
        Proxy::start(Routes::all(to(&BackendOf::http2(upstream.address).build(), upstream.address.port()))).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().starts_with("upstream connect error or disconnect/reset before headers"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_request_that_is_reset_does_not_look_complete() {
    let (first, plain) = Raw::bind().await;
    let (second, shared) = Raw::bind().await;
    let routes = [Routes::to(plain), Routes::all(to(&BackendOf::http2(shared).build(), shared.port()))];
    let [plain, shared] = routes.map(Proxy::start);
    let (plain, shared) = (plain.await, shared.await);
    let mut upstream = None;
    // Whether or not its answer has begun.
    for (code, answered) in (NO_ERROR..=HTTP_1_1_REQUIRED).flat_map(|code| [(code, false), (code, true)]) {
        let mut client = Frames::connect(plain.address).await;
        client.post(1).await;
        client.data(1, "half").await;
        let (mut stream, _) = first.accept().await;
        if answered {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await.unwrap();
            client.answered(1).await;
        }
        client.reset(1, code).await;
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "code {code}, {answered}: {}", String::from_utf8_lossy(&rest));

        let mut client = Frames::connect(shared.address).await;
        client.post(1).await;
        client.data(1, "half").await;
        let upstream = match &mut upstream {
            Some(upstream) => upstream,
            none => none.insert(Frames::accept(&second, &[]).await),
        };
        let stream = upstream.request().await;
        if answered {
            upstream.head(stream).await;
            client.answered(1).await;
        }
        client.reset(1, code).await;
        assert!(upstream.end_of(stream).await.is_err(), "code {code}, {answered}");
    }
}
