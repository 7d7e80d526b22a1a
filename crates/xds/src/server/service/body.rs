use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;
use tonic::Status;
use tonic::codegen::http::HeaderMap;

use crate::server::Response;

/// The responses of a stream as HTTP sends them. What streams share is handed on, never copied.
pub(super) struct Outgoing {
    responses: mpsc::Receiver<Result<Response, Status>>,
    /// The second piece of a message of which the first was taken.
    rest: Option<Bytes>,
    ended: bool,
}

impl Outgoing {
    pub(super) fn new(responses: mpsc::Receiver<Result<Response, Status>>) -> Self {
        Self { responses, rest: None, ended: false }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let status = match ready!(self.responses.poll_recv(context)) {
            Some(Ok(response)) => {
                let (head, rest) = response.frames();
                self.rest = rest;
                return Poll::Ready(Some(Ok(Frame::data(head))));
            }
            Some(Err(status)) => status,
            None => Status::ok(""),
        };
        self.ended = true;
        let mut trailers = HeaderMap::new();
        // Only words that no header can hold fail, and then the code is still there.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}
