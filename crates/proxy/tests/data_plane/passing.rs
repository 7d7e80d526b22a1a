//! What calls of compositions pass: modifiers, breakers, rate limits and caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstay_proto::config::{
    AnswerCache, Breaker, Call, ModifiedBody, Modifier, ModifierGroup, RateLimit, ResponseField, UrlParts, call,
    composed_output, modifier,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use prost_types::Duration;

use crate::support::compose::{ComposeOf, get};
use crate::support::{Proxy, Upstream, ask, echo};

fn modifier(on: (bool, bool), kind: modifier::Kind) -> Modifier {
    Modifier { on_request: on.0, on_response: on.1, kind: Some(kind) }
}

const REQUEST: (bool, bool) = (true, false);
const RESPONSE: (bool, bool) = (false, true);

fn field(name: &str, value: &str) -> ResponseField {
    ResponseField { name: name.to_owned(), value: value.to_owned() }
}

fn modified(modifiers: Vec<Modifier>) -> Call {
    Call { modifiers, ..get("only", "/path?x=1") }
}

/// An upstream that counts requests, and answers the one at each position with what `answer` makes of it.
async fn counting(
    answer: impl Fn(usize, &Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
) -> (Upstream, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let upstream = Upstream::http1(move |request: Request<Incoming>| {
        let response = answer(count.fetch_add(1, Ordering::SeqCst), &request);
        async move { response }
    })
    .await;
    (upstream, asked)
}

fn json(status: u16, fields: &[(&str, &str)], body: String) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(Full::from(body)).expect("a response")
}

