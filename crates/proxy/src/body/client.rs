//! The body of a client's request, as it comes in.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::error::BodyError;
use crate::activity::StreamActivity;

/// The expectation that a server meets with an interim answer (RFC 9110, 10.1.1).
const CONTINUE: &[u8] = b"100-continue";

/// The body of a client's request.
#[derive(Debug)]
pub(crate) enum ClientBody {
    /// None, or none that is one: what follows belongs to another protocol.
    Empty,
    /// Of HTTP/1.1.
    Http1(Incoming),
    /// On a stream of HTTP/2.
    Http2(StreamBody),
}

/// A body on a stream of HTTP/2, which ends well only if the client says so.
#[derive(Debug)]
pub(crate) struct StreamBody {
    stream: RecvStream,
    /// What is left of the length that was promised, if one was. The library holds the client to it.
    left: Option<u64>,
    /// All of the body was read, but not the trailers.
    data_ended: bool,
    /// The client waits to be told to go on.
    waits: Option<Rc<StreamActivity>>,
}

impl StreamBody {
    /// What comes on `stream`, of a request with these headers, about which `activity` is told.
    pub(crate) fn new(stream: RecvStream, headers: &HeaderMap, activity: &Rc<StreamActivity>) -> Self {
        let length = headers.get(header::CONTENT_LENGTH);
        let waits = headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(CONTINUE));
        Self {
            stream,
            left: length.and_then(|length| length.to_str().ok()?.parse().ok()),
            data_ended: false,
            waits: waits.then(|| Rc::clone(activity)),
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(activity) = self.waits.take() {
            let mut answer = Response::new(());
            *answer.status_mut() = StatusCode::CONTINUE;
            activity.push_interim(answer);
        }
        if !self.data_ended {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    // What was read has room again; a stream that is gone needs none.
                    let _ = self.stream.flow_control().release_capacity(data.len());
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => self.data_ended = true,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(cx)).map_err(BodyError::from)?;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

impl ClientBody {
    /// The next part.
    #[inline]
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Http1(incoming) => Pin::new(incoming).poll_frame(cx).map_err(BodyError::from),
            Self::Http2(stream) => stream.poll_frame(cx),
        }
    }

    /// Whether all has been read.
    #[inline]
    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(incoming) => incoming.is_end_stream(),
            Self::Http2(body) => body.stream.is_end_stream(),
        }
    }

    /// How much is left.
    #[inline]
    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(incoming) => incoming.size_hint(),
            Self::Http2(body) => body.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
