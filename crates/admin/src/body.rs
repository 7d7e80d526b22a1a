//! The body of a call, bounded before it is decoded.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use backstay_kube::Failure;
use backstay_kube::operations::Bounded;
use bytes::Bytes;
use http_body::{Body, Frame};
use tonic::Status;

use crate::status;

/// What stands before a message: whether it is compressed, and its length.
pub(crate) const HEAD: usize = 5;

/// A body whose failures are those of gRPC.
pub(crate) struct CallBody {
    body: Bounded,
    limit: usize,
    begun: bool,
}

impl CallBody {
    /// Of a call whose message may have `limit` bytes.
    pub(crate) fn new(body: Bounded, limit: usize) -> Self {
        Self { body, limit, begun: false }
    }

    /// Refuses a message that says itself that it is too large, in the words that are used for all that is.
    fn check(&mut self, data: &[u8]) -> Result<(), Failure> {
        let begun = std::mem::replace(&mut self.begun, true);
        let Some((_, length)) = data.first_chunk::<HEAD>().filter(|_| !begun).and_then(|head| head.split_first())
        else {
            return Ok(());
        };
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let limit = self.limit;
        if length <= limit {
            return Ok(());
        }
        Err(Failure::too_large(format!("the message has {length} bytes, and may have {limit}")))
    }
}

impl Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let checked = frame.map(|frame| {
            let frame = frame?;
            frame.data_ref().map_or(Ok(()), |data| self.check(data))?;
            Ok(frame)
        });
        Poll::Ready(checked.map(|frame| frame.map_err(|failure: Failure| status::of(&failure, ""))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
