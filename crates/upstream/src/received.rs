//! A body as it comes on a stream of HTTP/2.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;

/// Why a body that is received ends before its end.
#[derive(Debug, Error)]
pub(crate) enum ReceiveError {
    /// The connection failed, or what came is not HTTP.
    #[error(transparent)]
    Peer(#[from] hyper::Error),
    /// The stream was reset, in a way that hyper takes for an end.
    #[error("the other side reset the stream")]
    Reset,
}

/// A body that ends well only if the other side says so. hyper takes the reset of a stream for the end of its body when the
/// code is `NO_ERROR`, with which an endpoint may stop what it is sent (RFC 9113, 8.1), but not what it sends.
#[derive(Debug)]
pub(crate) struct Received(pub(crate) Incoming);

impl Received {
    /// The next part.
    #[inline]
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        if frame.is_none() && !self.0.is_end_stream() {
            return Poll::Ready(Some(Err(ReceiveError::Reset)));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(ReceiveError::Peer)))
    }

    /// Whether all has been read.
    #[inline]
    pub(crate) fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    /// How much is left.
    #[inline]
    pub(crate) fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
