//! Content codings.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::write;

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
        Err(_) => Err(broken()),
    }
}

/// How many compressed bytes are taken at a time. They become at most some 1,000 times as many.
const PIECE: usize = 4 << 10;

/// Undoes `gzip` of a body that is passed on as it comes.
#[derive(Debug)]
pub struct Gunzip {
    decoder: write::MultiGzDecoder<Vec<u8>>,
    /// What is to be taken.
    input: Bytes,
    /// Nothing has come.
    empty: bool,
}

impl Default for Gunzip {
    fn default() -> Self {
        Self { decoder: write::MultiGzDecoder::new(Vec::new()), input: Bytes::new(), empty: true }
    }
}

impl Gunzip {
    /// Takes the next part in, once [`Gunzip::part`] has nothing more.
    pub fn feed(&mut self, input: Bytes) {
        self.empty &= input.is_empty();
        self.input = input;
    }

    /// The next part of what it was; `None` until there is more to take in.
    ///
    /// # Errors
    /// When what has come is not compressed like this.
    pub fn part(&mut self) -> Result<Option<Bytes>, DecodeError> {
        while !self.input.is_empty() {
            let piece = self.input.split_to(self.input.len().min(PIECE));
            self.decoder.write_all(&piece).and_then(|()| self.decoder.flush()).map_err(|_| broken())?;
            if let Some(part) = self.take() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    /// What is left at the end.
    ///
    /// # Errors
    /// When the end has not come.
    pub fn end(&mut self) -> Result<Option<Bytes>, DecodeError> {
        if !std::mem::replace(&mut self.empty, true) {
            self.decoder.try_finish().map_err(|_| DecodeError::Truncated)?;
        }
        Ok(self.take())
    }

    fn take(&mut self) -> Option<Bytes> {
        let out = std::mem::take(self.decoder.get_mut());
        (!out.is_empty()).then(|| out.into())
    }
}

fn broken() -> DecodeError {
    DecodeError::Coding("gzip: invalid header or checksum".into())
}
