//! Length-delimited fields of protobuf, written by hand where bytes are shared between messages.

use bytes::{BufMut, Bytes};
use prost::DecodeError;
use prost::encoding::{WireType, decode_varint, encode_key, encode_varint, encoded_len_varint, key_len};

/// Takes the payload of a field off a message, without its key.
///
/// # Errors
/// The message ends before it.
pub(crate) fn take(message: &mut Bytes) -> Result<Bytes, DecodeError> {
    let length = usize::try_from(decode_varint(message)?).unwrap_or(usize::MAX);
    if length > message.len() {
        return Err(malformed("a field is longer than its message"));
    }
    Ok(message.split_to(length))
}

/// A payload as text.
///
/// # Errors
/// It is not UTF-8.
pub(crate) fn text(payload: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(payload).map_err(|_| malformed("a text is not UTF-8"))
}

/// What prost itself says of bytes that are no message.
#[allow(deprecated, reason = "there is no other way to make one")]
pub(crate) fn malformed(what: &'static str) -> DecodeError {
    DecodeError::new(what)
}

/// Bytes of a field of `payload` bytes, whose number is lower than 16.
pub(crate) fn field_len(payload: usize) -> usize {
    key_len(1) + encoded_len_varint(payload as u64) + payload
}

/// The beginning of a field: its payload follows.
pub(crate) fn put_head(buffer: &mut impl BufMut, number: u32, payload: usize) {
    encode_key(number, WireType::LengthDelimited, buffer);
    encode_varint(payload as u64, buffer);
}

/// A whole field.
pub(crate) fn put_field(buffer: &mut impl BufMut, number: u32, payload: &[u8]) {
    put_head(buffer, number, payload.len());
    buffer.put_slice(payload);
}
