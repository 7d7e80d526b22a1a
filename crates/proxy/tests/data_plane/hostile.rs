//! Clients that mean harm over HTTP/2: each gets a bounded refusal, and nothing of it stays.

use std::sync::Arc;

use backstay_balancer::Limit;
use backstay_proxy::counts::ServerMetrics;
use backstay_proxy::server::{Limits, Options};
use backstay_upstream::Backend;
use tokio::sync::mpsc;

use crate::support::wire::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, Wire, block, frame, head_of,
};
use crate::support::{ANY_PORT, BackendOf, Proxy, Raw, Routes, Upstream, echo, socket, soon, to, until};

/// A proxy before an upstream that does not answer, and what is under way at it.
async fn before_a_silent_upstream() -> (Proxy, Arc<Backend>, Upstream, mpsc::UnboundedReceiver<String>) {
    let (told, heads) = mpsc::unbounded_channel();
    let upstream = Upstream::serve(move |mut stream| {
        let told = told.clone();
        async move {
            let _ = told.send(Raw::head(&mut stream).await);
            // Nothing of the body is read.
            let _ = stream.readable().await;
            std::future::pending::<()>().await;
        }
    })
    .await;
    let backend = counting(&upstream);
    let proxy = Proxy::start(Routes::all(to(&backend, upstream.address.port()))).await;
    (proxy, backend, upstream, heads)
}

/// Waits until nothing is under way any more.
pub(crate) async fn nothing_is_left(backend: &Backend) {
    let limits = [Limit::Requests, Limit::PendingRequests, Limit::Connections, Limit::Retries];
    until(|| limits.iter().all(|limit| backend.breakers.active(*limit) == 0)).await;
}

/// The head of a request without a body.
pub(crate) fn get() -> Vec<u8> {
    head_of("GET", &[])
}

/// Counts its requests.
pub(crate) fn counting(upstream: &Upstream) -> Arc<Backend> {
    let mut backend = BackendOf::http1(&[upstream.address]);
    backend.limits.requests = Some(1_000_000);
    backend.build()
}

#[tokio::test]
async fn what_http1_would_read_as_more_is_refused_before_it_gets_there() {
    let upstream = Upstream::http1(echo).await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    let long = "x".repeat(200_000);
    let pseudo = |method, path| [(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)];
    let mut blocks = vec![
        block(&pseudo("GET", "/ HTTP/1.1\r\nx: y")),
        block(&pseudo("GET", "/a b")),
        block(&pseudo("GET", "a")),
        block(&pseudo("GET", "")),
        block(&pseudo("GET", "http://evil/")),
        block(&pseudo("GET / HTTP/1.1\r\nx:", "/")),
        block(&pseudo("G T", "/")),
        block(&[(":method", "GET"), (":scheme", "http"), (":authority", "test\r\nx: y"), (":path", "/")]),
        block(&[(":method", "GET"), (":scheme", "http"), (":authority", "a@test"), (":path", "/")]),
        block(&[(":method", "GET"), (":scheme", "http"), (":authority", "test/x"), (":path", "/")]),
        block(&[(":method", "GET"), (":scheme", "http://evil/?"), (":authority", "test"), (":path", "/")]),
        block(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]),
        block(&[(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "/"), (":path", "/b")]),
        block(&[(":method", "CONNECT"), (":authority", "test:80")]),
    ];
    for header in [
        ("x-a", "b\r\nx-evil: 1"),
        ("x-a", "b\nx-evil: 1"),
        ("x-a", "b\rc"),
        ("x-a", "b\0c"),
        ("x-a: b\r\nx-evil", "1"),
        ("x-a:b", "1"),
        ("x a", "1"),
        ("X-A", "1"),
        ("", "1"),
        ("a\"b", "1"),
        ("x-a", " 1"),
        ("x-a", "1\t"),
        ("x-a", " "),
        ("connection", "x-a"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("host", "evil"),
        ("content-length", "10"),
        ("content-length", "-1"),
        ("content-length", "0, 0"),
        (":status", "200"),
        ("x-long", &long),
    ] {
        blocks.push(head_of("POST", &[header]));
    }
    blocks.push(head_of("POST", &[("content-length", "0"), ("content-length", "5")]));
    for (number, block) in blocks.iter().enumerate() {
        let mut wire = Wire::connect(proxy.address, &[]).await;
        // In frames of the size that is always allowed.
        let parts: Vec<_> = block.chunks(16_384).collect();
        for (index, part) in parts.iter().enumerate() {
            let kind = if index == 0 { HEADERS } else { 9 };
            let end = if index + 1 == parts.len() { END_HEADERS } else { 0 };
            wire.send(&frame(kind, end | if index == 0 { END_STREAM } else { 0 }, 1, part)).await;
        }
        let answer = loop {
            match wire.next().await {
                Some(Frame { kind: WINDOW_UPDATE, .. }) => {}
                answer => break answer,
            }
        };
        // 400, 405 and 431 are in no table; 200 is in the static one, and would be a single byte.
        let refused = answer.as_ref().is_none_or(|answer| answer.kind != HEADERS || !answer.payload.contains(&0x88));
        assert!(refused, "{number}: {answer:?}");
    }
    assert_eq!(upstream.connections(), 0, "nothing of it was sent on");
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let (proxy, backend, upstream, _heads) = before_a_silent_upstream().await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    let mut sent = 0;
    for stream in (1..200_000).step_by(2) {
        let pair =
            [frame(HEADERS, END_HEADERS | END_STREAM, stream, &get()), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])];
        if !wire.send(&pair.concat()).await {
            break;
        }
        sent += 1;
    }
    assert!(sent < 50_000, "{sent}");
    assert!(upstream.connections() < 1000, "{}", upstream.connections());
    nothing_is_left(&backend).await;
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let (proxy, backend, _upstream, _heads) = before_a_silent_upstream().await;
    for part in [block(&[("x-a", &"a".repeat(1000))]), Vec::new()] {
        let mut wire = Wire::connect(proxy.address, &[]).await;
        wire.send(&frame(HEADERS, 0, 1, &get())).await;
        let mut sent = 0;
        while sent < 100_000 && wire.send(&frame(9, 0, 1, &part)).await {
            sent += 1;
        }
        assert!(sent < 100_000);
    }
    nothing_is_left(&backend).await;
}

