//! What clients are told when a backend fails.

use std::time::Duration;

use backstay_model::{Retry, Timeouts};
use backstay_proxy::config::{Filters, WeightedTargets};
use backstay_proxy::server::Options;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{
    ANY_PORT, BackendOf, Client, Proxy, Raw, Routes, Upstream, access_log, ask, socket, soon, target, to,
};

const RESET: &str = "upstream connect error or disconnect/reset before headers. reset reason: ";

async fn refused_address() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn nobody_listens() {
    let address = refused_address().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, &*format!("{RESET}remote connection failure")));
    assert_eq!(answer.header("content-type"), "text/plain");
}

#[tokio::test]
async fn another_address_is_tried_when_one_refuses() {
    let upstream = Upstream::http1(|_| async { Response::new(Full::from("alive")) }).await;
    let dead = (std::net::Ipv4Addr::new(127, 0, 0, 3), upstream.address.port()).into();
    let backend = BackendOf::http1(&[dead, upstream.address]).build();
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..6 {
        assert_eq!(client.get("/").await.text(), "alive");
    }
}

#[tokio::test]
async fn the_upstream_closes_instead_of_answering() {
    let upstream = Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, &*format!("{RESET}connection termination")));
}

#[tokio::test]
async fn the_upstream_closes_every_connection_at_once() {
    let upstream = Upstream::serve(|stream| async move { drop(stream) }).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, &*format!("{RESET}connection termination")));
    assert!(upstream.connections() <= 3);
}

#[tokio::test]
async fn the_upstream_does_not_speak_http() {
    for nonsense in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let upstream = Upstream::serve(move |mut stream| async move {
            Raw::head(&mut stream).await;
            let _ = stream.write_all(nonsense).await;
        })
        .await;
        let proxy = Proxy::start(Routes::to(upstream.address)).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!(answer.status, 502, "{nonsense:?}");
        assert_eq!(answer.text(), format!("{RESET}protocol error"));
    }
}

#[tokio::test]
async fn an_answer_with_length_and_chunks_is_refused_and_the_last_of_its_connection() {
    for framing in
        ["Content-Length: 1\r\nTransfer-Encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 1"]
    {
        for retries in [false, true] {
            let (upstream, address) = Raw::bind().await;
            let mut backend = BackendOf::http1(&[address]);
            // With a policy, answers take another way.
            backend.policy.retries = retries.then(Retry::default);
            let (log, lines) = access_log();
            let options = Options { access_log: Some(log), ..Options::default() };
            let table = Routes::all(to(&backend.build(), address.port()));
            let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
            let (answer, ()) = tokio::join!(ask(proxy.address, Request::get("/")), async {
                let (mut stream, _) = upstream.accept().await;
                let answer = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                // Closed with or without a reset, whatever was left to read.
                let closed = soon(stream.read_u8()).await;
                assert!(closed.is_err(), "the connection must not be used again");
            });
            assert_eq!((answer.status.as_u16(), answer.text()), (502, &*format!("{RESET}protocol error")));
            assert_eq!(lines.next()["flags"], "UPE", "{framing}");
        }
    }
}

#[tokio::test]
async fn the_upstream_is_too_slow() {
    let (_upstream, address) = Raw::bind().await;
    let backend = BackendOf::http1(&[address]).build();
    for (request, attempt) in [(Some(30), None), (None, Some(30)), (Some(30_000), Some(30))] {
        let mut forward = to(&backend, address.port());
        forward.request_timeout = request.map(Duration::from_millis);
        forward.backend_request_timeout = attempt.map(Duration::from_millis);
        let proxy = Proxy::start(Routes::all(forward)).await;
        let answer = ask(proxy.address, Request::get("/")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (504, "upstream request timeout"));
    }
}

#[tokio::test]
async fn the_upstream_stops_in_the_middle_of_its_answer() {
    let (upstream, address) = Raw::bind().await;
    let mut forward = to(&BackendOf::http1(&[address]).build(), address.port());
    forward.request_timeout = Some(Duration::from_millis(100));
    let proxy = Proxy::start(Routes::all(forward)).await;
    for closes in [true, false] {
        let mut client = Client::connect(proxy.address).await;
        let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
        let (response, stream) = tokio::join!(client.begin(request), async {
            let (mut stream, _) = upstream.accept().await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
            (!closes).then_some(stream)
        });
        assert!(soon(response.unwrap().collect()).await.is_err(), "an incomplete answer must not look complete");
        drop(stream);
    }
}

