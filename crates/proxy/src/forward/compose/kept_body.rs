//! A client's body that several calls get.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;

use crate::body::RequestBody;

/// Why a body is not kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// It is longer than may be kept.
    TooLong,
    /// The client did not send all of it.
    Broken,
}

/// Reads all of `body`, if that is no more than `limit` bytes. Trailers are not kept.
pub(super) async fn keep(mut body: RequestBody, limit: usize) -> Result<Bytes, NotKept> {
    if body.size_hint().lower() > limit as u64 {
        return Err(NotKept::TooLong);
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| NotKept::Broken)?.into_data() else { continue };
        if first.len() + joined.len() + data.len() > limit {
            return Err(NotKept::TooLong);
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&std::mem::take(&mut first));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}
