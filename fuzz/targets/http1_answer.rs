//! What an endpoint sends, to the client of HTTP/1.1: a byte that says how the connection is, and the answer. However it is
//! cut in pieces, the same comes of it.

#![no_main]

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use backstay_http1::{Connection, HeadLimits, RequestBody};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::{Body, Frame};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

fuzz_target!(|input: &[u8]| {
    let Some((settings, answer)) = input.split_first() else { return };
    let method = if settings & 1 == 0 { Method::GET } else { Method::HEAD };
    let closes = settings & 2 != 0;
    let whole = outcome(&method, answer, answer.len().max(1), closes);
    for piece in [1, 2, 7] {
        assert_eq!(whole, outcome(&method, answer, piece, closes), "in pieces of {piece}");
    }
});

/// What came of an answer.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// No head of an answer, or one that was refused.
    Unanswered,
    /// A head, and what followed.
    Answered { status: StatusCode, headers: HeaderMap, body: Vec<u8>, trailers: Option<HeaderMap>, end: End },
}

/// How a body ended.
#[derive(Debug, PartialEq)]
enum End {
    /// More is to come.
    Waiting,
    /// It was refused, or cut off.
    Broken,
    /// It is whole.
    Whole { reusable: bool },
}

fn outcome(method: &Method, answer: &[u8], piece: usize, closes: bool) -> Outcome {
    let stream = Endpoint { answer: answer.to_vec(), piece, closes, asked: false, sent: 0 };
    let limits = HeadLimits { max_size: 4096, max_headers: 32 };
    let mut connection = Connection::<_, Empty>::new(stream, limits);
    let mut cx = Context::from_waker(Waker::noop());
    let mut request = Request::new(Empty);
    *request.method_mut() = method.clone();
    let response = {
        let mut discard = |_| ();
        let mut sends = pin!(connection.send(&mut request, &mut discard));
        // It may stop to let others have their turn: then there is more to read. Each turn reads a byte at least.
        let mut turns = answer.len() + 8;
        loop {
            match sends.as_mut().poll(&mut cx) {
                Poll::Ready(Ok(response)) => break response,
                Poll::Ready(Err(_)) => return Outcome::Unanswered,
                Poll::Pending if turns > 0 => turns -= 1,
                Poll::Pending => return Outcome::Unanswered,
            }
        }
    };
    let (mut body, mut trailers) = (Vec::new(), None);
    let mut turns = answer.len() + 8;
    let end = loop {
        match connection.poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Poll::Ready(Some(Err(_))) => break End::Broken,
            Poll::Ready(None) => {
                let reusable = connection.rest().is_some_and(|mut connection| connection.is_usable());
                break End::Whole { reusable };
            }
            Poll::Pending if turns > 0 => turns -= 1,
            Poll::Pending => break End::Waiting,
        }
    };
    let (head, ()) = response.into_parts();
    Outcome::Answered { status: head.status, headers: head.headers, body, trailers, end }
}

/// An endpoint that answers once it has been asked.
struct Endpoint {
    answer: Vec<u8>,
    piece: usize,
    closes: bool,
    asked: bool,
    sent: usize,
}

impl AsyncRead for Endpoint {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.asked {
            return Poll::Pending;
        }
        let size = self.piece.min(buffer.remaining()).min(self.answer.len() - self.sent);
        if size == 0 {
            return if self.closes { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        buffer.put_slice(&self.answer[self.sent..self.sent + size]);
        self.sent += size;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endpoint {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// No body.
struct Empty;

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

impl RequestBody for Empty {
    fn empty() -> Self {
        Self
    }

    fn is_empty(&self) -> bool {
        true
    }
}
