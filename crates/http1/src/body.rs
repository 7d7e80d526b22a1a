//! The body of an answer, out of what was read.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::SizeHint;
use httparse::Status;

use crate::error::Error;
use crate::head::{self, HeadLimits};

/// What is left of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoder {
    /// Nothing.
    Ended,
    /// So many bytes, and not none.
    Length(u64),
    /// All until the connection ends.
    UntilClose,
    /// Chunks (RFC 9112, 7.1).
    Chunked { expected: Expected, extensions: usize },
}

/// What comes next of chunks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A size, of which so many digits with this value were read.
    Size {
        value: u64,
        digits: u8,
    },
    /// What follows this size and means nothing here.
    Extension(u64),
    /// The end of the line with the size.
    SizeLineFeed(u64),
    /// So many bytes.
    Data(u64),
    /// The end of the line after the data.
    CarriageReturn,
    LineFeed,
    /// Trailers, of which this was read.
    Trailers(BytesMut),
}

/// What a body consists of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More has to be read first.
    More,
}

/// Most bytes that chunk extensions of one body may have.
const MAX_EXTENSIONS: usize = 16 << 10;
/// Digits of the largest size.
const MAX_DIGITS: u8 = 16;

impl Decoder {
    #[inline]
    pub(crate) fn of_length(length: u64) -> Self {
        if length == 0 { Self::Ended } else { Self::Length(length) }
    }

    #[inline]
    pub(crate) fn chunked() -> Self {
        Self::Chunked { expected: Expected::SIZE, extensions: 0 }
    }

    /// How much is left.
    #[inline]
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ended => SizeHint::with_exact(0),
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::UntilClose | Self::Chunked { .. } => SizeHint::default(),
        }
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Ended | Self::UntilClose => {
                *self = Self::Ended;
                Ok(())
            }
            Self::Length(_) | Self::Chunked { .. } => Err(Error::Ended),
        }
    }

    /// Takes the next part out of `input`.
    pub(crate) fn decode(&mut self, input: &mut Bytes, limits: HeadLimits) -> Result<Part, Error> {
        match self {
            Self::Ended => Ok(Part::End),
            _ if input.is_empty() => Ok(Part::More),
            Self::UntilClose => Ok(Part::Data(std::mem::take(input))),
            Self::Length(left) => {
                let data = take(input, left);
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(Part::Data(data))
            }
            Self::Chunked { expected, extensions } => {
                let part = expected.decode(input, extensions, limits)?;
                if matches!(part, Part::Trailers(_) | Part::End) {
                    *self = Self::Ended;
                }
                Ok(part)
            }
        }
    }
}

impl Expected {
    const SIZE: Self = Self::Size { value: 0, digits: 0 };

    fn decode(&mut self, input: &mut Bytes, extensions: &mut usize, limits: HeadLimits) -> Result<Part, Error> {
        loop {
            if let Self::Data(left) = self {
                if input.is_empty() {
                    return Ok(Part::More);
                }
                let data = take(input, left);
                if *left == 0 {
                    *self = Self::CarriageReturn;
                }
                return Ok(Part::Data(data));
            }
            if let Self::Trailers(read) = self {
                return trailers(read, input, limits);
            }
            if input.is_empty() {
                return Ok(Part::More);
            }
            self.advance(input.get_u8(), extensions)?;
        }
    }

    /// Goes on by a byte of what is between the data.
    fn advance(&mut self, byte: u8, extensions: &mut usize) -> Result<(), Error> {
        *self = match (&*self, byte) {
            (Self::Size { value, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if *digits == MAX_DIGITS {
                    return Err(Error::Body("the size of a chunk is too large"));
                }
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                Self::Size { value: value << 4 | digit, digits: digits + 1 }
            }
            (Self::Size { digits: 0, .. }, _) => return Err(Error::Body("the size of a chunk is no number")),
            (Self::Size { value, .. } | Self::Extension(value), b'\r') => Self::SizeLineFeed(*value),
            (Self::Size { value, .. }, b';' | b' ' | b'\t') => Self::Extension(*value),
            (Self::Size { .. }, _) => return Err(Error::Body("the size of a chunk is no number")),
            // A line feed alone has hidden chunks from one of two readers.
            (Self::Extension(_), b'\n') => return Err(Error::Body("the line of a chunk's size ends with no CRLF")),
            (Self::Extension(value), _) => {
                *extensions += 1;
                if *extensions > MAX_EXTENSIONS {
                    return Err(Error::Body("there are too many chunk extensions"));
                }
                Self::Extension(*value)
            }
            (Self::SizeLineFeed(0), b'\n') => Self::Trailers(BytesMut::new()),
            (Self::SizeLineFeed(size), b'\n') => Self::Data(*size),
            (Self::CarriageReturn, b'\r') => Self::LineFeed,
            (Self::LineFeed, b'\n') => Self::SIZE,
            _ => return Err(Error::Body("a line of the chunks ends with no CRLF")),
        };
        Ok(())
    }
}

/// Takes up to `left` bytes.
fn take(input: &mut Bytes, left: &mut u64) -> Bytes {
    let length = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
    *left -= length as u64;
    input.split_to(length)
}

/// Goes on with the trailers, of which `read` was there before.
fn trailers(read: &mut BytesMut, input: &mut Bytes, limits: HeadLimits) -> Result<Part, Error> {
    while !input.is_empty() {
        let line = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |at| at + 1);
        if read.len() + line > limits.max_size {
            return Err(Error::Body("the trailers are larger than max_head_size"));
        }
        read.extend_from_slice(&input.split_to(line));
        match &read[..] {
            b"\r\n" => return Ok(Part::End),
            all if all.ends_with(b"\n\r\n") => return parse(read, limits),
            all if all.ends_with(b"\n\n") || all == b"\n" => {
                return Err(Error::Body("a line of the trailers ends with no CRLF"));
            }
            _ => {}
        }
    }
    Ok(Part::More)
}

fn parse(read: &mut BytesMut, limits: HeadLimits) -> Result<Part, Error> {
    const MALFORMED: Error = Error::Body("the trailers are malformed");
    let all = std::mem::take(read).freeze();
    let mut lines = vec![httparse::EMPTY_HEADER; limits.max_headers];
    match httparse::parse_headers(&all, &mut lines) {
        Ok(Status::Complete((length, lines))) if length == all.len() => {
            Ok(Part::Trailers(head::headers(&all, length, lines).map_err(|_| MALFORMED)?))
        }
        _ => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests;
