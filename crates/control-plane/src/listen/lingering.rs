//! What a client goes on to send of a request that has been answered already.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Buf as _;
use http::{Request, Version};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Bytes of a request that a client of HTTP/2 may send before it hears anything: the initial window of a stream.
pub(super) const WINDOW: u32 = 1 << 20;

/// Bytes that are still read of a request: more than can have been sent before it was answered, so that the reset of a client that
/// sends more yet never arrives together with the answer.
const MOST: usize = 2 * WINDOW as usize;

/// How long they are waited for.
const LONGEST: Duration = Duration::from_secs(1);

/// The body of a request over HTTP/2, of which a rest is read and forgotten when whoever answers lets go of it before its end.
///
/// A stream of which nobody reads the rest is reset once it has been answered (RFC 9113, 8.1), and there are clients that tell of the
/// reset in place of the answer where both arrive at once.
#[derive(Debug)]
pub(super) struct Lingering(Option<Incoming>);

/// The request with such a body. That of HTTP/1 is left as it is: there the connection ends, if its client sends too much.
pub(super) fn linger(request: Request<Incoming>) -> Request<Body> {
    let over_http2 = request.version() == Version::HTTP_2;
    request.map(|body| match body {
        body if http_body::Body::is_end_stream(&body) => Body::empty(),
        body if over_http2 => Body::new(Lingering(Some(body))),
        body => Body::new(body),
    })
}

impl http_body::Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(rest) = self.0.take().filter(|body| !http_body::Body::is_end_stream(body)) else { return };
        // Streams count until they end, so that there are no more of these than a connection may have streams.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(LONGEST, forget(rest)));
        }
    }
}

/// Reads on until the end, or until it is enough.
async fn forget(mut rest: Incoming) {
    let mut left = MOST;
    while let Some(Ok(frame)) = rest.frame().await {
        let Some(less) = left.checked_sub(frame.data_ref().map_or(0, |data| data.remaining())) else { return };
        left = less;
    }
}
