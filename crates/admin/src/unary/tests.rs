use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::{Code, Status};

use super::{accepts_gzip, is_plain, message, response};
use crate::answer::Answer;

/// The message of a call that comes in these parts.
async fn of(parts: &[&[u8]]) -> Result<Bytes, Status> {
    let frames = parts.iter().map(|part| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(part))));
    message(StreamBody::new(stream::iter(frames))).await
}

/// An answer that is this message.
fn answer(message: &[u8]) -> Answer {
    let mut framed = Answer::begin(0);
    framed.extend_from_slice(message);
    Answer::written(framed)
}

async fn refused(parts: &[&[u8]]) -> Code {
    of(parts).await.unwrap_err().code()
}

#[tokio::test]
async fn a_message_is_read_however_it_is_cut() {
    for parts in [
        &[&b"\0\0\0\0\x03abc"[..]][..],
        &[b"\0\0\0", b"\0\x03a", b"", b"bc"],
        &[b"\0", b"\0", b"\0", b"\0", b"\x03", b"a", b"b", b"c"],
    ] {
        assert_eq!(of(parts).await.unwrap(), "abc", "{parts:?}");
    }
    assert_eq!(of(&[b"\0\0\0\0\0"]).await.unwrap(), "");
}

#[tokio::test]
async fn what_is_not_one_message_is_refused() {
    for parts in [
        &[][..],
        &[&b"\0\0\0"[..]],
        &[b"\0\0\0\0\x03ab"],
        &[b"\0\0\0\0\x03abcd"],
        &[b"\0\0\0\0\x01a", b"\0\0\0\0\x01b"],
        &[b"\x01\0\0\0\x01a"],
        &[b"\x02\0\0\0\x01a"],
        &[b"\0\xff\xff\xff\xffa"],
    ] {
        assert_eq!(refused(parts).await, Code::Internal, "{parts:?}");
    }
}

#[tokio::test]
async fn why_a_body_ends_is_told() {
    let frames = stream::iter([Ok(Frame::data(Bytes::from_static(b"\0\0"))), Err(Status::resource_exhausted("large"))]);
    let status = message(StreamBody::new(frames)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "large"));
}

#[tokio::test]
async fn an_answer_is_a_message_and_the_end_of_the_call() {
    let answer = answer(b"abc").warning(&["it is odd: é".to_owned()]);
    let (head, body) = response(Ok(answer), &gzip(), 3).into_parts();
    assert_eq!(head.headers[CONTENT_TYPE], "application/grpc");
    assert_eq!(head.headers["backstay-warning"], "it is odd: ?");
    assert!(!head.headers.contains_key("grpc-encoding"));
    let all = body.collect().await.unwrap();
    assert_eq!(all.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(all.to_bytes(), &b"\0\0\0\0\x03abc"[..]);
}

#[tokio::test]
async fn what_is_large_is_compressed_for_who_likes_it() {
    let large = "a".repeat(10_000);
    let (head, body) = response(Ok(answer(large.as_bytes())), &gzip(), 9_999).into_parts();
    assert_eq!(head.headers["grpc-encoding"], "gzip");
    let sent = body.collect().await.unwrap().to_bytes();
    assert!(sent[0] == 1 && sent.len() < 1_000, "{}", sent.len());
    assert_eq!(usize::try_from(u32::from_be_bytes(sent[1..5].try_into().unwrap())).unwrap(), sent.len() - 5);
    let mut text = String::new();
    GzDecoder::new(&sent[5..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, large);

    let (head, body) = response(Ok(answer(large.as_bytes())), &HeaderMap::new(), 9_999).into_parts();
    assert!(!head.headers.contains_key("grpc-encoding"));
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 10_005);
}

#[tokio::test]
async fn a_refusal_has_no_message() {
    let (head, body) = response(Err(Status::not_found("none")), &gzip(), 0).into_parts();
    assert_eq!(head.headers["grpc-status"], "5");
    assert_eq!(body.collect().await.unwrap().to_bytes(), "");
}

fn headers(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
}

/// Of a client that likes compression.
fn gzip() -> HeaderMap {
    headers("grpc-accept-encoding", "gzip")
}

#[test]
fn encodings_are_read() {
    assert!(accepts_gzip(&headers("grpc-accept-encoding", "identity, deflate, gzip")));
    assert!(!accepts_gzip(&headers("grpc-accept-encoding", "identity,gzipped")));
    assert!(!accepts_gzip(&HeaderMap::new()));
    assert!(is_plain(&HeaderMap::new()) && is_plain(&headers("grpc-encoding", "identity")));
    assert!(!is_plain(&headers("grpc-encoding", "gzip")));
}
