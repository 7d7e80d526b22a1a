//! A body as it comes from the other side.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::body::BodyError;

/// A body that ends well only if the other side says so. hyper takes the reset of a stream for the end of its body when the
/// code is `NO_ERROR`, with which an endpoint may stop what it is sent (RFC 9113, 8.1), but not what it sends.
#[derive(Debug)]
pub(crate) struct Received {
    incoming: Incoming,
    /// It comes on a stream of HTTP/2.
    stream: bool,
}

impl Received {
    pub(crate) fn new(incoming: Incoming, stream: bool) -> Self {
        Self { incoming, stream }
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        if frame.is_none() && self.stream && !self.incoming.is_end_stream() {
            return Poll::Ready(Some(Err(BodyError::Reset)));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
