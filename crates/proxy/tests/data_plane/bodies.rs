//! Bodies: streamed, not stored.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use backstay_proxy::server::Options;
use bytes::Bytes;
use futures::SinkExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ANY_PORT, Answer, Client, Proxy, Raw, Routes, Upstream, access_log, socket, soon};

#[tokio::test]
async fn large_bodies_pass_unchanged_in_both_directions() {
    let upstream = Upstream::http1(|request: Request<hyper::body::Incoming>| async move {
        Response::new(Full::new(request.into_body().collect().await.unwrap().to_bytes()))
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let body: Bytes = (0..3_000_000_u32).map(|index| ((index * 31) >> 7) as u8).collect();
    let mut client = Client::connect(proxy.address).await;
    let sized = Request::post("/").header("host", "a").body(Full::new(body.clone())).unwrap();
    let answer = client.send(sized).await;
    assert_eq!(answer.header("content-length"), "3000000");
    assert!(answer.body == body);

    let chunks = futures::stream::iter(
        body.chunks(50_000).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect::<Vec<_>>(),
    );
    let chunked = Request::put("/").header("host", "a").body(StreamBody::new(chunks).boxed()).unwrap();
    let answer = Answer::read(client.begin(chunked).await.unwrap()).await;
    assert!(answer.body == body);
}

#[tokio::test]
async fn a_get_may_have_a_body() {
    let upstream = Upstream::http1(crate::support::echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let chunked =
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = crate::support::raw(proxy.address, chunked).await;
    assert!(answer.ends_with("\n\nabc"), "{answer}");
}

#[tokio::test]
async fn each_piece_arrives_before_the_next_is_sent() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = Client::connect(proxy.address).await;
    let (mut pieces, body) = futures::channel::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    let request = Request::post("/").header("host", "a").body(StreamBody::new(body).boxed()).unwrap();
    let (response, ()) = tokio::join!(client.begin(request), async {
        let (mut stream, _) = upstream.accept().await;
        for piece in ["one", "two"] {
            pieces.send(Ok(Frame::data(piece.into()))).await.unwrap();
            let mut read = [0; 8];
            soon(stream.read_exact(&mut read)).await.unwrap();
            assert_eq!(&read, format!("3\r\n{piece}\r\n").as_bytes());
        }
        drop(pieces);
        let mut end = [0; 5];
        soon(stream.read_exact(&mut end)).await.unwrap();
        assert_eq!(&end, b"0\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nanew\r\n").await.unwrap();
        tokio::spawn(async move {
            let mut byte = [0];
            let _ = stream.read(&mut byte).await;
        });
    });
    let mut body = response.unwrap().into_body();
    assert_eq!(soon(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "anew");
}

#[tokio::test]
async fn an_answer_may_begin_before_the_request_has_ended() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = Client::connect(proxy.address).await;
    let (mut pieces, body) = futures::channel::mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    let request = Request::post("/").header("host", "a").body(StreamBody::new(body).boxed()).unwrap();
    let (response, mut stream) = tokio::join!(client.begin(request), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await.unwrap();
        stream
    });
    let response = response.unwrap();
    pieces.send(Ok(Frame::data("late".into()))).await.unwrap();
    let mut read = [0; 9];
    soon(stream.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"4\r\nlate\r\n");
    stream.write_all(b"ok").await.unwrap();
    assert_eq!(Answer::read(response).await.text(), "ok");
}

#[tokio::test]
async fn a_request_goes_on_while_nobody_reads_its_answer() {
    const SIZE: usize = 20 << 20;
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let endpoint = tokio::spawn(async move {
        let (stream, _) = upstream.accept().await;
        let (receive, mut send) = stream.into_split();
        let answers = tokio::spawn(async move {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
            send.write_all(head.as_bytes()).await.unwrap();
            send.write_all(&vec![b'a'; SIZE]).await.unwrap();
            send
        });
        tokio::io::copy(&mut receive.take(SIZE as u64), &mut tokio::io::sink()).await.unwrap();
        drop(answers.await.unwrap());
    });
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    // More than all buffers on the way hold, in both directions.
    soon(client.write_all(&vec![b'q'; SIZE])).await.unwrap();
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.len() > SIZE, "{}", answer.len());
    endpoint.await.unwrap();
}

