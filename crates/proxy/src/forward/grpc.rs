//! gRPC: what tells a message of it, and how its clients are told of failures.

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a message is one of gRPC, as Envoy tells: that of gRPC-Web is not, whose clients read HTTP statuses.
pub(super) fn is_spoken(headers: &HeaderMap) -> bool {
    let after = headers.get(header::CONTENT_TYPE).and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    after.is_some_and(|after| matches!(after.first(), None | Some(b'+')))
}

/// The status of an answer that has no body.
pub(super) fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get(STATUS)?.to_str().ok()?.parse().ok()
}

/// Makes `headers` those of an answer that says no more than that a call has failed, with what would have been the status and
/// text of an answer in HTTP. Its own status is 200.
pub(super) fn describe(headers: &mut HeaderMap, failure: StatusCode, text: &[u8]) {
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(STATUS, code(failure));
    if let Some(message) = (!text.is_empty()).then(|| encode(text)).flatten() {
        headers.insert(MESSAGE, message);
    }
}

/// The code for an HTTP status, by the mapping of gRPC's own documentation, as Envoy has it.
fn code(status: StatusCode) -> HeaderValue {
    HeaderValue::from_static(match status.as_u16() {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        429 | 502 | 503 | 504 => "14",
        _ => "2",
    })
}

/// Percent-encodes what may not be in a message.
fn encode(text: &[u8]) -> Option<HeaderValue> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = BytesMut::with_capacity(text.len());
    for byte in text {
        match byte {
            b' '..=b'~' if *byte != b'%' => encoded.put_u8(*byte),
            byte => encoded.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]),
        }
    }
    HeaderValue::from_maybe_shared(encoded.freeze()).ok()
}

#[cfg(test)]
mod tests;
