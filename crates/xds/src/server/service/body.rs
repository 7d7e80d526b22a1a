use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tonic::Status;
use tonic::codegen::http::HeaderMap;

use super::connection::Connection;
use crate::server::Source;

/// The responses of a stream as HTTP sends them. What streams share is handed on, never copied.
pub(super) struct Outgoing<S: Source> {
    /// Nothing once the stream has ended.
    connection: Option<Connection<S>>,
    /// The second piece of a message of which the first was taken.
    rest: Option<Bytes>,
}

impl<S: Source> Outgoing<S> {
    pub(super) fn new(connection: Connection<S>) -> Self {
        Self { connection: Some(connection), rest: None }
    }
}

impl<S: Source> Body for Outgoing<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(rest) = this.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let Some(connection) = &mut this.connection else { return Poll::Ready(None) };
        let status = match ready!(connection.poll_response(context)) {
            Ok(Some(response)) => {
                let (head, rest) = response.frames();
                this.rest = rest;
                return Poll::Ready(Some(Ok(Frame::data(head))));
            }
            Ok(None) => Status::ok(""),
            Err(status) => {
                connection.ended(&status);
                status
            }
        };
        // Its end is told before the client hears of it.
        this.connection = None;
        let mut trailers = HeaderMap::new();
        // Only words that no header can hold fail, and then the code is still there.
        let _ = status.add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}
