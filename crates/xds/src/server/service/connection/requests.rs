use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::Body as _;
use tonic::body::Body;
use tonic::{Code, Status};

use super::awaited::Awaited;
use crate::Variant;
use crate::server::demand::Demand;

/// A gRPC message begins with whether it is compressed, and its length.
const PREFIX: usize = 5;

/// What the client asks for.
pub(in crate::server::service) struct Requests {
    body: Awaited<Body>,
    variant: Variant,
    /// The type that the service is of.
    implied: Option<&'static str>,
    /// Bytes that one request may have.
    limit: usize,
    /// What has arrived and is not read. Nearly always it is one whole request, which is read where it is.
    arrived: Bytes,
    /// Where one is put together that arrives in pieces.
    pieces: BytesMut,
}

impl Requests {
    /// The requests in the body of a call.
    pub(in crate::server::service) fn new(
        body: Body,
        variant: Variant,
        implied: Option<&'static str>,
        limit: usize,
    ) -> Self {
        Self { body: Awaited::new(body), variant, implied, limit, arrived: Bytes::new(), pieces: BytesMut::new() }
    }

    /// The next request, of the type that the service implies. Nothing if the client has ended its side.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Demand>, Status>> {
        loop {
            if let Some(message) = self.message()? {
                return Poll::Ready(self.read(message).map(Some));
            }
            match ready!(self.body.poll(context, |body, context| Pin::new(body).poll_frame(context))) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.add(data),
                    // What ends a request is trailers, of which nothing is known.
                    Err(_) => return Poll::Ready(Ok(None)),
                },
                // The client is gone.
                Some(Err(status)) if status.code() == Code::Cancelled => return Poll::Ready(Ok(None)),
                Some(Err(status)) => return Poll::Ready(Err(not_read(status))),
                None if self.arrived.is_empty() && self.pieces.is_empty() => return Poll::Ready(Ok(None)),
                None => return Poll::Ready(Err(unreadable("it is cut off"))),
            }
        }
    }

    fn add(&mut self, data: Bytes) {
        if self.arrived.is_empty() && self.pieces.is_empty() {
            self.arrived = data;
            return;
        }
        let before = std::mem::take(&mut self.arrived);
        self.pieces.extend_from_slice(&before);
        self.pieces.extend_from_slice(&data);
    }

    /// The next whole message, if it has arrived.
    fn message(&mut self) -> Result<Option<Bytes>, Status> {
        let is_whole = self.pieces.is_empty();
        let arrived = if is_whole { &*self.arrived } else { &*self.pieces };
        let Some((prefix, rest)) = arrived.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let [compressed, length @ ..] = *prefix;
        if compressed != 0 {
            return Err(unreadable("it is compressed, and nothing said how"));
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(unreadable(&format!("it has {length} bytes, and the limit is {}", self.limit)));
        }
        if rest.len() < length {
            return Ok(None);
        }
        if is_whole {
            self.arrived.advance(PREFIX);
            return Ok(Some(self.arrived.split_to(length)));
        }
        let mut message = self.pieces.split_to(PREFIX + length);
        if self.pieces.is_empty() {
            // A large request is no reason to keep as much for those that follow.
            self.pieces = BytesMut::new();
        }
        message.advance(PREFIX);
        Ok(Some(message.freeze()))
    }

    fn read(&self, message: Bytes) -> Result<Demand, Status> {
        let mut demand = Demand::decode(message, self.variant).map_err(|error| unreadable(&error.to_string()))?;
        if let Some(implied) = self.implied {
            demand.imply(implied)?;
        }
        Ok(demand)
    }
}

fn unreadable(why: &str) -> Status {
    Status::invalid_argument(format!("the request cannot be read: {why}"))
}

/// What the transport calls an internal error is what the client sent.
fn not_read(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::OutOfRange | Code::Unimplemented | Code::DataLoss => unreadable(status.message()),
        _ => status,
    }
}

#[cfg(test)]
mod tests;