/// An endless body, of which `taken` pieces of 64 KiB have been asked for.
fn endless(taken: Arc<AtomicUsize>) -> impl futures::Stream<Item = Result<Frame<Bytes>, Infallible>> {
    futures::stream::repeat_with(move || {
        taken.fetch_add(1, SeqCst);
        Ok(Frame::data(Bytes::from_static(&[b'x'; 64 << 10])))
    })
}

/// Waits until nothing has been taken for a while: everything on the way is full. The wait is not a race: a proxy that
/// stores bodies never becomes quiet, and is caught by the bound.
async fn quiet(taken: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let now = taken.load(SeqCst);
        if now == before || now > 1000 {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_upstream() {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let upstream = Upstream::http1(move |_| {
        let count = Arc::clone(&count);
        async move { Response::new(StreamBody::new(endless(count))) }
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    let request = Request::get("/").header("host", "a").body(Full::default().boxed()).unwrap();
    let response = client.begin(request).await.unwrap();
    let stopped = quiet(&taken).await;
    assert!(stopped < 500, "{stopped} pieces of 64 KiB were taken that nobody reads");
    drop(response);
}

#[tokio::test]
async fn an_upstream_that_does_not_read_stops_the_client() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let mut client = Client::connect(proxy.address).await;
    let body = StreamBody::new(endless(Arc::clone(&taken))).boxed();
    let request = Request::post("/").header("host", "a").body(body).unwrap();
    let sending = tokio::spawn(async move { client.begin(request).await.map(|_| ()) });
    let (stream, _) = upstream.accept().await;
    let stopped = quiet(&taken).await;
    assert!(stopped < 500, "{stopped} pieces of 64 KiB were taken that nobody reads");
    drop(stream);
    sending.abort();
}

#[tokio::test]
async fn trailers_that_the_client_cannot_be_sent_are_no_failure() {
    let raw = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n";
    let (upstream, address) = Raw::bind().await;
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(address))).await;
    let mut client = Client::connect(proxy.address).await;
    let (answer, mut stream) = tokio::join!(client.get("/"), async {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(raw.as_bytes()).await.unwrap();
        stream
    });
    assert_eq!(answer.text(), "ok");
    let line = lines.next();
    assert_eq!((&line["flags"], &line["details"]), (&"-".into(), &"via_upstream".into()));
    let (answer, head) = tokio::join!(client.get("/again"), async {
        let head = Raw::head(&mut stream).await;
        stream.write_all(raw.as_bytes()).await.unwrap();
        head
    });
    assert!(head.starts_with("GET /again "), "the connection is kept: {head}");
    assert_eq!(answer.text(), "ok");
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let upstream = Upstream::http1(|request: Request<hyper::body::Incoming>| async move {
        let trailers = request.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
        let sum = trailers.get("x-sum").cloned().unwrap_or_else(|| HeaderValue::from_static("none"));
        let frames = [
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"body"))),
            Ok(Frame::trailers(HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), sum)]))),
        ];
        let stream = futures::stream::iter(frames);
        Response::builder().header("trailer", "x-sum").body(StreamBody::new(stream)).unwrap()
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let mut client = Client::connect(proxy.address).await;
    let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), HeaderValue::from_static("42"))]);
    let frames = [Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
    let request = Request::post("/")
        .header("host", "a")
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .body(StreamBody::new(futures::stream::iter(frames)).boxed())
        .unwrap();
    let answer = Answer::read(client.begin(request).await.unwrap()).await;
    assert_eq!(answer.text(), "body");
    assert_eq!(answer.trailers.unwrap()["x-sum"], "42");
}
