use std::task::Waker;

use super::*;

fn read(tapped: &mut Tapped) -> Poll<Option<Result<Bytes, BodyError>>> {
    let mut cx = Context::from_waker(Waker::noop());
    tapped.poll(&mut cx).map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())))
}

#[test]
fn carries_what_was_written_to_its_end() {
    let (mut tap, mut tapped) = tap(10);
    assert!(read(&mut tapped).is_pending());
    tap.push(&Bytes::from_static(b"abc"));
    assert!(matches!(read(&mut tapped), Poll::Ready(Some(Ok(data))) if data == "abc"));
    tap.push(&Bytes::from_static(b"0123456789"));
    tap.finish();
    assert!(matches!(read(&mut tapped), Poll::Ready(Some(Ok(data))) if data == "0123456789"));
    assert!(matches!(read(&mut tapped), Poll::Ready(None)));
}

#[test]
fn a_copy_that_falls_behind_is_abandoned_and_keeps_nothing() {
    let (mut tap, mut tapped) = tap(10);
    tap.push(&Bytes::from_static(b"0123456789"));
    tap.push(&Bytes::from_static(b"a"));
    assert!(tapped.0.borrow().queue.is_empty());
    tap.finish();
    assert!(matches!(read(&mut tapped), Poll::Ready(Some(Err(BodyError::Abandoned)))));
}

#[test]
fn an_original_that_fails_takes_the_copy_with_it() {
    let (mut tap, mut tapped) = tap(10);
    tap.push(&Bytes::from_static(b"a"));
    drop(tap);
    assert!(matches!(read(&mut tapped), Poll::Ready(Some(Err(BodyError::Abandoned)))));
}

#[test]
fn trailers_come_last_and_once() {
    let (mut tap, mut tapped) = tap(10);
    tap.push(&Bytes::from_static(b"a"));
    tap.finish_with(HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("x"))]));
    assert!(matches!(read(&mut tapped), Poll::Ready(Some(Ok(data))) if data == "a"));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(tapped.poll(&mut cx), Poll::Ready(Some(Ok(frame))) if frame.trailers_ref().unwrap().len() == 1));
    assert!(matches!(read(&mut tapped), Poll::Ready(None)));
}
