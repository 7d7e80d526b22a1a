//! Content codings.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;

use crate::error::DecodeError;

/// What `body` is when `gzip` is undone: at most `limit` bytes, however small it is compressed.
pub(crate) fn undo_gzip(body: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    let mut plain = Vec::new();
    // One byte more than allowed tells too long from just long enough.
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    match reader.read_to_end(&mut plain) {
        Ok(_) if plain.len() > limit => Err(DecodeError::TooLong { limit }),
        Ok(_) => Ok(plain.into()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(DecodeError::Truncated),
        Err(_) => Err(DecodeError::Coding("gzip: invalid header or checksum".into())),
    }
}
