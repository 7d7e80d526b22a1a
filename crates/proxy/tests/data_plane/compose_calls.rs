//! How the calls of a composition are made: together, in time, several times, and without anybody waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_proto::config::fixed_data::When;
use backstay_proto::config::{FixedData, compose};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, mpsc};

use crate::compose::{nobody, says};
use crate::support::compose::{ComposeOf, get};
use crate::support::{Client, Proxy, Raw, Upstream, access_log, ask, raw, socket, soon};

fn milliseconds(milliseconds: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: 0, nanos: milliseconds * 1_000_000 })
}

/// An upstream that answers once as many requests as `all` waits for are there.
async fn together(all: &Arc<Barrier>, body: &'static str) -> Upstream {
    let all = Arc::clone(all);
    Upstream::http1(move |_: Request<Incoming>| {
        let all = Arc::clone(&all);
        async move {
            all.wait().await;
            Response::new(Full::from(body))
        }
    })
    .await
}

#[tokio::test]
async fn calls_are_made_at_once() {
    let all = Arc::new(Barrier::new(3));
    let one = together(&all, r#"{"a":1}"#).await;
    let two = together(&all, r#"{"b":2}"#).await;
    let three = together(&all, r#"{"c":3}"#).await;
    let composition = ComposeOf::new()
        .call(get("one", "/"), &[one.address])
        .call(get("two", "/"), &[two.address])
        .call(get("three", "/"), &[three.address]);
    let proxy = Proxy::start(composition.table()).await;
    assert_eq!(soon(ask(proxy.address, Request::get("/"))).await.text(), r#"{"a":1,"b":2,"c":3}"#);
}

#[tokio::test]
async fn what_is_there_in_time_is_the_response_and_the_rest_is_given_up() {
    let fast = says(r#"{"a":1}"#).await;
    let (silent, address) = Raw::bind().await;
    let composition =
        ComposeOf::new().call(get("fast", "/"), &[fast.address]).call(get("silent", "/"), &[address]).with(|message| {
            message.timeout = milliseconds(300);
            message.debug_header = "x-calls".to_owned();
        });
    let proxy = Proxy::start(composition.table()).await;
    let (answer, (mut stream, _)) = tokio::join!(ask(proxy.address, Request::get("/")), silent.accept());
    assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"a":1}"#));
    assert_eq!(answer.header("x-completed"), "false");
    let told: Vec<_> = answer.headers.get_all("x-calls").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(told[0].starts_with("fast; outcome=ok; dur="), "{told:?}");
    assert!(told[1].starts_with("silent; outcome=timeout; dur="), "{told:?}");
    // Nobody waits for it any more.
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_call_alone_that_is_late_fails_in_the_words_of_go() {
    let (_silent, address) = Raw::bind().await;
    let composition = ComposeOf::new().call(get("only", "/"), &[address]).with(|m| m.timeout = milliseconds(100));
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, "context deadline exceeded"));
}

#[tokio::test]
async fn failures_are_joined_where_nothing_succeeds() {
    let (one, two) = (nobody().await, nobody().await);
    let composition = ComposeOf::new().call(get("one", "/a"), &[one]).call(get("two", "/b"), &[two]);
    let proxy = Proxy::start(composition.table()).await;
    let refused = |path: &str, address| {
        format!("Get \"http://{address}{path}\": dial tcp {address}: connect: connection refused")
    };
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status.as_u16(), 500);
    assert_eq!(answer.text(), format!("{}\n{}", refused("/a", one), refused("/b", two)));
}

#[tokio::test]
async fn a_call_that_is_required_fails_the_response() {
    let there = says(r#"{"a":1}"#).await;
    let mut required = get("gone", "/");
    required.required = true;
    let composition = ComposeOf::new().call(get("there", "/"), &[there.address]).call(required, &[nobody().await]);
    let proxy = Proxy::start(composition.table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.status.as_u16(), 500);
}

#[tokio::test]
async fn fixed_data_makes_up_for_failures() {
    let fixed = FixedData { json: r#"{"a":"none"}"#.into(), when: When::Errored.into() };
    let composition =
        ComposeOf::new().call(get("only", "/"), &[nobody().await]).with(|message| message.fixed = Some(fixed));
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"a":"none"}"#));
    assert_eq!(answer.header("x-completed"), "false");
}

#[tokio::test]
async fn the_first_of_several_copies_counts_and_the_others_are_given_up() {
    let fast = says(r#"{"from":"fast"}"#).await;
    let (slow, address) = Raw::bind().await;
    let mut call = get("twice", "/");
    call.copies = 2;
    let other = get("other", "/");
    let composition = ComposeOf::new()
        .call(call, &[address, fast.address])
        // Is waited for, so that copies are given up before there is a response.
        .call(other, &[fast.address]);
    let proxy = Proxy::start(composition.table()).await;
    let (answer, (mut stream, _)) = tokio::join!(ask(proxy.address, Request::get("/")), slow.accept());
    assert_eq!(answer.text(), r#"{"from":"fast"}"#);
    assert_eq!(answer.header("x-completed"), "true");
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn shadows_get_the_request_and_nobody_waits_for_them() {
    let main = says(r#"{"a":1}"#).await;
    let (shadow, address) = Raw::bind().await;
    let mut call = get("shadow", "/copy");
    call.shadow_timeout = Some(prost_types::Duration { seconds: 10, nanos: 0 });
    let composition = ComposeOf::new().call(get("main", "/"), &[main.address]).call(call, &[address]);
    let proxy = Proxy::start(composition.table()).await;
    let answer = soon(ask(proxy.address, Request::get("/"))).await;
    assert_eq!((answer.text(), answer.header("x-completed")), (r#"{"a":1}"#, "true"));
    let (_stream, head) = shadow.accept().await;
    assert!(head.starts_with("GET /copy HTTP/1.1\r\n"), "{head}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_calls() {
    let (one, two) = (Raw::bind().await, Raw::bind().await);
    let composition = ComposeOf::new().call(get("one", "/"), &[one.1]).call(get("two", "/"), &[two.1]);
    let proxy = Proxy::start(composition.table()).await;
    let mut client = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let (mut first, _) = one.0.accept().await;
    let (mut second, _) = two.0.accept().await;
    drop(client);
    assert_eq!(soon(first.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(soon(second.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn the_first_of_a_sequence_that_fails_is_the_last() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let last = Upstream::http1(move |_: Request<Incoming>| {
        count.fetch_add(1, SeqCst);
        async { Response::new(Full::<bytes::Bytes>::from("{}")) }
    })
    .await;
    let first = says(r#"{"a":1}"#).await;
    let composition = ComposeOf::new()
        .call(get("first", "/"), &[first.address])
        .call(get("gone", "/"), &[nobody().await])
        .call(get("last", "/"), &[last.address])
        .with(|message| message.set_flow(compose::Flow::Sequential));
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"a":1}"#));
    assert_eq!(answer.header("x-completed"), "false");
    assert_eq!(asked.load(SeqCst), 0);
}

#[tokio::test]
async fn the_access_log_tells_of_every_call() {
    let there = says(r#"{"a":1}"#).await;
    let composition =
        ComposeOf::new().call(get("there", "/"), &[there.address]).call(get("gone", "/"), &[nobody().await]);
    let (log, lines) = access_log();
    let options = backstay_proxy::server::Options { access_log: Some(log), ..Default::default() };
    let proxy = Proxy::with(options, socket(crate::support::ANY_PORT, composition.table())).await;
    ask(proxy.address, Request::get("/")).await;
    let line = lines.next();
    assert_eq!((&line["status"], &line["details"]), (&200.into(), &"composed".into()));
    let calls = line["calls"].as_array().unwrap();
    assert_eq!(calls[0]["name"], "there");
    assert_eq!(calls[0]["outcome"], "ok");
    assert_eq!(calls[0]["upstream"], there.address.to_string());
    assert_eq!(calls[1]["name"], "gone");
    assert_eq!(calls[1]["outcome"], "transport");
    assert!(calls[1]["upstream"].is_null());
}

#[tokio::test]
async fn a_backend_that_answers_nonsense_or_breaks_off_fails_alone() {
    let there = says(r#"{"a":1}"#).await;
    let (tell, mut told) = mpsc::unbounded_channel();
    for bytes in ["HTTP/9 what\r\n\r\n", "", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"b\":", "\0\0\0\0\0"] {
        let (broken, address) = Raw::bind().await;
        let tell = tell.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = broken.0.accept().await {
                Raw::head(&mut stream).await;
                let _ = stream.write_all(bytes.as_bytes()).await;
                let _ = tell.send(());
            }
        });
        let composition =
            ComposeOf::new().call(get("there", "/"), &[there.address]).call(get("broken", "/"), &[address]);
        let proxy = Proxy::start(composition.table()).await;
        let answer = soon(ask(proxy.address, Request::get("/"))).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"a":1}"#), "{bytes:?}");
        assert_eq!(answer.header("x-completed"), "false");
        soon(told.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn the_same_connections_carry_the_next_request() {
    let (one, two) = (says(r#"{"a":1}"#).await, says(r#"{"b":2}"#).await);
    let composition = ComposeOf::new().call(get("one", "/"), &[one.address]).call(get("two", "/"), &[two.address]);
    let proxy = Proxy::start(composition.table()).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..3 {
        assert_eq!(client.get("/").await.text(), r#"{"a":1,"b":2}"#);
    }
    assert_eq!((one.connections(), two.connections()), (1, 1));
}

#[tokio::test]
async fn heads_of_http1_have_the_length_of_the_response() {
    let upstream = says(r#"{"a":1}"#).await;
    let proxy = Proxy::start(ComposeOf::new().call(get("only", "/"), &[upstream.address]).table()).await;
    let head = "HEAD / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    let answer = raw(proxy.address, head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("content-length: 7\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}
