//! HTTP/2 upstreams that break off, refuse, and change their minds.

use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{Limit, RetryPolicy};
use backstay_model::Retry;
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::server::{Limits, Options};
use backstay_upstream::Backend;
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::support::frames::{
    CANCEL, CONNECT_ERROR, Frames, HTTP_1_1_REQUIRED, MAX_CONCURRENT_STREAMS, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM,
};
use crate::support::{
    ANY_PORT, Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, access_log, ask, socket, soon, to, until,
};

/// An upstream, and a proxy that sends everything there.
async fn through(change: impl FnOnce(&mut BackendOf)) -> (Raw, Arc<Backend>, Proxy) {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http2(address);
    change(&mut backend);
    let backend = backend.build();
    let proxy = Proxy::start(Routes::all(to(&backend, address.port()))).await;
    (upstream, backend, proxy)
}

fn asking(proxy: &Proxy, request: http::request::Builder) -> JoinHandle<Answer> {
    tokio::spawn(ask(proxy.address, request))
}

fn posting(proxy: &Proxy, body: &'static str) -> JoinHandle<Answer> {
    let request = Request::post("/").header("host", "test").body(Full::from(body)).unwrap();
    let address = proxy.address;
    tokio::spawn(async move { Client::connect(address).await.send(request).await })
}

async fn text(asking: JoinHandle<Answer>) -> String {
    soon(asking).await.unwrap().text().to_owned()
}