#[tokio::test]
async fn requests_are_changed_last_of_all() {
    let upstream = Upstream::http1(echo).await;
    let parts = UrlParts { path: "/an other".into(), query: "z=1&y=2".into(), ..UrlParts::default() };
    let call = modified(vec![
        modifier(REQUEST, modifier::Kind::SetHeader(field("x-set", "1"))),
        modifier(REQUEST, modifier::Kind::SetHeader(field("host", "named.test"))),
        modifier(REQUEST, modifier::Kind::RemoveHeader("user-agent".into())),
        modifier(REQUEST, modifier::Kind::Url(parts)),
        modifier(REQUEST, modifier::Kind::SetQuery(field("x", "a b"))),
        modifier(REQUEST, modifier::Kind::RequestId("x-id".into())),
    ]);
    let proxy = Proxy::start(ComposeOf::opaque(call, &[upstream.address]).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    let sent = answer.text();
    assert!(sent.starts_with("GET /an%20other?x=a+b&y=2&z=1 "), "{sent}");
    assert!(sent.contains("\nhost: named.test\n"), "{sent}");
    assert!(sent.contains("x-set: 1"), "{sent}");
    assert!(!sent.contains("user-agent"), "{sent}");
    let identity = sent.lines().find_map(|line| line.strip_prefix("x-id: ")).expect("there is one");
    assert_eq!(identity.len(), 36);
}

#[tokio::test]
async fn bodies_are_replaced_on_either_side() {
    let (upstream, _) = counting(|_, request| {
        let fields = [("x-length", "content-length"), ("x-type", "content-type")]
            .map(|(name, of)| (name, request.headers().get(of).map_or("-", |value| value.to_str().unwrap())));
        json(404, &fields, "gone".to_owned())
    })
    .await;
    let body = |text: &str| {
        let body = ModifiedBody { content_type: "application/json".into(), body: text.as_bytes().to_vec().into() };
        modifier::Kind::Body(body)
    };
    let call = Call {
        method: "POST".into(),
        ..modified(vec![
            modifier(REQUEST, body("sent")),
            modifier(RESPONSE, body(r#"{"from": "the modifier"}"#)),
            modifier(RESPONSE, modifier::Kind::Status(200)),
        ])
    };
    let decoded = Proxy::start(ComposeOf::new().call(call.clone(), &[upstream.address]).table()).await;
    let answer = ask(decoded.address, Request::post("/")).await;
    assert_eq!(
        (answer.status, answer.text()),
        (StatusCode::OK, r#"{"from":"the modifier"}"#),
        "404 is no failure any more"
    );

    let opaque = Proxy::start(ComposeOf::opaque(call, &[upstream.address]).table()).await;
    let answer = ask(opaque.address, Request::post("/")).await;
    assert_eq!(answer.text(), r#"{"from": "the modifier"}"#);
    assert_eq!(answer.header("x-length"), "4");
    assert_eq!(answer.header("x-type"), "application/json");
    assert_eq!(answer.header("content-length"), "24");
}

#[tokio::test]
async fn answers_are_changed_before_they_are_read() {
    let (upstream, _) = counting(|_, _| json(200, &[("x-old", "1")], "{}".to_owned())).await;
    let call = modified(vec![
        modifier(RESPONSE, modifier::Kind::SetHeader(field("x-new", "2"))),
        modifier(RESPONSE, modifier::Kind::RemoveHeader("x-old".into())),
        modifier(RESPONSE, modifier::Kind::Status(418)),
    ]);
    let opaque = Proxy::start(ComposeOf::opaque(call.clone(), &[upstream.address]).table()).await;
    let answer = ask(opaque.address, Request::get("/")).await;
    assert_eq!((answer.status, answer.header("x-new")), (StatusCode::IM_A_TEAPOT, "2"));
    assert!(!answer.headers.contains_key("x-old"));
    let decoded = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    let answer = ask(decoded.address, Request::get("/")).await;
    assert!(answer.text().starts_with("invalid status code 418 [GET /path?x=1]"), "{}", answer.text());
}

#[tokio::test]
async fn a_modifier_that_fails_fails_the_call() {
    let (upstream, asked) = counting(|_, _| json(200, &[], "{}".to_owned())).await;
    let append = || modifier(REQUEST, modifier::Kind::AppendHeader(field("host", "x")));
    let group = ModifierGroup { modifiers: vec![append(), append()], aggregate_errors: true };
    let call = modified(vec![modifier(REQUEST, modifier::Kind::Group(group))]);
    let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let line = "proxyutil: illegal header multiple: Host";
    assert_eq!(answer.text(), format!("{line}\n{line}"));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

fn breaker(max_errors: u32, timeout: Duration) -> Option<Breaker> {
    let interval = Some(Duration { seconds: 3600, nanos: 0 });
    Some(Breaker { key: "breaker".into(), max_errors, interval, timeout: Some(timeout), log_changes: true })
}

const AN_HOUR: Duration = Duration { seconds: 3600, nanos: 0 };
/// Over before the next request.
const AT_ONCE: Duration = Duration { seconds: 0, nanos: 1 };

#[tokio::test]
async fn a_breaker_opens_after_failures_in_a_row_whatever_they_are() {
    for (status, body) in [(404, "{}"), (200, "no JSON"), (200, "[]")] {
        let (upstream, asked) = counting(move |_, _| json(status, &[], body.to_owned())).await;
        let call = Call { breaker: breaker(1, AN_HOUR), ..get("only", "/") };
        let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
        for _ in 0..2 {
            let answer = ask(proxy.address, Request::get("/")).await;
            assert_ne!(answer.text(), "circuit breaker is open", "{status} {body}");
        }
        for _ in 0..2 {
            let answer = ask(proxy.address, Request::get("/")).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (500, "circuit breaker is open"), "{status} {body}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "{status} {body}");
    }
}

#[tokio::test]
async fn an_opaque_answer_is_no_failure_of_its_call() {
    let (upstream, asked) = counting(|_, _| json(503, &[], "busy".to_owned())).await;
    let call = Call { breaker: breaker(0, AN_HOUR), ..get("only", "/") };
    let proxy = Proxy::start(ComposeOf::opaque(call, &[upstream.address]).table()).await;
    for _ in 0..3 {
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (503, "busy"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn once_its_time_is_over_one_call_decides() {
    let (upstream, asked) =
        counting(|position, _| json(if position == 1 { 200 } else { 404 }, &[], "{}".to_owned())).await;
    let call = Call { breaker: breaker(0, AT_ONCE), ..get("only", "/") };
    let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(ask(proxy.address, Request::get("/")).await.status.as_u16());
    }
    assert_eq!(statuses, [500, 200, 500], "closed, half open, closed again");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn calls_beyond_the_rate_are_not_made() {
    let (upstream, asked) = counting(|_, _| json(200, &[], "{}".to_owned())).await;
    let limit = RateLimit { key: "limit".into(), rate: 1.0, every: Some(AN_HOUR), capacity: 2 };
    let call = Call { rate_limit: Some(limit), ..get("only", "/") };
    let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    for expected in [200, 200, 500, 500] {
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.status.as_u16(), expected);
        assert!(expected == 200 || answer.text() == "rate limit exceded", "{}", answer.text());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

fn cached(call: Call) -> Call {
    Call { cache: Some(AnswerCache { key: "cache".into(), max_bytes: 0, max_items: 0 }), ..call }
}

#[tokio::test]
async fn answers_that_are_fresh_are_not_asked_for_again() {
    let (upstream, asked) =
        counting(|position, _| json(200, &[("cache-control", "max-age=1000")], format!(r#"{{"n":{position}}}"#))).await;
    let addresses = [upstream.address];
    let decoded = Proxy::start(ComposeOf::new().call(cached(get("only", "/a")), &addresses).table()).await;
    let opaque = Proxy::start(ComposeOf::opaque(cached(get("only", "/b")), &addresses).table()).await;
    for (proxy, expected) in [(&decoded, r#"{"n":0}"#), (&opaque, r#"{"n":1}"#)] {
        for _ in 0..3 {
            let answer = ask(proxy.address, Request::get("/")).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, expected));
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn answers_that_are_stale_are_asked_about() {
    let (upstream, asked) = counting(|_, request| {
        let etag = request.headers().get("if-none-match").map(|value| value.to_str().unwrap().to_owned());
        match etag.as_deref() {
            None => json(200, &[("etag", "\"1\""), ("cache-control", "no-cache")], r#"{"n":1}"#.to_owned()),
            Some("\"1\"") => json(304, &[("etag", "\"1\"")], String::new()),
            Some(other) => json(500, &[], other.to_owned()),
        }
    })
    .await;
    let composition = ComposeOf::new().call(cached(get("only", "/")), &[upstream.address]);
    let proxy = Proxy::start(composition.table()).await;
    for _ in 0..3 {
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, r#"{"n":1}"#));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_is_answered_to_one_client_is_not_answered_to_another() {
    let (upstream, asked) = counting(|_, request| {
        let who = request.headers().get("authorization").map_or("nobody", |value| value.to_str().unwrap());
        json(200, &[("cache-control", "max-age=1000")], format!(r#"{{"who":"{who}"}}"#))
    })
    .await;
    let composition = ComposeOf::new()
        .call(cached(get("only", "/")), &[upstream.address])
        .with(|message| message.headers = crate::support::compose::everything());
    let proxy = Proxy::start(composition.table()).await;
    for who in ["a", "b", "a", "b"] {
        let answer = ask(proxy.address, Request::get("/").header("authorization", who)).await;
        assert_eq!(answer.text(), format!(r#"{{"who":"{who}"}}"#));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_is_kept_is_changed_as_what_is_not() {
    let (upstream, asked) = counting(|_, _| json(200, &[("cache-control", "max-age=1000")], "text".to_owned())).await;
    let kind = modifier::Kind::AppendHeader(field("x-times", "1"));
    let call = cached(Call {
        modifiers: vec![modifier(RESPONSE, kind)],
        decoder: call::Decoder::Opaque.into(),
        ..get("only", "/")
    });
    let composition = ComposeOf::new().call(call, &[upstream.address]).output(composed_output::Encoding::Opaque);
    let proxy = Proxy::start(composition.table()).await;
    for _ in 0..2 {
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.headers.get_all("x-times").iter().count(), 1, "it is kept as it came");
        assert_eq!(answer.text(), "text");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_changes_something_is_always_made() {
    let (upstream, asked) = counting(|_, _| json(200, &[("cache-control", "max-age=1000")], "{}".to_owned())).await;
    let call = Call { method: Method::POST.to_string(), ..cached(get("only", "/")) };
    let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    for _ in 0..2 {
        assert_eq!(ask(proxy.address, Request::post("/")).await.status, StatusCode::OK);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
