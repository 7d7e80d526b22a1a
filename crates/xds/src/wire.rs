//! Length-delimited fields of protobuf, written by hand where bytes are shared between messages.

use bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

/// Bytes of a field of `payload` bytes, whose number is lower than 16.
pub(crate) fn field_len(payload: usize) -> usize {
    key_len(1) + encoded_len_varint(payload as u64) + payload
}

/// The beginning of a field: its payload follows.
pub(crate) fn put_head(buffer: &mut BytesMut, number: u32, payload: usize) {
    encode_key(number, WireType::LengthDelimited, buffer);
    encode_varint(payload as u64, buffer);
}

/// A whole field.
pub(crate) fn put_field(buffer: &mut BytesMut, number: u32, payload: &[u8]) {
    put_head(buffer, number, payload.len());
    buffer.put_slice(payload);
}
