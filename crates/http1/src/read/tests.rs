use std::future::poll_fn;

use http::Method;

use super::{COPIED, Input, READ};
use crate::head::{Head, HeadLimits};

const LIMITS: HeadLimits = HeadLimits { max_size: 200, max_headers: 10 };

/// Takes a head that comes in `pieces`. Ends with how much was read for it.
async fn head(input: &mut Input, pieces: impl Iterator<Item = &[u8]>) -> Result<Option<(Head, usize)>, String> {
    let mut total = 0;
    for mut piece in pieces {
        total += poll_fn(|cx| input.poll_more(cx, &mut piece)).await.unwrap();
        if let Some(head) = input.take_head(&Method::GET, LIMITS).map_err(|error| error.to_string())? {
            return Ok(Some((head, total)));
        }
    }
    Ok(None)
}

#[tokio::test]
async fn a_head_may_come_in_any_pieces() {
    for text in ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: 1\r\n\r\nok", "HTTP/1.1 200 OK\nx-a: 1\n\nok"] {
        for size in 1..=text.len() {
            let mut input = Input::default();
            let (head, read) = head(&mut input, text.as_bytes().chunks(size)).await.unwrap().unwrap();
            assert_eq!(head.response.headers()["x-a"], "1");
            let end = text.len() - 2;
            assert!((end..end + size).contains(&read), "taken as soon as it is there: {read} in pieces of {size}");
            assert_eq!(input.take(), text[end..read]);
        }
    }
}

#[tokio::test]
async fn a_head_is_as_large_as_the_limit_at_most() {
    let of = |length: usize| format!("HTTP/1.1 200 OK\r\nx-a: {}\r\n\r\n", "a".repeat(length - 26));
    for (length, fits) in [(200, true), (201, false)] {
        for size in [1, 7, 1000] {
            let text = of(length);
            assert_eq!(text.len(), length);
            let taken = head(&mut Input::default(), text.as_bytes().chunks(size)).await;
            assert_eq!(taken.is_ok(), fits, "{length} bytes in pieces of {size}");
        }
    }
    // One without an end is not waited for.
    let endless = [b'a'; 500];
    let mut input = Input::default();
    let start = b"HTTP/1.1 200 OK\r\nx-a: ";
    assert!(head(&mut input, [&start[..]].into_iter()).await.unwrap().is_none());
    assert!(head(&mut input, endless.chunks(1)).await.unwrap_err().contains("max_head_size"));
}

#[tokio::test]
async fn what_is_read_is_what_was_sent() {
    let text: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    let mut rest = &text[..];
    let (mut input, mut kept) = (Input::default(), Vec::new());
    while poll_fn(|cx| input.poll_more(cx, &mut rest)).await.unwrap() > 0 {
        kept.push(input.take());
    }
    // All at once, though they share a buffer.
    assert!(kept.iter().all(|part| part.len() <= READ.next_power_of_two()));
    assert!(kept.concat() == text);
    assert!(kept.iter().any(|part| part.len() > COPIED));
}