fn refused_streams() -> Retry {
    let policy = RetryPolicy {
        on: RetryPolicy::conditions(["refused-stream"]).unwrap(),
        back_off_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    Retry { policy, ..Retry::default() }
}

#[tokio::test]
async fn streams_up_to_the_last_of_a_goaway_finish_and_those_beyond_are_sent_again() {
    let (upstream, backend, proxy) = through(|_| ()).await;
    let first = asking(&proxy, Request::get("/1"));
    let mut old = Frames::accept(&upstream, &[]).await;
    let one = old.request().await;
    let second = asking(&proxy, Request::get("/2"));
    let two = old.request().await;
    let third = asking(&proxy, Request::get("/3"));
    old.request().await;
    // Whatever its method: the upstream says that it has not looked at it.
    let fourth = asking(&proxy, Request::post("/4"));
    old.request().await;
    old.head(one).await;
    old.data(one, "kept ").await;
    old.go_away(two, NO_ERROR).await;

    let mut new = Frames::accept(&upstream, &[]).await;
    for _ in [&third, &fourth] {
        let stream = new.request().await;
        new.answer(stream, "sent again").await;
    }
    assert_eq!((text(third).await, text(fourth).await), ("sent again".to_owned(), "sent again".to_owned()));
    let fifth = asking(&proxy, Request::get("/5"));
    let five = new.request().await;
    new.answer(five, "new").await;
    assert_eq!(text(fifth).await, "new");

    old.data(one, "to its end").await;
    old.end(one).await;
    old.answer(two, "kept").await;
    assert_eq!((text(first).await, text(second).await), ("kept to its end".to_owned(), "kept".to_owned()));
    old.closed().await;
    until(|| backend.breakers.active(Limit::Connections) == 1).await;
}

/// Whichever request it was, to send them all again would end the next connection too.
#[tokio::test]
async fn what_ends_a_connection_with_an_error_is_not_sent_again() {
    for (goes_away, last) in [(true, 0), (true, 1), (true, i32::MAX.unsigned_abs()), (false, 0)] {
        let (upstream, backend, proxy) = through(|_| ()).await;
        let first = asking(&proxy, Request::get("/1"));
        let mut old = Frames::accept(&upstream, &[]).await;
        let one = old.request().await;
        old.answer(one, "kept").await;
        assert_eq!(text(first).await, "kept");
        let (second, third) = (asking(&proxy, Request::get("/2")), asking(&proxy, Request::get("/3")));
        old.request().await;
        old.request().await;
        if goes_away {
            old.go_away(last, PROTOCOL_ERROR).await;
        }
        drop(old);
        for asked in [second, third] {
            let answer = soon(asked).await.unwrap();
            assert_eq!(answer.status, 503, "{goes_away} {last}");
            let reason = "reset reason: connection termination";
            assert!(answer.text().ends_with(reason), "{goes_away} {last}: {}", answer.text());
        }
        // The next request is the first on the next connection.
        let fourth = asking(&proxy, Request::get("/4"));
        let mut new = Frames::accept(&upstream, &[]).await;
        let four = new.request().await;
        assert_eq!(four, 1);
        new.answer(four, "new").await;
        assert_eq!(text(fourth).await, "new");
        until(|| backend.breakers.active(Limit::Connections) == 1).await;
    }
}

#[tokio::test]
async fn a_connection_that_goes_away_unused_costs_no_request() {
    let (upstream, _backend, proxy) = through(|_| ()).await;
    let first = asking(&proxy, Request::get("/"));
    let mut old = Frames::accept(&upstream, &[]).await;
    let one = old.request().await;
    old.answer(one, "old").await;
    assert_eq!(text(first).await, "old");
    // As servers announce it: first every stream is promised to be looked at.
    old.go_away(i32::MAX.unsigned_abs(), NO_ERROR).await;
    let second = posting(&proxy, "not to be sent twice");
    let mut new = Frames::accept(&upstream, &[]).await;
    let two = new.request().await;
    new.answer(two, "new").await;
    assert_eq!(text(second).await, "new");
    old.closed().await;
}

/// What an endpoint promises not to have looked at (RFC 9113, 8.7) does no harm when it is sent again, whatever the policy.
#[tokio::test]
async fn a_body_that_was_not_looked_at_is_sent_again_as_far_as_it_is_at_hand() {
    for (goes_away, retries, size) in [
        (true, false, 4),
        (true, true, 4),
        (true, false, 400),
        (false, false, 4),
        (false, true, 4),
        (false, false, 400),
    ] {
        let case = format!("goes away: {goes_away}, retries: {retries}, {size} bytes");
        let (upstream, address) = Raw::bind().await;
        let mut backend = BackendOf::http2(address);
        backend.policy.retries = retries.then(refused_streams);
        let limits = Limits { retry_buffer: 100, ..Limits::default() };
        let proxy = Proxy::limited(limits, Routes::all(to(&backend.build(), address.port()))).await;
        let body: &'static str = "x".repeat(size).leak();
        let posted = posting(&proxy, body);
        let mut old = Frames::accept(&upstream, &[]).await;
        let one = old.request().await;
        assert_eq!(old.end_of(one).await, Ok(()), "{case}");
        if goes_away {
            old.go_away(0, NO_ERROR).await;
        } else {
            old.reset(one, REFUSED_STREAM).await;
        }
        if size > 100 {
            let answer = soon(posted).await.unwrap();
            assert_eq!(answer.status, 503, "{case}");
            assert!(answer.text().ends_with("reset reason: remote refused stream reset"), "{case}: {}", answer.text());
            continue;
        }
        let mut again = if goes_away { Frames::accept(&upstream, &[]).await } else { old };
        let stream = again.request().await;
        assert_eq!(again.body(stream).await, body.as_bytes(), "{case}");
        again.answer(stream, "again").await;
        assert_eq!(text(posted).await, "again", "{case}");
    }
}

#[tokio::test]
async fn an_endpoint_that_refuses_every_stream_is_asked_twice() {
    for body in ["", "body"] {
        let (upstream, _backend, proxy) = through(|_| ()).await;
        let posted = posting(&proxy, body);
        let mut frames = Frames::accept(&upstream, &[]).await;
        for _ in 0..2 {
            let stream = frames.request().await;
            if !body.is_empty() {
                assert_eq!(frames.end_of(stream).await, Ok(()));
            }
            frames.reset(stream, REFUSED_STREAM).await;
        }
        assert_eq!(soon(posted).await.unwrap().status, 503);
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_before_its_answer_is_a_503_and_its_connection_goes_on() {
    let (upstream, address) = Raw::bind().await;
    let backend = BackendOf::http2(address).build();
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::all(to(&backend, address.port())))).await;
    let mut connection = None;
    for code in NO_ERROR..=HTTP_1_1_REQUIRED + 1 {
        let asked = asking(&proxy, Request::get("/"));
        let frames = match &mut connection {
            Some(frames) => frames,
            none => none.insert(Frames::accept(&upstream, &[]).await),
        };
        let stream = frames.request().await;
        frames.reset(stream, code).await;
        if code == REFUSED_STREAM {
            // It was not looked at, and is sent once more.
            let stream = frames.request().await;
            frames.reset(stream, code).await;
        }
        let answer = soon(asked).await.unwrap();
        let (status, flag, reason) = match code {
            PROTOCOL_ERROR => (502, "UPE", "protocol error"),
            REFUSED_STREAM => (503, "UR", "remote refused stream reset"),
            CONNECT_ERROR => (503, "UR", "remote error with CONNECT request"),
            _ => (503, "UR", "remote reset"),
        };
        let expected = format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}");
        assert_eq!((answer.status.as_u16(), answer.text()), (status, &*expected), "{code}");
        assert_eq!(lines.next()["flags"], flag, "{code}");
    }
    assert_eq!(backend.breakers.active(Limit::Connections), 1);
}

