//! Copies of requests.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use backstay_proxy::config::{Action, Filters, Mirror};
use backstay_proxy::route::Matcher;
use backstay_proxy::server::Limits;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use crate::support::{BackendOf, Client, Proxy, Raw, Routes, Upstream, soon, to};

type Request_ = Request<hyper::body::Incoming>;

/// An upstream that answers "main" or the like, and tells what it was asked.
async fn telling(answer: &'static str) -> (Upstream, mpsc::UnboundedReceiver<(String, Bytes)>) {
    let (tell, told) = mpsc::unbounded_channel();
    let upstream = Upstream::http1(move |request: Request_| {
        let tell = tell.clone();
        async move {
            let (parts, body) = request.into_parts();
            if let Ok(body) = body.collect().await {
                let host = parts.headers["host"].to_str().unwrap();
                let _ = tell.send((format!("{} {} {host}", parts.method, parts.uri), body.to_bytes()));
            }
            Response::new(Full::from(answer))
        }
    })
    .await;
    (upstream, told)
}

fn routes(main: std::net::SocketAddr, mirrors: &[(std::net::SocketAddr, u32, u32)]) -> backstay_proxy::route::Table {
    let mirrors = mirrors
        .iter()
        .map(|(address, numerator, denominator)| Mirror {
            backend: BackendOf::http1(&[*address]).build(),
            port: NonZeroU16::new(address.port()),
            numerator: *numerator,
            denominator: NonZeroU32::new(*denominator).unwrap(),
        })
        .collect();
    let filters = Filters { mirrors, ..Filters::default() };
    let forward = to(&BackendOf::http1(&[main]).build(), main.port());
    Routes::default().rule("", Matcher::prefix("/"), filters, Action::Forward(forward)).build()
}

#[tokio::test]
async fn every_mirror_gets_the_whole_request_and_the_client_only_the_main_answer() {
    let (main, mut main_told) = telling("main").await;
    let (one, mut one_told) = telling("one").await;
    let (two, mut two_told) = telling("two").await;
    let proxy = Proxy::start(routes(main.address, &[(one.address, 1, 1), (two.address, 100, 100)])).await;
    let mut client = Client::connect(proxy.address).await;
    assert_eq!(client.get("/x?y").await.text(), "main");
    let body = Bytes::from(vec![b'z'; 200_000]);
    let request = Request::post("/big").header("host", "test").body(Full::new(body.clone())).unwrap();
    assert_eq!(client.send(request).await.text(), "main");
    for told in [&mut main_told, &mut one_told, &mut two_told] {
        let mut seen = [soon(told.recv()).await.unwrap(), soon(told.recv()).await.unwrap()];
        seen.sort();
        assert_eq!(seen[0], ("GET /x?y test".into(), Bytes::new()));
        assert!(seen[1] == ("POST /big test".into(), body.clone()));
    }
}

#[tokio::test]
async fn a_mirror_that_fails_or_hangs_is_not_noticed() {
    let (main, mut told) = telling("main").await;
    let (hanging, hanging_address) = Raw::bind().await;
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let limits = Limits { mirror_buffer: 100_000, ..Limits::default() };
    let proxy = Proxy::limited(limits, routes(main.address, &[(hanging_address, 1, 1), (dead, 1, 1)])).await;
    let mut client = Client::connect(proxy.address).await;
    let body = Bytes::from(vec![b'z'; 20_000_000]);
    let request = Request::post("/big").header("host", "test").body(Full::new(body.clone())).unwrap();
    let (answer, (mut stream, _)) = tokio::join!(client.send(request), hanging.accept());
    assert_eq!(answer.text(), "main");
    assert!(soon(told.recv()).await.unwrap().1 == body);
    // What the copy could not keep, it did not keep: the mirror sees an incomplete request.
    let mut read = Vec::new();
    let _ = soon(stream.read_to_end(&mut read)).await;
    assert!(read.len() < body.len());
}

#[tokio::test]
async fn a_share_of_requests_is_mirrored() {
    let (main, _main_told) = telling("main").await;
    let (some, mut some_told) = telling("some").await;
    let (none, mut none_told) = telling("none").await;
    let proxy = Proxy::start(routes(main.address, &[(some.address, 1, 4), (none.address, 0, 4)])).await;
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..400 {
        client.get("/").await;
    }
    // Copies end on their own time; the proxy's end is the end of them all.
    drop(client);
    let connections = Arc::new(proxy);
    drop(connections);
    let mut count = 0;
    while some_told.try_recv().is_ok() {
        count += 1;
    }
    // 100 are expected; eight standard deviations are 70.
    assert!((30..=170).contains(&count), "{count}");
    assert!(none_told.try_recv().is_err());
}
