//! What the tests of this crate send.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use crate::RequestBody;

/// A body in pieces that are all there.
#[derive(Debug)]
pub(crate) struct Whole(pub(crate) Vec<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pieces = &mut self.get_mut().0;
        Poll::Ready((!pieces.is_empty()).then(|| Ok(Frame::data(pieces.remove(0)))))
    }
}

impl RequestBody for Whole {
    fn empty() -> Self {
        Self(Vec::new())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
