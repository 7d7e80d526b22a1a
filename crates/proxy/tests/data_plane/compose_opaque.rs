//! Answers that are passed on as they are.

use std::io::Write as _;

use backstay_proto::config::call;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::compose::nobody;
use crate::support::compose::{ComposeOf, everything, get, parameter, template};
use crate::support::{BackendOf, Client, H2Client, Proxy, Raw, Upstream, access_log, ask, echo, raw, socket, soon};

fn milliseconds(milliseconds: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: 0, nanos: milliseconds * 1_000_000 })
}

#[tokio::test]
async fn the_first_byte_arrives_before_the_last_is_sent() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(ComposeOf::opaque(get("only", "/"), &[address]).table()).await;
    let mut client = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let (mut stream, _) = upstream.accept().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await.unwrap();
    let head = Raw::head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let mut first = [0; 5];
    soon(client.read_exact(&mut first)).await.unwrap();
    stream.write_all(b" last").await.unwrap();
    let mut last = [0; 5];
    soon(client.read_exact(&mut last)).await.unwrap();
    assert_eq!((&first, &last), (b"first", b" last"));
}

#[tokio::test]
async fn the_clients_body_is_streamed_too() {
    let upstream = Upstream::http1(echo).await;
    let call = backstay_proto::config::Call { method: "POST".to_owned(), ..get("only", "/up") };
    let proxy = Proxy::start(ComposeOf::opaque(call, &[upstream.address]).table()).await;
    let body = Bytes::from(vec![b'x'; 1_000_000]);
    let request = Request::post("/").header("host", "test").body(Full::new(body.clone())).unwrap();
    let answer = Client::connect(proxy.address).await.send(request).await;
    assert!(answer.text().starts_with("POST /up HTTP/1.1\naccept-encoding: gzip\nhost: "), "{}", &answer.text()[..60]);
    assert!(answer.text().contains("transfer-encoding: chunked\n"));
    assert!(answer.body.ends_with(&body));
}

