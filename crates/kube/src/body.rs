//! Reading request bodies.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use backstay_resources::decode::{self, Decoded};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use crate::options::Options;
use crate::protobuf;
use crate::status::Failure;

/// How many times the limit is read of a body that is too large, so that a client which sends it whole before it reads
/// gets to see the answer instead of a reset.
const READ_ON: usize = 8;

/// The bytes that the bodies of all requests together may take.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

/// A body that has arrived, or what has of it. Gives its share of the budget back when it is dropped.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    bytes: Vec<u8>,
    budget: &'a Budget,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: AtomicUsize::new(0) }
    }

    /// Takes `count` bytes more for a body that has `mine`, if there is room. A body may take as much as is left for all others, so
    /// that however many there are, there is room for one more.
    pub(crate) fn take(&self, mine: usize, count: usize) -> bool {
        let mine = mine + count;
        let fits = |taken: usize| (mine <= self.limit.saturating_sub(taken)).then_some(taken + count);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// Gives back what a body has taken.
    pub(crate) fn give_back(&self, count: usize) {
        self.taken.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Received<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds what has arrived, if there is room.
    fn extend(&mut self, data: &[u8]) -> bool {
        let fits = self.budget.take(self.bytes.len(), data.len());
        if fits {
            self.bytes.extend_from_slice(data);
        }
        fits
    }
}

impl Drop for Received<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes.len());
    }
}

/// The whole body, if it arrives in time and there is room for it.
pub(crate) async fn receive<'a>(budget: &'a Budget, options: &Options, body: Body) -> Result<Received<'a>, Failure> {
    let limit = options.body_timeout;
    timeout(limit, read(budget, options, body)).await.unwrap_or_else(|_| Err(Failure::slow_body(limit)))
}

async fn read<'a>(budget: &'a Budget, options: &Options, mut body: Body) -> Result<Received<'a>, Failure> {
    let limit = options.max_body_bytes;
    let mut received = Received { bytes: Vec::new(), budget };
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Failure::bad_request(format!("the request body could not be read: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        let failure = if received.bytes.len() + data.len() > limit {
            Failure::too_large(format!("Request entity too large: limit is {limit}"))
        } else if !received.extend(&data) {
            options.meter.limited("max_bodies_bytes")
        } else {
            continue;
        };
        drop(received);
        let mut rest = Limited::new(body, limit.saturating_mul(READ_ON));
        while let Some(Ok(_)) = rest.frame().await {}
        return Err(failure);
    }
    Ok(received)
}

/// The media type of a body, in lower case, without parameters. Empty if it is not said.
pub(crate) fn media_type(headers: &HeaderMap) -> Result<String, Failure> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(String::new()) };
    let text = value.to_str().map_err(|_| Failure::unsupported_media_type("the Content-Type header is not text"))?;
    Ok(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Reads an object.
pub(crate) fn decode(headers: &HeaderMap, bytes: &[u8]) -> Result<Decoded, Failure> {
    let media = media_type(headers)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bad_request("the request body is empty"));
    }
    let decoded = match media.as_str() {
        "" | "application/json" => decode::json(bytes),
        "application/yaml" => decode::yaml(bytes),
        protobuf::MEDIA_TYPE => {
            return match protobuf::decode(bytes) {
                Ok(value) => Ok(Decoded { value, duplicates: Vec::new() }),
                Err(error @ protobuf::DecodeError::UnknownType { .. }) => {
                    Err(Failure::unsupported_media_type(error.to_string()))
                }
                Err(error) => Err(Failure::bad_request(error.to_string())),
            };
        }
        other => {
            return Err(Failure::unsupported_media_type(format!(
                "the body of the request was in an unknown format ({other}) - accepted media types include: \
                 application/json, application/yaml"
            )));
        }
    };
    decoded.map_err(|error| Failure::bad_request(format!("the request body is malformed: {error}")))
}