#[tokio::test]
async fn a_connection_takes_too_long() {
    // A backlog that is full: further connections are not answered.
    let raw = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    raw.bind(&ANY_PORT.into()).unwrap();
    raw.listen(0).unwrap();
    let address = raw.local_addr().unwrap().as_socket().unwrap();
    let fill: Vec<_> =
        (0..2).map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
    let mut backend = BackendOf::http1(&[address]);
    backend.timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
    let proxy = Proxy::start(Routes::all(to(&backend.build(), address.port()))).await;
    let answer = ask(proxy.address, Request::get("/")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, &*format!("{RESET}connection timeout")));
    drop(fill);
}

#[tokio::test]
async fn the_client_does_not_send_its_whole_request() {
    let upstream = Upstream::http1(crate::support::echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let answer = crate::support::raw(
        proxy.address,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn a_failure_has_the_filters_of_its_route() {
    let address = refused_address().await;
    let backend = BackendOf::http1(&[address]).build();
    let mut only = target(1, &backend, address.port());
    let seen =
        backstay_model::HeaderEdit::Set(http::HeaderName::from_static("x-seen"), http::HeaderValue::from_static("1"));
    only.filters = Filters { response_headers: vec![seen], ..Filters::default() }.into();
    let mut forward = to(&backend, address.port());
    forward.targets = WeightedTargets::new(vec![only]);
    let proxy = Proxy::start(Routes::all(forward)).await;
    assert_eq!(ask(proxy.address, Request::get("/")).await.header("x-seen"), "1");
}

#[tokio::test]
async fn the_access_log_says_why() {
    let (log, lines) = access_log();
    let upstream = Upstream::http1(|_| async {
        let frames = futures::stream::iter([Ok::<_, std::convert::Infallible>(http_body::Frame::data("12345".into()))]);
        Response::new(StreamBody::new(frames))
    })
    .await;
    let address = refused_address().await;
    let table = Routes::default()
        .rule("up", backstay_proxy::route::Matcher::prefix("/"), <_>::default(), {
            let backend = BackendOf::http1(&[upstream.address]).build();
            backstay_proxy::config::Action::Forward(to(&backend, upstream.address.port()))
        })
        .rule("down", backstay_proxy::route::Matcher::prefix("/"), <_>::default(), {
            let backend = BackendOf::http1(&[address]).build();
            backstay_proxy::config::Action::Forward(to(&backend, address.port()))
        })
        .build();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, table)).await;
    let line = async |host: &str| -> serde_json::Value {
        let request = Request::post("/p?q").header("host", host).header("user-agent", "test");
        let mut client = Client::connect(proxy.address).await;
        client.send(request.body(Full::from("abc")).unwrap()).await;
        lines.next()
    };
    let up = line("up").await;
    assert_eq!((&up["status"], &up["flags"], &up["details"]), (&200.into(), &"-".into(), &"via_upstream".into()));
    assert_eq!((&up["bytes_received"], &up["bytes_sent"]), (&3.into(), &5.into()));
    assert_eq!((&up["method"], &up["path"], &up["authority"]), (&"POST".into(), &"/p?q".into(), &"up".into()));
    assert_eq!(up["upstream"], upstream.address.to_string());
    assert_eq!((&up["route"], &up["backend"]), (&"route/test".into(), &"backend/test".into()));
    let down = line("down").await;
    assert_eq!((&down["status"], &down["flags"]), (&503.into(), &"UF".into()));
    assert!(down["details"].as_str().unwrap().starts_with("upstream_reset_before_response_started{remote_connection"));
    assert_eq!((&down["upstream"], &down["attempts"]), (&address.to_string().into(), &1.into()), "who it was");
    let none = line("none").await;
    assert_eq!(
        (&none["status"], &none["flags"], &none["details"]),
        (&404.into(), &"NR".into(), &"route_not_found".into())
    );
    assert_eq!((&none["upstream"], &none["attempts"]), (&serde_json::Value::Null, &0.into()));
}
