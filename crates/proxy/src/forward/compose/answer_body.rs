//! Bodies of answers that are decoded.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use backstay_composition::{CallError, DecodeError};
use bytes::{Bytes, BytesMut};

use super::error;
use super::transport::Answered;
use crate::forward::silence::Silence;

/// How many bytes the calls of one request read at this moment, which nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Reading(Cell<usize>);

/// What one call has read so far, as part of what all read.
struct Share<'a> {
    reading: &'a Reading,
    bytes: usize,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.reading.0.set(self.reading.0.get().saturating_sub(self.bytes));
    }
}

/// Reads all of the body of `answered`, if that is no more than `limit` bytes, and no more than `total` with what other calls are reading.
/// The connection goes back to where it came from.
pub(super) async fn read(
    answered: &mut Answered,
    limit: usize,
    total: usize,
    reading: &Reading,
) -> Result<Bytes, CallError> {
    let hint = answered.incoming.size_hint();
    if hint.lower() > limit as u64 {
        return Err(DecodeError::TooLong { limit }.into());
    }
    let mut share = Share { reading, bytes: 0 };
    let mut silence = answered.silence.map(Silence::new);
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    loop {
        let frame = poll_fn(|cx| {
            if let Poll::Ready(frame) = answered.incoming.poll_frame(cx) {
                return Poll::Ready(Ok(frame));
            }
            match &mut silence {
                Some(silence) => silence.poll(cx).map(Err),
                None => Poll::Pending,
            }
        });
        let frame = match frame.await {
            Err(_) => {
                answered.active.upstream.backend.metrics.timeouts.between_bytes.increment(1);
                return Err(CallError::Deadline);
            }
            Ok(None) => break,
            Ok(Some(frame)) => frame.map_err(|broken| error::of_body(answered, &broken))?,
        };
        if let Some(silence) = &mut silence {
            silence.broken();
        }
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + joined.len() + data.len();
        if length > limit {
            return Err(DecodeError::TooLong { limit }.into());
        }
        reading.0.set(reading.0.get() + data.len());
        share.bytes += data.len();
        if reading.0.get() > total {
            return Err(CallError::TotalTooLong { limit: total });
        }
        if first.is_empty() && joined.is_empty() {
            // Most answers come in one piece, which is not copied.
            first = data;
            continue;
        }
        if joined.is_empty() {
            let known = hint.exact().and_then(|length| usize::try_from(length).ok());
            joined.reserve(known.unwrap_or(length * 2));
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&data);
    }
    answered.incoming.done();
    let body = if joined.is_empty() { first } else { joined.freeze() };
    if let Some(recorder) = answered.recorder.take() {
        recorder.finish_with(body.clone());
    }
    Ok(body)
}