#[tokio::test]
async fn a_stream_that_is_reset_within_its_answer_does_not_look_complete() {
    let (upstream, _backend, proxy) = through(|_| ()).await;
    let mut connection = None;
    for code in NO_ERROR..=HTTP_1_1_REQUIRED + 1 {
        for http2 in [false, true] {
            let address = proxy.address;
            let asked = tokio::spawn(async move {
                let request = |uri| Request::get(uri).header("host", "test").body(Full::default().boxed()).unwrap();
                if http2 {
                    H2Client::connect(address).await.begin(request("http://test/")).await.unwrap()
                } else {
                    Client::connect(address).await.begin(request("/")).await.unwrap()
                }
            });
            let frames = match &mut connection {
                Some(frames) => frames,
                none => none.insert(Frames::accept(&upstream, &[]).await),
            };
            let stream = frames.request().await;
            frames.head(stream).await;
            frames.data(stream, "half").await;
            let response = soon(asked).await.unwrap();
            frames.reset(stream, code).await;
            assert!(soon(response.into_body().collect()).await.is_err(), "code {code}, to HTTP/2: {http2}");
        }
    }
}

#[tokio::test]
async fn an_answer_may_be_whole_before_its_request_is() {
    let (upstream, backend, proxy) = through(|_| ()).await;
    let (parts, body) = mpsc::unbounded_channel::<&'static str>();
    let body = futures::stream::unfold(body, |mut body| async {
        let part = body.recv().await?;
        Some((Ok(Frame::data(Bytes::from(part))), body))
    });
    let request = Request::post("/").header("host", "test").body(StreamBody::new(body).boxed()).unwrap();
    let address = proxy.address;
    let asked = tokio::spawn(async move { Client::connect(address).await.begin(request).await.unwrap() });
    parts.send("half").unwrap();
    let mut frames = Frames::accept(&upstream, &[]).await;
    let stream = frames.request().await;
    frames.answer(stream, "enough").await;
    // The rest need not be sent (RFC 9113, 8.1).
    frames.reset(stream, NO_ERROR).await;
    let answer = Answer::read(soon(asked).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "enough"));
    assert_eq!(backend.breakers.active(Limit::Connections), 1);
}

#[tokio::test]
async fn who_leaves_resets_the_stream_and_not_the_connection() {
    let (upstream, _backend, proxy) = through(|_| ()).await;
    let first = asking(&proxy, Request::get("/"));
    let mut frames = Frames::accept(&upstream, &[]).await;
    let one = frames.request().await;
    first.abort();
    assert_eq!(frames.end_of(one).await, Err(CANCEL));
    let second = asking(&proxy, Request::get("/"));
    let two = frames.request().await;
    frames.head(two).await;
    frames.data(two, "half").await;
    second.abort();
    assert_eq!(frames.end_of(two).await, Err(CANCEL));
    let third = asking(&proxy, Request::get("/"));
    let three = frames.request().await;
    frames.answer(three, "ok").await;
    assert_eq!(text(third).await, "ok");
}

