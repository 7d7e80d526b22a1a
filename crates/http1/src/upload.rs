//! A request on its way to an endpoint.

use std::cell::RefCell;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Request, header};
use http_body::Body;
use tokio::io::AsyncWrite;

use crate::error::Error;

thread_local! {
    /// Where heads are made.
    static HEAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A head that is larger leaves its memory to nobody.
const KEPT: usize = 16 << 10;
/// What follows the data of a chunk.
const END_OF_CHUNK: &[u8] = b"\r\n";

/// The body of a request.
pub trait RequestBody: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin {
    /// The body of a request that has none.
    fn empty() -> Self;

    /// Whether the request has no body. That is not [`Body::is_end_stream`]: a body whose end has been seen before any of it was
    /// asked for is one, and has been announced in the head.
    fn is_empty(&self) -> bool;
}

/// A request with a body: what the endpoint has not taken yet.
#[derive(Debug)]
pub(crate) struct Upload<B> {
    body: B,
    framing: Framing,
    /// The head, and lines of chunks.
    before: BytesMut,
    data: Bytes,
    after: &'static [u8],
    /// Nothing follows in the body.
    ended: bool,
}

/// How an endpoint sees where the body ends.
#[derive(Debug)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// Chunks, with these trailers if they come.
    Chunked(Vec<HeaderName>),
}

/// Makes the head of `request`, and does `work` with it.
pub(crate) fn with_head<B, T>(request: &Request<B>, work: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
    // An empty body that is said to be none would make the endpoint wait, or take the next request for it.
    let is_none = |value: &http::HeaderValue| value.as_bytes() == b"0";
    let headers = request.headers();
    if headers.get(header::CONTENT_LENGTH).is_some_and(|length| !is_none(length))
        || headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(Error::RequestLength);
    }
    Ok(HEAD.with_borrow_mut(|head| {
        head.clear();
        write_head(request, head);
        let result = work(head);
        if head.capacity() > KEPT {
            *head = Vec::new();
        }
        result
    }))
}

fn write_head<B>(request: &Request<B>, head: &mut impl BufMut) {
    head.put_slice(request.method().as_str().as_bytes());
    head.put_slice(b" ");
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    head.put_slice(target.as_bytes());
    head.put_slice(b" HTTP/1.1\r\n");
    write_headers(request.headers().iter(), head);
    head.put_slice(b"\r\n");
}

fn write_headers<'h>(headers: impl Iterator<Item = (&'h HeaderName, &'h http::HeaderValue)>, head: &mut impl BufMut) {
    for (name, value) in headers {
        head.put_slice(name.as_str().as_bytes());
        head.put_slice(b": ");
        head.put_slice(value.as_bytes());
        head.put_slice(b"\r\n");
    }
}

impl<B: RequestBody> Upload<B> {
    /// Takes the body out of `request`.
    pub(crate) fn new(request: &mut Request<B>) -> Result<Box<Self>, Error> {
        let framing = Framing::of(request.headers())?;
        let mut before = BytesMut::new();
        write_head(request, &mut before);
        let body = std::mem::replace(request.body_mut(), B::empty());
        Ok(Box::new(Self { body, framing, before, data: Bytes::new(), after: b"", ended: false }))
    }

    /// Sends as much as there is and the endpoint takes; ready when it has all of it. `begun` is set when it has some.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
        begun: &mut bool,
    ) -> Poll<Result<(), Error>> {
        loop {
            // Asked before the head is written, so that a short body goes with it.
            let waits =
                !self.ended && self.data.is_empty() && self.after.is_empty() && self.poll_body(cx)?.is_pending();
            while !self.is_written() {
                let parts = [IoSlice::new(&self.before), IoSlice::new(&self.data), IoSlice::new(self.after)];
                let written = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &parts))?;
                if written == 0 {
                    return Poll::Ready(Err(Error::Ended));
                }
                *begun = true;
                self.advance(written);
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if waits {
                // What is written must not wait for what comes.
                ready!(Pin::new(&mut *stream).poll_flush(cx))?;
                return Poll::Pending;
            }
        }
    }

    fn is_written(&self) -> bool {
        self.before.is_empty() && self.data.is_empty() && self.after.is_empty()
    }

    fn advance(&mut self, written: usize) {
        let before = written.min(self.before.len());
        self.before.advance(before);
        let data = (written - before).min(self.data.len());
        self.data.advance(data);
        self.after = self.after.get(written - before - data..).unwrap_or_default();
    }

    /// Takes the next part of the body.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            None => return Poll::Ready(self.end(None)),
            Some(Err(error)) => return Poll::Ready(Err(Error::Request(error.into()))),
            Some(Ok(frame)) => frame,
        };
        let frame = match frame.into_data() {
            Ok(data) => return Poll::Ready(self.put(data)),
            Err(frame) => frame,
        };
        Poll::Ready(self.end(frame.into_trailers().ok().as_ref()))
    }

    fn put(&mut self, data: Bytes) -> Result<(), Error> {
        match &mut self.framing {
            Framing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Error::RequestLength)?;
                self.data = data;
                if *left == 0 {
                    // What has a length need not be asked for its end.
                    self.ended = true;
                }
            }
            // A chunk without data would be the last one.
            Framing::Chunked(_) if data.is_empty() => {}
            Framing::Chunked(_) => {
                use std::fmt::Write as _;
                let _ = write!(self.before, "{:x}\r\n", data.len());
                self.data = data;
                self.after = END_OF_CHUNK;
                if self.body.is_end_stream() {
                    self.end_chunks(None);
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        match &self.framing {
            Framing::Length(0) => self.ended = true,
            Framing::Length(_) => return Err(Error::RequestLength),
            Framing::Chunked(_) => self.end_chunks(trailers),
        }
        Ok(())
    }

    fn end_chunks(&mut self, trailers: Option<&HeaderMap>) {
        /// After the last data, or alone.
        const ENDS: [&[u8]; 2] = [b"0\r\n\r\n", b"\r\n0\r\n\r\n"];
        self.ended = true;
        let Framing::Chunked(announced) = &self.framing else { return };
        match trailers {
            Some(trailers) => {
                self.before.put_slice(b"0\r\n");
                let wanted = trailers.iter().filter(|(name, _)| announced.contains(name));
                write_headers(wanted, &mut self.before);
                self.before.put_slice(b"\r\n");
            }
            None => self.after = ENDS[usize::from(!self.after.is_empty())],
        }
    }
}

impl Framing {
    fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
        match (lengths.next(), lengths.next()) {
            (Some(only), None) if !headers.contains_key(header::TRANSFER_ENCODING) => {
                let length = only.to_str().ok().and_then(|length| length.parse().ok());
                length.map(Self::Length).ok_or(Error::RequestLength)
            }
            (None, _) if headers.contains_key(header::TRANSFER_ENCODING) => {
                let announced = headers.get_all(header::TRAILER).iter().filter_map(|line| line.to_str().ok());
                let names = announced.flat_map(|line| line.split(','));
                Ok(Self::Chunked(names.filter_map(|name| name.trim().parse().ok()).collect()))
            }
            _ => Err(Error::RequestLength),
        }
    }
}

#[cfg(test)]
mod tests;
