use std::convert::Infallible;
use std::future::poll_fn;

use bytes::Bytes;
use futures::FutureExt as _;
use h2::client::SendRequest;
use h2::{PingPong, Reason, RecvStream, SendStream};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::duplex;

use super::{LONGEST, MOST, WINDOW, linger};

/// A client of a server that refuses all requests, and reads nothing of them.
struct Client {
    requests: SendRequest<Bytes>,
    pings: PingPong,
}

impl Client {
    async fn connect() -> Self {
        let (client, server) = duplex(64 << 10);
        let service = service_fn(async |request| {
            drop(linger(request));
            let refusal = Response::builder().status(StatusCode::FORBIDDEN).body(Full::new(Bytes::from_static(b"no")));
            Ok::<_, Infallible>(refusal.unwrap())
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW);
        tokio::spawn(builder.serve_connection(TokioIo::new(server), service));
        let (requests, mut connection) = h2::client::handshake(client).await.unwrap();
        let pings = connection.ping_pong().unwrap();
        tokio::spawn(connection);
        Self { requests, pings }
    }

    /// Sends a request without the end of its body, and reads the whole answer.
    async fn refused(&mut self) -> SendStream<Bytes> {
        let request = Request::post("http://localhost/").body(()).unwrap();
        let (answer, body) = self.requests.send_request(request, false).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(whole(answer.into_body()).await, b"no");
        body
    }

    /// Returns once all that the server has sent before it reads this has been read here.
    async fn settle(&mut self) {
        self.pings.ping(h2::Ping::opaque()).await.unwrap();
    }
}

async fn whole(mut body: RecvStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(data) = body.data().await {
        all.extend_from_slice(&data.unwrap());
    }
    all
}

/// Why the server has reset the stream, if it has.
fn reset(body: &mut SendStream<Bytes>) -> Option<Reason> {
    poll_fn(|context| body.poll_reset(context)).now_or_never().map(Result::unwrap)
}

/// Sends as much as the server takes, until it resets the stream.
async fn send_for_ever(body: &mut SendStream<Bytes>) -> usize {
    let mut sent = 0;
    loop {
        body.reserve_capacity(16 << 10);
        let room = poll_fn(|context| body.poll_capacity(context)).await;
        let Some(Ok(room)) = room else { return sent };
        if body.send_data(Bytes::from(vec![0; room]), false).is_err() {
            return sent;
        }
        sent += room;
    }
}

#[tokio::test]
async fn a_client_that_sends_the_rest_after_the_answer_sees_no_reset() {
    let mut client = Client::connect().await;
    let mut body = client.refused().await;
    client.settle().await;
    assert_eq!(reset(&mut body), None);
    body.send_data(Bytes::from(vec![0; 40 << 10]), true).unwrap();
    client.settle().await;
    assert_eq!(reset(&mut body), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_sends_the_rest_is_not_waited_for() {
    let mut client = Client::connect().await;
    let mut body = client.refused().await;
    let answered = tokio::time::Instant::now();
    assert_eq!(poll_fn(|context| body.poll_reset(context)).await.unwrap(), Reason::NO_ERROR);
    assert_eq!(answered.elapsed().as_secs(), LONGEST.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_is_not_listened_to() {
    let mut client = Client::connect().await;
    let mut body = client.refused().await;
    let sent = send_for_ever(&mut body).await;
    assert_eq!(poll_fn(|context| body.poll_reset(context)).await.unwrap(), Reason::NO_ERROR);
    // What was on its way, and what fits into the window, comes on top.
    assert!((MOST..2 * MOST).contains(&sent), "{sent}");
}

#[tokio::test]
async fn what_is_read_is_read_as_it_was_sent() {
    let (client, server) = duplex(64 << 10);
    let service = service_fn(async |request| {
        let body = linger(request).into_body().collect().await.unwrap();
        Ok::<_, Infallible>(Response::new(Full::new(body.to_bytes())))
    });
    tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(server), service));
    let (mut requests, connection) = h2::client::handshake(client).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://localhost/").body(()).unwrap();
    let (answer, mut body) = requests.send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"first, "), false).unwrap();
    body.send_data(Bytes::from_static(b"last"), true).unwrap();
    assert_eq!(whole(answer.await.unwrap().into_body()).await, b"first, last");
}
