use std::net::SocketAddr;

use backstay_balancer::{Breakers, CheckResult, Limits};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Kept, appear_in_order, ask, grpc_result};
use backstay_model::{BackendSpec, HttpProbe, Probe};
use backstay_upstream::{Backend, BackendParts, Discovery, Endpoint};

#[test]
fn parts_of_an_answer_come_in_order() {
    let parts = |parts: &[&'static str]| parts.iter().map(|part| Bytes::from(*part)).collect::<Vec<_>>();
    assert!(appear_in_order(b"220 mail ready", &parts(&["220", "ready"])));
    assert!(!appear_in_order(b"220 mail ready", &parts(&["ready", "220"])));
    assert!(!appear_in_order(b"aa", &parts(&["aa", "a"])));
    assert!(appear_in_order(b"", &parts(&[])));
}

#[test]
fn a_service_serves_only_if_it_says_so() {
    let serving = [0, 0, 0, 0, 2, 0x08, 1];
    let not_serving = [0, 0, 0, 0, 2, 0x08, 2];
    let judge = |code: Option<&'static str>, body: &[u8]| {
        let code = code.map(HeaderValue::from_static);
        let found = grpc_result(StatusCode::OK, code.as_ref(), body);
        (found.result, found.failure.unwrap_or_default())
    };
    assert_eq!(judge(Some("0"), &serving), (CheckResult::Passed, String::new()));
    let refused = judge(Some("0"), &not_serving);
    assert!(refused.0 == CheckResult::Refused && refused.1.contains("not SERVING"), "{refused:?}");
    assert_eq!(judge(Some("12"), &[]), (CheckResult::Refused, "grpc-status 12".to_owned()));
    assert_eq!(judge(None, &serving).0, CheckResult::Failed);
}

fn backend(address: SocketAddr) -> std::sync::Arc<Backend> {
    Backend::new(BackendParts {
        name: "backend/test".into(),
        spec: std::sync::Arc::new(BackendSpec::default()),
        discovery: Discovery::addresses(vec![Endpoint::ip(address.ip())]),
        tls: None,
        metrics: std::sync::Arc::default(),
        breakers: Breakers::new(&Limits::default()),
    })
}

#[tokio::test]
async fn bytes_are_sent_and_awaited() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"PING");
            stream.write_all(b"+PO").await.unwrap();
            stream.write_all(b"NG\r\n").await.unwrap();
        }
    });
    let backend = backend(address);
    for (expected, result) in [("PONG", CheckResult::Passed), ("OTHER", CheckResult::Failed)] {
        let probe = Probe::Tcp { send: "PING".into(), receive: vec![expected.into()] };
        let found = ask(&backend, &Endpoint::ip(address.ip()), address, &probe, &mut Kept::default()).await.unwrap();
        assert_eq!(found.result, result);
    }
    server.await.unwrap();
}

/// Answers one request, and says what was asked.
async fn answer(stream: &mut tokio::net::TcpStream, version: &str) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(format!("{version} 200 OK\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
    String::from_utf8(asked).unwrap()
}

fn head_of_health(http10: bool) -> Probe {
    Probe::Http(HttpProbe {
        path: "/health".parse().unwrap(),
        host: Some(HeaderValue::from_static("h.example")),
        method: http::Method::HEAD,
        expected: vec![(200, 200)],
        headers: http::HeaderMap::new(),
        http10,
    })
}

#[tokio::test]
async fn checks_share_a_connection_as_long_as_the_endpoint_keeps_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for checks in [2, 1] {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..checks {
                let asked = answer(&mut stream, "HTTP/1.1").await;
                assert!(asked.starts_with("HEAD /health HTTP/1.1\r\n"), "{asked}");
                assert!(!asked.contains("connection:") && asked.contains("host: h.example\r\n"), "{asked}");
            }
        }
    });
    let (backend, mut kept) = (backend(address), Kept::default());
    for _ in 0..3 {
        let found = ask(&backend, &Endpoint::ip(address.ip()), address, &head_of_health(false), &mut kept).await;
        assert_eq!(found.unwrap().result, CheckResult::Passed);
        // Between two checks there is time.
        while kept.0.as_ref().is_some_and(|sender| !sender.is_ready() && !sender.is_closed()) {
            tokio::task::yield_now().await;
        }
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_check_of_http_1_0_says_that_it_is_the_last_of_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let asked = answer(&mut stream, "HTTP/1.0").await;
            assert!(asked.starts_with("HEAD /health HTTP/1.0\r\n"), "{asked}");
            assert!(asked.contains("connection: close\r\n"), "{asked}");
        }
    });
    let (backend, mut kept) = (backend(address), Kept::default());
    for _ in 0..2 {
        let found = ask(&backend, &Endpoint::ip(address.ip()), address, &head_of_health(true), &mut kept).await;
        assert_eq!(found.unwrap().result, CheckResult::Passed);
    }
    server.await.unwrap();
}