#[tokio::test]
async fn empty_parts_of_a_body_end_the_connection() {
    let (proxy, backend, _upstream, mut heads) = before_a_silent_upstream().await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    wire.send(&frame(HEADERS, END_HEADERS, 1, &head_of("POST", &[]))).await;
    heads.recv().await.unwrap();
    let mut sent = 0;
    while sent < 1_000_000 && wire.send(&frame(DATA, 0, 1, &[])).await {
        sent += 1;
    }
    assert!(sent < 1_000_000);
    nothing_is_left(&backend).await;
}

#[tokio::test]
async fn small_parts_of_a_body_are_no_attack() {
    let (proxy, backend, _upstream, mut heads) = before_a_silent_upstream().await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    wire.send(&frame(HEADERS, END_HEADERS, 1, &head_of("POST", &[]))).await;
    heads.recv().await.unwrap();
    // All that the window of a request has room for, and the upstream takes none of it.
    let (part, window) = ([b'x'; 16], Limits::default().stream_window as usize);
    let connection = wire.until(WINDOW_UPDATE).await.unwrap();
    assert!(connection.stream == 0 && connection.number() as usize + 65_535 >= window, "{connection:?}");
    assert!(wire.send(&frame(DATA, 0, 1, &part).repeat(window / part.len())).await);
    // The connection goes on.
    assert!(wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 3, &get())).await);
    assert!(soon(heads.recv()).await.unwrap().starts_with("GET / "));
    assert_eq!(backend.breakers.active(Limit::Requests), 2);
    drop(wire);
    nothing_is_left(&backend).await;
}

#[tokio::test]
async fn a_client_that_breaks_the_rules_is_told_and_let_go() {
    let (proxy, backend, _upstream, _heads) = before_a_silent_upstream().await;
    for broken in [
        frame(DATA, 0, 1, b"of no request"),
        frame(HEADERS, END_HEADERS | END_STREAM, 2, &get()),
        frame(HEADERS, END_HEADERS | END_STREAM, 0, &get()),
        frame(WINDOW_UPDATE, 0, 0, &0_u32.to_be_bytes()),
        frame(WINDOW_UPDATE, 0, 0, &(u32::MAX >> 1).to_be_bytes()),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 40]),
        frame(4, 0, 0, &[0; 5]),
        frame(4, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        frame(PING, 0, 0, b"short"),
        frame(DATA, 0, 1, &vec![0; 20_000]),
        vec![0xff; 100],
    ] {
        let mut wire = Wire::connect(proxy.address, &[]).await;
        wire.send(&broken).await;
        let last = wire.until(GOAWAY).await;
        assert!(last.is_none_or(|last| last.payload[7] != 0), "{broken:?}");
        while wire.next().await.is_some() {}
    }
    nothing_is_left(&backend).await;
}

