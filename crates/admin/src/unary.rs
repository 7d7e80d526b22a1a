//! Calls that have one answer: a message in, and a message with the end of the call out.
//!
//! Nearly all calls are such, and of these nearly all carry a message of a few hundred bytes, so that what is done here for any number of
//! messages would cost more than the message. What is compressed by its client takes that way all the same.
//!
//! Source: gRPC over HTTP2, "Requests" and "Responses".

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::answer::Answer;
use crate::body::HEAD;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GZIP: &str = "gzip";

/// Whether the messages of a call are sent as they are.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(ENCODING).is_none_or(|encoding| encoding == "identity")
}

/// The message of a call, once all of the call has come.
pub(crate) async fn message(
    mut body: impl http_body::Body<Data = Bytes, Error = Status> + Unpin,
) -> Result<Bytes, Status> {
    let mut whole = Bytes::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        whole = if whole.is_empty() { data } else { joined(whole, &data) };
        if body.is_end_stream() {
            break;
        }
    }
    let Some((&[compressed, a, b, c, d], message)) = whole.split_first_chunk::<HEAD>() else {
        return Err(Status::internal(if whole.is_empty() { "there is no message" } else { "the message is cut off" }));
    };
    match compressed {
        0 => {}
        1 => return Err(Status::internal("the message is compressed, and grpc-encoding does not say how")),
        _ => return Err(Status::internal("the message is not one of gRPC: its first byte is neither 0 nor 1")),
    }
    match message.len() as u64 {
        length if length == u64::from(u32::from_be_bytes([a, b, c, d])) => Ok(whole.slice(HEAD..)),
        length if length < u64::from(u32::from_be_bytes([a, b, c, d])) => {
            Err(Status::internal("the message is cut off"))
        }
        _ => Err(Status::internal("the call has one message, and something comes after it")),
    }
}

/// What has come so far, and what comes after it.
fn joined(before: Bytes, after: &[u8]) -> Bytes {
    // It was made here, or is the only one: then it grows where it is.
    let mut whole = before.try_into_mut().unwrap_or_else(|before| BytesMut::from(&*before));
    whole.extend_from_slice(after);
    whole.freeze()
}

/// What is answered: compressed, if the client of these `headers` likes, where it has more bytes than `gzip_over`.
pub(crate) fn response(answer: Result<Answer, Status>, headers: &HeaderMap, gzip_over: usize) -> Response<Body> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return status.into_http(),
    };
    let compresses = answer.message().len() > gzip_over && accepts_gzip(headers);
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if compresses {
        headers.insert(ENCODING, HeaderValue::from_static(GZIP));
    }
    answer.add_warnings(&mut headers);
    let message = match compresses {
        false => answer.into_framed(),
        true => match gzip(answer.message()) {
            Ok(message) => compressed(&message),
            Err(error) => return Status::internal(error.to_string()).into_http(),
        },
    };
    let mut response = Response::new(Body::new(Whole { message: Some(message), ended: false }));
    *response.headers_mut() = headers;
    response
}

/// Whether a client takes what is compressed with gzip.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|encoding| encoding.trim() == GZIP)
}

fn compressed(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(HEAD + message.len());
    framed.put_u8(1);
    // No answer is as long: pages of lists end before.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(message);
    framed.freeze()
}

fn gzip(message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(message)?;
    encoder.finish()
}

/// One message, and that the call went well.
#[derive(Debug)]
struct Whole {
    message: Option<Bytes>,
    ended: bool,
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(message) = self.message.take() {
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        if std::mem::replace(&mut self.ended, true) {
            return Poll::Ready(None);
        }
        let mut trailers = HeaderMap::with_capacity(1);
        trailers.insert(STATUS, HeaderValue::from_static("0"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
