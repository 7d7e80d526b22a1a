use std::future::poll_fn;

use bytes::Bytes;
use http::{Request, Response, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::Connection;
use crate::tests::Whole;
use crate::{Error, HeadLimits, RequestBody as _};

const LIMITS: HeadLimits = HeadLimits { max_size: 1000, max_headers: 10 };

/// A connection, and the endpoint's end of it.
fn connected() -> (Box<Connection<DuplexStream, Whole>>, DuplexStream) {
    let (near, far) = duplex(1 << 16);
    (Connection::new(near, LIMITS), far)
}

fn get() -> Request<Whole> {
    Request::new(Whole::empty())
}

/// The body of the answer whose head was read.
async fn body(connection: &mut Connection<DuplexStream, Whole>) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|cx| connection.poll_frame(cx)).await {
        all.extend_from_slice(&frame?.into_data().unwrap_or_default());
    }
    Ok(all)
}

#[tokio::test]
async fn a_connection_carries_one_request_after_the_other() {
    let (mut connection, mut far) = connected();
    for served in 1..=3 {
        assert!(connection.is_usable());
        let mut request = get();
        let mut interim = |_| ();
        let (sent, ()) = tokio::join!(connection.send(&mut request, &mut interim), async {
            let mut head = vec![0; b"GET / HTTP/1.1\r\n\r\n".len()];
            far.read_exact(&mut head).await.unwrap();
            assert_eq!(head, b"GET / HTTP/1.1\r\n\r\n");
            far.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        });
        assert_eq!(sent.unwrap().status(), 200);
        assert_eq!(body(&mut connection).await.unwrap(), b"ok");
        connection = connection.rest().unwrap();
        assert_eq!(connection.served(), served);
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_taken_for_an_answer() {
    let (mut connection, mut far) = connected();
    far.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(!connection.is_usable());
    let unanswered = connection.send(&mut get(), &mut |_| ()).await.unwrap_err();
    assert!(unanswered.unsent && matches!(unanswered.error, Error::Unasked));
}

#[tokio::test]
async fn an_answer_that_ends_early_is_an_error_and_the_last_of_its_connection() {
    let (mut connection, mut far) = connected();
    let mut request = get();
    let mut interim = |_| ();
    let (sent, ()) = tokio::join!(connection.send(&mut request, &mut interim), async {
        far.read_exact(&mut [0; 18]).await.unwrap();
        far.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await.unwrap();
        far.shutdown().await.unwrap();
    });
    sent.unwrap();
    assert!(matches!(body(&mut connection).await, Err(Error::Ended)));
    assert!(connection.rest().is_none());
}

#[tokio::test]
async fn a_body_without_a_length_goes_in_chunks() {
    let (mut connection, mut far) = connected();
    let request = Request::post("/a").header(header::TRANSFER_ENCODING, "chunked");
    let mut request = request.body(Whole(vec![Bytes::from("one"), Bytes::from("twelve bytes")])).unwrap();
    let expected = b"POST /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\nc\r\ntwelve bytes\r\n0\r\n\r\n";
    let mut interim = |_| ();
    let (sent, ()) = tokio::join!(connection.send(&mut request, &mut interim), async {
        let mut read = vec![0; expected.len()];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(read, expected);
        far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    assert_eq!(sent.unwrap().status(), 204);
    assert!(!connection.is_sending());
    assert!(connection.rest().is_some());
}

#[tokio::test]
async fn a_connection_that_changes_its_protocol_keeps_what_it_has_read_of_it() {
    let (mut connection, mut far) = connected();
    let mut request = Request::get("/").header(header::CONNECTION, "upgrade").body(Whole::empty()).unwrap();
    let mut interim = |_| ();
    let (sent, ()) = tokio::join!(connection.send(&mut request, &mut interim), async {
        far.read_exact(&mut [0; 18]).await.unwrap();
        far.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello").await.unwrap();
    });
    assert_eq!(sent.unwrap().status(), 101);
    assert_eq!(connection.into_switched().ahead, "hello");
}

#[tokio::test]
async fn what_comes_before_an_answer_is_told() {
    let (mut connection, mut far) = connected();
    let mut request = get();
    let mut told = Vec::new();
    let mut interim = |interim: Response<()>| told.push((interim.status().as_u16(), interim.headers().len()));
    let (sent, ()) = tokio::join!(connection.send(&mut request, &mut interim), async {
        far.read_exact(&mut [0; 18]).await.unwrap();
        far.write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n").await.unwrap();
        far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    assert_eq!(sent.unwrap().status(), 204);
    assert_eq!(told, [(100, 0), (103, 1)]);
    assert!(connection.rest().is_some());
}