/// Three requests under way on a connection that takes no more than one from now on.
async fn lowered(upstream: &Raw, proxy: &Proxy) -> (Frames, Vec<(u32, JoinHandle<Answer>)>) {
    let first = asking(proxy, Request::get("/"));
    let mut frames = Frames::accept(upstream, &[]).await;
    let mut under_way = vec![(frames.request().await, first)];
    for _ in 0..2 {
        let next = asking(proxy, Request::get("/"));
        under_way.push((frames.request().await, next));
    }
    frames.settle(&[(MAX_CONCURRENT_STREAMS, 1)]).await;
    (frames, under_way)
}

#[tokio::test]
async fn requests_beyond_a_lowered_number_of_streams_go_to_another_connection() {
    let (upstream, _backend, proxy) = through(|_| ()).await;
    let (mut old, under_way) = lowered(&upstream, &proxy).await;
    let more = asking(&proxy, Request::get("/"));
    let mut new = Frames::accept(&upstream, &[]).await;
    let stream = new.request().await;
    new.answer(stream, "new").await;
    assert_eq!(text(more).await, "new");
    for (stream, asked) in under_way {
        old.answer(stream, "old").await;
        assert_eq!(text(asked).await, "old");
    }
}

#[tokio::test]
async fn requests_beyond_a_lowered_number_of_streams_wait_where_no_more_connections_may_be_opened() {
    let (upstream, backend, proxy) = through(|backend| backend.limits.connections = Some(1)).await;
    let (mut frames, under_way) = lowered(&upstream, &proxy).await;
    let waits = asking(&proxy, Request::get("/"));
    until(|| backend.breakers.active(Limit::PendingRequests) == 1).await;
    for (count, (stream, asked)) in (1..).zip(under_way) {
        assert_eq!(backend.breakers.active(Limit::PendingRequests), 1, "{count}: as long as one is left");
        frames.answer(stream, "old").await;
        assert_eq!(text(asked).await, "old");
    }
    let stream = frames.request().await;
    frames.answer(stream, "at last").await;
    assert_eq!(text(waits).await, "at last");
}

#[tokio::test]
async fn requests_that_wait_for_a_stream_go_when_their_number_is_raised() {
    let (upstream, backend, proxy) = through(|backend| backend.limits.connections = Some(1)).await;
    let (mut frames, _under_way) = lowered(&upstream, &proxy).await;
    let waiting = [asking(&proxy, Request::get("/")), asking(&proxy, Request::get("/"))];
    until(|| backend.breakers.active(Limit::PendingRequests) == 2).await;
    frames.settle(&[(MAX_CONCURRENT_STREAMS, 5)]).await;
    for _ in &waiting {
        let stream = frames.request().await;
        frames.answer(stream, "raised").await;
    }
    for waits in waiting {
        assert_eq!(text(waits).await, "raised");
    }
}

/// nginx and HAProxy end a connection for a head that is too long for them, and with it the requests of everybody else.
#[tokio::test]
async fn a_head_that_is_longer_than_endpoints_take_is_refused_and_costs_no_connection() {
    let (upstream, address) = Raw::bind().await;
    let metrics = Arc::<ServerMetrics>::default();
    let limits = Limits { max_upstream_head_size: 8 << 10, ..Limits::default() };
    let options = Options { limits, metrics: Arc::clone(&metrics), ..Options::default() };
    let table = Routes::all(to(&BackendOf::http2(address).build(), address.port()));
    let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
    let first = asking(&proxy, Request::get("/"));
    let mut frames = Frames::accept(&upstream, &[]).await;
    let one = frames.request().await;
    let long = asking(&proxy, Request::get("/").header("x-long", "x".repeat(8 << 10)));
    assert_eq!(soon(long).await.unwrap().status, 431);
    assert_eq!(metrics.heads_too_large.get(), 1);
    frames.answer(one, "kept").await;
    assert_eq!(text(first).await, "kept");
}
