//! Bodies of requests and answers of compositions, and how long they may be.

use backstay_proto::config::{Call, ComposeLimits, ModifiedBody, Modifier, modifier};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use crate::support::compose::{ComposeOf, get, listed};
use crate::support::{Client, H2Client, Proxy, Upstream, ask, raw, soon};

/// An upstream that tells how it was asked: method, length, coding, and body.
async fn telling() -> Upstream {
    Upstream::http1(|request: Request<Incoming>| async move {
        let (parts, body) = request.into_parts();
        let of = |name: &str| parts.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
        let (length, coding) = (of("content-length"), of("transfer-encoding"));
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let told = serde_json::json!({ parts.uri.path().trim_start_matches('/'): [parts.method.as_str(), length, coding, text] });
        Response::new(Full::<Bytes>::from(told.to_string()))
    })
    .await
}

fn post(name: &str) -> Call {
    Call { method: "POST".to_owned(), ..get(name, &format!("/{name}")) }
}

async fn send(proxy: &Proxy, method: &str, body: &'static str) -> crate::support::Answer {
    let request = Request::builder().method(method).uri("/").header("host", "test").header("content-type", "x/y");
    Client::connect(proxy.address).await.send(request.body(Full::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_body_goes_to_the_only_call_in_chunks_unless_its_length_may_be_told() {
    let upstream = telling().await;
    let proxy = Proxy::start(ComposeOf::new().call(post("a"), &[upstream.address]).table()).await;
    assert_eq!(send(&proxy, "POST", "hello").await.text(), r#"{"a":["POST","-","chunked","hello"]}"#);
    assert_eq!(send(&proxy, "POST", "").await.text(), r#"{"a":["POST","0","-",""]}"#);
    let told = ComposeOf::new()
        .call(post("a"), &[upstream.address])
        .with(|message| message.headers = listed(&["content-length"]));
    let proxy = Proxy::start(told.table()).await;
    assert_eq!(send(&proxy, "POST", "hello").await.text(), r#"{"a":["POST","5","-","hello"]}"#);
}

#[tokio::test]
async fn several_calls_get_a_body_that_is_kept_and_one_that_is_too_long_is_refused() {
    let upstream = telling().await;
    let composition = ComposeOf::new()
        .call(post("a"), &[upstream.address])
        .call(post("b"), &[upstream.address])
        .with(|message| message.limits = Some(ComposeLimits { request_bytes: 5, ..Default::default() }));
    let proxy = Proxy::start(composition.table()).await;
    let both = r#"{"a":["POST","-","chunked","hello"],"b":["POST","-","chunked","hello"]}"#;
    assert_eq!(send(&proxy, "POST", "hello").await.text(), both);
    let refused = send(&proxy, "POST", "hello!").await;
    assert_eq!(refused.status.as_u16(), 413);
    // In chunks, its length is known only when it is there.
    let chunked =
        "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    assert!(raw(proxy.address, chunked).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_request() {
    let upstream = telling().await;
    let composition = ComposeOf::new().call(post("a"), &[upstream.address]).call(post("b"), &[upstream.address]);
    let proxy = Proxy::start(composition.table()).await;
    let broken = "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n";
    assert!(raw(proxy.address, broken).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn answers_are_no_longer_than_they_may_be() {
    let upstream = Upstream::http1(|request: Request<Incoming>| async move {
        let value = "x".repeat(if request.uri() == "/long" { 100 } else { 10 });
        let body = format!(r#"{{"{}":"{value}"}}"#, request.uri().path().trim_start_matches('/'));
        // In pieces, without a length.
        let pieces: Vec<_> =
            body.as_bytes().chunks(7).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
        Response::new(StreamBody::new(futures::stream::iter(pieces)))
    })
    .await;
    let limits = |response_bytes, total_bytes| ComposeLimits { response_bytes, total_bytes, ..Default::default() };
    let text = |composition: ComposeOf| async move {
        let proxy = Proxy::start(composition.table()).await;
        ask(proxy.address, Request::get("/")).await.text().to_owned()
    };
    let only = |path| ComposeOf::new().call(get("only", path), &[upstream.address]);
    let short = text(only("/short").with(|message| message.limits = Some(limits(50, 0)))).await;
    assert_eq!(short, r#"{"short":"xxxxxxxxxx"}"#);
    let long = text(only("/long").with(|message| message.limits = Some(limits(50, 0)))).await;
    assert_eq!(long, "the answer is longer than 50 bytes");
    let both = ComposeOf::new().call(get("a", "/a"), &[upstream.address]).call(get("b", "/b"), &[upstream.address]);
    let both = text(both.with(|message| message.limits = Some(limits(50, 30)))).await;
    assert!(both == r#"{"a":"xxxxxxxxxx"}"# || both == r#"{"b":"xxxxxxxxxx"}"# || both.contains("30 bytes"), "{both}");
}

#[tokio::test]
async fn clients_of_http2_are_served_as_well() {
    let upstream = telling().await;
    let composition = ComposeOf::new().call(post("a"), &[upstream.address]).call(post("b"), &[upstream.address]);
    let proxy = Proxy::start(composition.table()).await;
    let mut client = H2Client::connect(proxy.address).await;
    let request = Request::post("http://test/").body(Full::<Bytes>::from("hello").boxed()).unwrap();
    let answer = crate::support::Answer::read(soon(client.begin(request)).await.unwrap()).await;
    let both = r#"{"a":["POST","-","chunked","hello"],"b":["POST","-","chunked","hello"]}"#;
    assert_eq!(answer.text(), both);
}

#[tokio::test]
async fn backends_of_http2_are_asked_as_well() {
    let upstream = Upstream::http2(|request: Request<Incoming>| async move {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        Response::new(Full::<Bytes>::from(format!(
            r#"{{"{}":"{host}"}}"#,
            request.uri().path().trim_start_matches('/')
        )))
    })
    .await;
    let backend = || (upstream.address, crate::support::BackendOf::http2(upstream.address).build());
    let composition = ComposeOf::new().call_of(get("a", "/a"), &[backend()]).call_of(get("b", "/b"), &[backend()]);
    let proxy = Proxy::start(composition.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.text(), format!(r#"{{"a":"{0}","b":"{0}"}}"#, upstream.address));
}

#[tokio::test]
async fn a_connection_lives_on_whose_body_another_has_taken_the_place_of() {
    let upstream = telling().await;
    let body = ModifiedBody { content_type: "text/plain".to_owned(), body: b"other".to_vec().into() };
    let kind = Some(modifier::Kind::Body(body));
    let call = Call { modifiers: vec![Modifier { on_request: true, on_response: false, kind }], ..post("a") };
    let proxy = Proxy::start(ComposeOf::new().call(call, &[upstream.address]).table()).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..2 {
        let request = Request::builder().method("POST").uri("/").header("host", "test");
        let answer = client.send(request.body(Full::from(vec![b'x'; 100_000])).unwrap()).await;
        assert_eq!((answer.header("connection"), answer.text()), ("", r#"{"a":["POST","5","-","other"]}"#));
    }
}
