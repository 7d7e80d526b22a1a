//! A body as it comes from the other side.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use backstay_model::Protocol;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use thiserror::Error;

/// Why a body that is received ends before its end.
#[derive(Debug, Error)]
pub enum ReceiveError {
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
pub struct Received {
    incoming: Incoming,
    /// Whether the body comes on a stream of HTTP/2.
    stream: bool,
}

impl Received {
    /// The body that `incoming` is, which comes in `protocol`.
    #[inline]
    pub fn new(incoming: Incoming, protocol: Protocol) -> Self {
        Self { incoming, stream: protocol == Protocol::Http2 }
    }

    /// The next part.
    #[inline]
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        if frame.is_none() && self.stream && !self.incoming.is_end_stream() {
            return Poll::Ready(Some(Err(ReceiveError::Reset)));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(ReceiveError::Peer)))
    }

    /// Whether all has been read.
    #[inline]
    pub fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// How much is left.
    #[inline]
    pub fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