#[tokio::test]
async fn everything_that_may_go_on_goes_on() {
    let upstream = Upstream::http1(echo).await;
    let mut only = get("only", "/");
    only.pattern.push(parameter("id"));
    let composition = ComposeOf::opaque(only, &[upstream.address]).with(|message| {
        message.headers = everything();
        message.query = everything();
    });
    let proxy = Proxy::start(composition.at(template("/of/{id}"))).await;
    let request = Request::get("/of/a%20b?z=2&a=1").header("host", "gateway.test").header("user-agent", "agent/1");
    let answer =
        ask(proxy.address, request.header("accept-encoding", "br").header("x-forwarded-for", "192.0.2.1")).await;
    let expected = format!(
        "GET /a%20b?a=1&z=2 HTTP/1.1\naccept-encoding: br\nhost: {}\nuser-agent: agent/1\nx-forwarded-for: 127.0.0.1\n\
         x-forwarded-host: gateway.test\nx-forwarded-via: Backstay test\n\n",
        upstream.address
    );
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn failures_are_500_with_what_went_wrong() {
    let gone = nobody().await;
    let proxy = Proxy::start(ComposeOf::opaque(get("only", "/x"), &[gone]).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!(answer.status.as_u16(), 500);
    assert_eq!(answer.text(), format!("Get \"http://{gone}/x\": dial tcp {gone}: connect: connection refused"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!((answer.header("x-completed"), answer.header("x-made-by")), ("false", "test"));
    let (_silent, address) = Raw::bind().await;
    let late = ComposeOf::opaque(get("only", "/"), &[address]).with(|message| message.timeout = milliseconds(100));
    let proxy = Proxy::start(late.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, "context deadline exceeded"));
    let quiet = ComposeOf::opaque(get("only", "/x"), &[gone])
        .with(|message| message.output.as_mut().unwrap().error_messages = false);
    let proxy = Proxy::start(quiet.table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text(), answer.header("content-type")), (500, "", ""));
}

#[tokio::test]
async fn an_answer_that_is_not_over_in_time_is_cut() {
    let (upstream, address) = Raw::bind().await;
    let composition =
        ComposeOf::opaque(get("only", "/"), &[address]).with(|message| message.timeout = milliseconds(300));
    let proxy = Proxy::start(composition.table()).await;
    let work = async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await.unwrap();
        stream
    };
    let (answer, _stream) = tokio::join!(raw(proxy.address, "GET / HTTP/1.1\r\nhost: test\r\n\r\n"), work);
    assert!(answer.ends_with("\r\n\r\nfirst"), "{answer}");
}

fn compressed(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

#[tokio::test]
async fn what_the_client_has_not_asked_to_be_compressed_is_not() {
    let long = "text ".repeat(100_000);
    let body = compressed(&long);
    let sent = body.clone();
    let upstream = Upstream::http1(move |_: Request<Incoming>| {
        let body = Full::new(sent.clone());
        async move { Response::builder().header("content-encoding", "gzip").body(body).unwrap() }
    })
    .await;
    let composition =
        |headers| ComposeOf::opaque(get("only", "/"), &[upstream.address]).with(|message| message.headers = headers);
    let proxy = Proxy::start(composition(everything()).table()).await;
    let plain = ask(proxy.address, Request::get("/")).await;
    assert!(plain.text() == long);
    assert_eq!((plain.header("content-encoding"), plain.header("content-length")), ("", ""));
    let asked = ask(proxy.address, Request::get("/").header("accept-encoding", "gzip")).await;
    assert_eq!(asked.header("content-encoding"), "gzip");
    assert!(asked.body == body);
    let mut client = H2Client::connect(proxy.address).await;
    assert!(client.get("http://test/").await.text() == long);
}

#[tokio::test]
async fn a_compressed_answer_that_breaks_off_is_not_taken_for_whole() {
    let body = compressed(&"text ".repeat(1000));
    let sent = body.slice(..body.len() - 10);
    let upstream = Upstream::http1(move |_: Request<Incoming>| {
        let body = Full::new(sent.clone());
        async move { Response::builder().header("content-encoding", "gzip").body(body).unwrap() }
    })
    .await;
    let proxy = Proxy::start(ComposeOf::opaque(get("only", "/"), &[upstream.address]).table()).await;
    let request = Request::get("/").header("host", "test").body(Full::<Bytes>::default().boxed()).unwrap();
    let response = Client::connect(proxy.address).await.begin(request).await.unwrap();
    assert!(soon(response.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn a_call_with_copies_is_passed_on_as_well() {
    let upstream = Upstream::http1(echo).await;
    let mut call = get("twice", "/x");
    call.copies = 2;
    let proxy = Proxy::start(ComposeOf::opaque(call, &[upstream.address]).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert!(answer.text().starts_with("GET /x HTTP/1.1\naccept-encoding: gzip\n"), "{}", answer.text());
    assert_eq!(answer.header("x-made-by"), "test");
}

#[tokio::test]
async fn the_endpoint_names_its_host_where_the_call_names_none() {
    let upstream = Upstream::http1(echo).await;
    let h2 = Upstream::http2(|request: Request<Incoming>| async move {
        Response::new(Full::<Bytes>::from(request.uri().authority().unwrap().to_string()))
    })
    .await;
    let unnamed = |address, backend| {
        ComposeOf::opaque(get("only", "/"), &[]).with(|message| message.calls.clear()).call_of(
            backstay_proto::config::Call { decoder: call::Decoder::Opaque.into(), ..get("only", "/") },
            &[(address, backend)],
        )
    };
    let clear = |composition: ComposeOf| composition.with(|message| message.calls[0].targets[0].authority.clear());
    let proxy =
        Proxy::start(clear(unnamed(upstream.address, BackendOf::http1(&[upstream.address]).build())).table()).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert!(answer.text().contains(&format!("host: {}\n", upstream.address)), "{}", answer.text());
    let proxy = Proxy::start(clear(unnamed(h2.address, BackendOf::http2(h2.address).build())).table()).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), h2.address.to_string());
}

#[tokio::test]
async fn the_access_log_and_the_client_are_told_of_the_call() {
    let upstream = Upstream::http1(echo).await;
    let composition = ComposeOf::opaque(get("only", "/"), &[upstream.address])
        .with(|message| message.debug_header = "x-calls".to_owned());
    let (log, lines) = access_log();
    let options = backstay_proxy::server::Options { access_log: Some(log), ..Default::default() };
    let proxy = Proxy::with(options, socket(crate::support::ANY_PORT, composition.table())).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert!(answer.header("x-calls").starts_with("only; outcome=ok; dur="), "{:?}", answer.headers);
    let line = lines.next();
    assert_eq!((&line["status"], &line["calls"][0]["name"]), (&200.into(), &"only".into()));
    assert_eq!(line["upstream"], upstream.address.to_string());
    assert_eq!(line["backend"], "backend/test");
}
