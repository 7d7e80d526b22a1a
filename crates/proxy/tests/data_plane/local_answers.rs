//! Answers of the proxy's own, as those who asked can read them.

use http::Request;
use http_body_util::{BodyExt, Full};

use crate::support::{Answer, BackendOf, Client, H2Client, Proxy, Raw, Routes, to};

const REFUSED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";

/// A proxy before nobody.
async fn before_nobody() -> Proxy {
    let (upstream, address) = Raw::bind().await;
    drop(upstream);
    Proxy::start(Routes::all(to(&BackendOf::http1(&[address]).build(), address.port()))).await
}

async fn over_http2(proxy: &Proxy, request: http::request::Builder) -> Answer {
    let request = request.body(Full::default().boxed()).unwrap();
    Answer::read(H2Client::connect(proxy.address).await.begin(request).await.unwrap()).await
}

#[tokio::test]
async fn a_head_gets_no_body() {
    let proxy = before_nobody().await;
    let http2 = over_http2(&proxy, Request::head("http://a.test/")).await;
    let request = Request::head("/").header("host", "a.test").body(Full::default()).unwrap();
    let http1 = Client::connect(proxy.address).await.send(request).await;
    for answer in [http2, http1] {
        let length = REFUSED.len().to_string();
        assert_eq!((answer.status.as_u16(), answer.header("content-length"), answer.text()), (503, &*length, ""));
    }
}

#[tokio::test]
async fn a_call_gets_a_status() {
    let proxy = before_nobody().await;
    let call = || Request::post("http://a.test/a.B/C").header("content-type", "application/grpc+proto");
    let answer = over_http2(&proxy, call()).await;
    let told = |name| answer.header(name);
    assert_eq!((answer.status.as_u16(), told("content-type"), answer.text()), (200, "application/grpc", ""));
    assert_eq!((told("grpc-status"), told("grpc-message")), ("14", REFUSED));
    let answer = over_http2(&proxy, Request::post("http://a.test/").header("content-type", "application/json")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, REFUSED));
}
