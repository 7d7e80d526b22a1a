use bytes::Bytes;
use http::Method;
use proptest::prelude::*;

use super::{Head, HeadLimits, parse};
use crate::body::Decoder;

const LIMITS: HeadLimits = HeadLimits { max_size: 300, max_headers: 4 };

fn head(method: &Method, text: &str) -> Result<Option<(Head, usize)>, String> {
    parse(&Bytes::copy_from_slice(text.as_bytes()), method, LIMITS).map_err(|error| error.to_string())
}

/// What `lines` after the status say about the body, and whether the connection can be used again.
fn framing(method: Method, status: &str, lines: &str) -> (Decoder, bool) {
    let (head, _) = head(&method, &format!("{status}\r\n{lines}\r\n")).unwrap().unwrap();
    (head.decoder, head.keep_alive)
}

#[test]
fn the_end_of_a_body_is_where_the_standard_says() {
    const OK: &str = "HTTP/1.1 200 OK";
    let chunked = Decoder::chunked;
    for (method, status, lines, expected) in [
        (Method::GET, OK, "content-length: 5\r\n", (Decoder::Length(5), true)),
        (Method::GET, OK, "content-length: 0\r\n", (Decoder::Ended, true)),
        (Method::GET, OK, "content-length: 5\r\ncontent-length: 5, 5\r\n", (Decoder::Length(5), true)),
        (Method::GET, OK, "transfer-encoding: Chunked\r\n", (chunked(), true)),
        (Method::GET, OK, "transfer-encoding: gzip, chunked\r\n", (chunked(), true)),
        (Method::GET, OK, "transfer-encoding: chunked\r\ncontent-length: 5\r\n", (chunked(), true)),
        (Method::GET, OK, "transfer-encoding: chunked, gzip\r\n", (Decoder::UntilClose, false)),
        (Method::GET, OK, "", (Decoder::UntilClose, false)),
        (Method::HEAD, OK, "content-length: 5\r\n", (Decoder::Ended, true)),
        (Method::HEAD, OK, "transfer-encoding: chunked\r\n", (Decoder::Ended, true)),
        (Method::GET, "HTTP/1.1 204 No Content", "content-length: 5\r\n", (Decoder::Ended, true)),
        (Method::GET, "HTTP/1.1 304 Not Modified", "content-length: 5\r\n", (Decoder::Ended, true)),
        (Method::GET, "HTTP/1.1 101 Switching Protocols", "", (Decoder::Ended, false)),
        (Method::GET, OK, "content-length: 5\r\nconnection: x, CLOSE\r\n", (Decoder::Length(5), false)),
        (
            Method::GET,
            OK,
            "content-length: 5\r\nconnection: close\r\nconnection: keep-alive\r\n",
            (Decoder::Length(5), false),
        ),
        (Method::GET, "HTTP/1.0 200 OK", "content-length: 5\r\n", (Decoder::Length(5), false)),
        (Method::GET, "HTTP/1.0 200 OK", "content-length: 5\r\nconnection: Keep-Alive\r\n", (Decoder::Length(5), true)),
    ] {
        assert_eq!(framing(method.clone(), status, lines), expected, "{method} {status} {lines}");
    }
}

#[test]
fn heads_that_are_none_are_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nx-a: {}\r\n\r\n", "a".repeat(300));
    for (text, expected) in [
        ("\0\0\0\x04\0\0\0\0\0", "not of HTTP/1.0 or HTTP/1.1"),
        ("HTTP/2.0 200 OK\r\n\r\n", "not of HTTP/1.0 or HTTP/1.1"),
        ("HTTP/1.1 20 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 099 OK\r\n\r\n", "status"),
        ("HTTP/1.1 200 OK\r\nname : value\r\n\r\n", "name of a header"),
        ("HTTP/1.1 200 OK\r\n folded: value\r\n\r\n", "name of a header"),
        ("HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", "header"),
        ("HTTP/1.1 200 OK\r\nx: a\0\r\n\r\n", "value of a header"),
        ("HTTP/1.1 200 OK\r\na: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\ne: 1\r\n\r\n", "max_headers"),
        ("HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n", "content-length is no number"),
        ("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n", "content-length is no number"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5,\r\n\r\n", "content-length is no number"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "content-length is no number"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", "two lengths"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\n", "two lengths"),
        ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "no transfer codings"),
        (&long, "max_head_size"),
    ] {
        let error = head(&Method::GET, text).unwrap_err();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn a_head_is_taken_as_it_is() {
    let text = "HTTP/1.1 299 Fine, Thanks\r\nX-One:  a b \r\nx-empty:\r\nx-one: \u{e9}\r\n\r\nbody";
    let (head, length) = head(&Method::GET, text).unwrap().unwrap();
    assert_eq!(&text[length..], "body");
    let headers = head.response.headers();
    let one: Vec<&[u8]> = headers.get_all("x-one").iter().map(http::HeaderValue::as_bytes).collect();
    assert_eq!(one, [&b"a b"[..], "\u{e9}".as_bytes()]);
    assert_eq!(headers["x-empty"], "");
    let reason = head.response.extensions().get::<hyper::ext::ReasonPhrase>().unwrap();
    assert_eq!(reason.as_bytes(), b"Fine, Thanks");
}

#[test]
fn values_do_not_keep_a_large_body() {
    let text = format!("HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n{}", "a".repeat(70_000));
    let input = Bytes::from(text);
    let (head, _) = parse(&input, &Method::GET, LIMITS).unwrap().unwrap();
    let value = head.response.headers()["x-a"].clone();
    assert!(!input.as_ptr_range().contains(&value.as_bytes().as_ptr()));
    assert_eq!(value, "b");
}

proptest! {
    #[test]
    fn any_beginning_of_a_head_is_incomplete(cut in 0_usize..70) {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: 1\r\nx-bcd: efghijklmno\r\n\r\n";
        prop_assume!(cut < text.len());
        prop_assert!(head(&Method::GET, &text[..cut]).unwrap().is_none());
    }

    #[test]
    fn nothing_that_an_endpoint_sends_is_a_panic(junk in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&Bytes::from(junk.clone()), &Method::GET, LIMITS);
        let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
        text.extend_from_slice(&junk);
        let _ = parse(&Bytes::from(text), &Method::GET, LIMITS);
    }
}