#[tokio::test]
async fn a_table_of_headers_that_unfolds_is_refused() {
    let (proxy, backend, _upstream, _heads) = before_a_silent_upstream().await;
    let mut wire = Wire::connect(proxy.address, &[]).await;
    // A large header is entered into the table, and named thousands of times by one byte.
    let mut bomb = get();
    let mut entry = block(&[("x-big", &"a".repeat(3900))]);
    entry[0] = 0x40;
    bomb.extend(entry);
    bomb.extend([0xbe; 10_000]);
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)).await;
    let mut last = None;
    while let Some(frame) = wire.next().await {
        last = Some(frame);
        if last.as_ref().is_some_and(|last| matches!(last.kind, HEADERS | RST_STREAM | GOAWAY)) {
            break;
        }
    }
    let last = last.unwrap();
    assert!(last.kind != HEADERS || !last.payload.contains(&0x88), "{last:?}");
    nothing_is_left(&backend).await;
}

const PRIORITY: u8 = 2;
/// RFC 9113, 7.
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn floods_of_frames_that_cost_their_sender_nothing_end_the_connection() {
    let upstream = Upstream::http1(echo).await;
    for (kind, stream, payload) in [
        (PING, 0, &[0; 8][..]),
        (SETTINGS, 0, &[]),
        (PRIORITY, 1, &[0, 0, 0, 3, 0]),
        (WINDOW_UPDATE, 0, &[0, 0, 0, 1]),
        (0xbe, 0, &[]),
    ] {
        let metrics = Arc::<ServerMetrics>::default();
        let options = Options { metrics: Arc::clone(&metrics), ..Options::default() };
        let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(upstream.address))).await;
        let mut wire = Wire::connect(proxy.address, &[]).await;
        // A stream for what needs one, whose request has not ended.
        wire.send(&frame(HEADERS, END_HEADERS, 1, &head_of("POST", &[]))).await;
        wire.send(&frame(kind, 0, stream, payload).repeat(1200)).await;
        let end = wire.until(GOAWAY).await.expect("the connection is ended in words");
        let code = u32::from_be_bytes(end.payload[4..8].try_into().unwrap());
        assert_eq!(code, ENHANCE_YOUR_CALM, "kind {kind}");
        let floods = &metrics.floods;
        let counts = [&floods.ping, &floods.settings, &floods.priority, &floods.window_update, &floods.other];
        let counted: Vec<_> = counts.iter().map(|count| count.get()).collect();
        assert_eq!(counted.iter().sum::<u64>(), 1, "kind {kind}: {counted:?}");
    }
}

#[tokio::test]
async fn who_pings_and_opens_windows_for_what_is_received_is_no_flood() {
    const PARTS: usize = 3000;
    let upstream = Upstream::serve(|mut stream| async move {
        Raw::head(&mut stream).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", PARTS * 100);
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &vec![b'x'; PARTS * 100]).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let proxy = Proxy::start(Routes::to(upstream.address)).await;
    // Small parts, each for a window and a ping.
    let mut wire = Wire::connect(proxy.address, &[(INITIAL_WINDOW_SIZE, 100)]).await;
    wire.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &get())).await;
    let mut received = 0;
    while received < PARTS * 100 {
        let data = wire.until(DATA).await.expect("the connection goes on");
        received += data.payload.len();
        let window = u32::try_from(data.payload.len()).unwrap().to_be_bytes();
        let updates =
            [frame(WINDOW_UPDATE, 0, 0, &window), frame(WINDOW_UPDATE, 0, 1, &window), frame(PING, 0, 0, &[1; 8])];
        if data.flags & END_STREAM == 0 {
            assert!(wire.send(&updates.concat()).await);
        }
    }
}
