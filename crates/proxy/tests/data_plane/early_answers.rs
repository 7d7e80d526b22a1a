//! Answers that begin before their request has been sent: what becomes of both.

use std::time::Duration;

use backstay_proxy::server::{Limits, Options};
use http::Request;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ANY_PORT, BackendOf, Proxy, Raw, Routes, access_log, ask, on, socket, soon, to, until};

#[tokio::test]
async fn what_comes_before_a_retry_is_kept_for_it() {
    let (upstream, address) = Raw::bind().await;
    let mut backend = BackendOf::http1(&[address]);
    let mut retry = on(&["5xx"], 1);
    // Time enough for an attempt that is over to read what the next one needs.
    retry.policy.back_off_base = Duration::from_secs(1);
    backend.policy.retries = Some(retry);
    let backend = backend.build();
    let limits = Limits { retry_buffer: 1000, ..Limits::default() };
    let proxy = Proxy::limited(limits, Routes::all(to(&backend, address.port()))).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n").await.unwrap();
    let (mut first, _) = upstream.accept().await;
    let mut chunk = [0; 8];
    soon(first.read_exact(&mut chunk)).await.unwrap();
    first.write_all(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    until(|| backend.metrics.retries.policy.get() == 1).await;
    let rest = format!("7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000));
    client.write_all(rest.as_bytes()).await.unwrap();
    let (mut second, _) = upstream.accept().await;
    let mut body = vec![0; 8 + rest.len()];
    soon(second.read_exact(&mut body)).await.unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), format!("3\r\none\r\n{rest}"));
    second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 200 "));
    drop(first);
}

#[tokio::test]
async fn a_reset_that_the_upload_meets_is_no_end_of_the_answer() {
    let (upstream, address) = Raw::bind().await;
    let (log, lines) = access_log();
    let options = Options { access_log: Some(log), ..Options::default() };
    let proxy = Proxy::with(options, socket(ANY_PORT, Routes::to(address))).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
    let (mut reader, mut writer) = client.into_split();
    let upload = tokio::spawn(async move { while writer.write_all(&[b'x'; 65_536]).await.is_ok() {} });
    let (mut stream, _) = upstream.accept().await;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    // As much as anybody takes, while the client reads nothing.
    let full = async { while stream.write_all(&[b'a'; 65_536]).await.is_ok() {} };
    assert!(tokio::time::timeout(Duration::from_millis(500), full).await.is_err());
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    // By the time another request has been answered, the thread has seen it.
    let other = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    });
    assert_eq!(ask(proxy.address, Request::get("/")).await.text(), "ok");
    other.await.unwrap();
    let mut answer = Vec::new();
    let _ = soon(reader.read_to_end(&mut answer)).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
    assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "cut, and said to be whole");
    soon(upload).await.unwrap();
    let logged = [lines.next(), lines.next()].map(|line| (line["method"].clone(), line["flags"].clone()));
    assert_eq!(logged, [("GET".into(), "-".into()), ("POST".into(), "UC".into())]);
}

#[tokio::test]
async fn a_connection_whose_answer_is_refused_carries_nothing_more() {
    let (upstream, address) = Raw::bind().await;
    let proxy = Proxy::start(Routes::to(address)).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nbegin").await.unwrap();
    let (mut stream, _) = upstream.accept().await;
    let mut begin = [0; 5];
    soon(stream.read_exact(&mut begin)).await.unwrap();
    stream.write_all(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").await.unwrap();
    assert!(Raw::head(&mut client).await.starts_with("HTTP/1.1 502 "));
    let _ = client.write_all(b"after").await;
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert_eq!(String::from_utf8(rest).unwrap(), "");
}
