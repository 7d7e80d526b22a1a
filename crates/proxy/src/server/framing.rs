//! Where requests of HTTP/1.1 begin and end, read strictly and before hyper does.
//!
//! Whoever sits in front of this proxy, or behind it, must find the same boundaries between requests as it does: where they
//! differ, the end of one request is taken for the beginning of another (request smuggling, RFC 9112, 11.2). hyper reads some
//! things leniently and keeps nothing of it: of a `Content-Length` beside a `Transfer-Encoding`, or said twice, it drops one;
//! a bare LF ends its lines; and after the last chunk a bare LF makes it take the next request for trailers. So [`Framing`]
//! looks at the bytes of a connection as they are read, and says where the first one is that no request may have. The
//! stream then hands hyper [`POISON`] in its place, which hyper refuses wherever it expects anything but the data of a body:
//! earlier requests are answered as they would have been, this one with 400, and the connection closes.
//!
//! What is checked, and what is not:
//!
//! | part | refused here |
//! |---|---|
//! | lines of a head | those that end in LF without CR, the empty ones before and after it too |
//! | `Content-Length` | anything but one line of digits, with blanks around them (RFC 9112, 6.3 allows lists, which Envoy refuses too) |
//! | `Transfer-Encoding` | beside a `Content-Length`, in either order |
//! | chunks | sizes that are not 1 to 16 digits, control characters in extensions, lines that end in anything but CRLF |
//! | trailers | lines without a name, a colon or CRLF, folded ones, control characters |
//!
//! All else about a head is hyper's to refuse, which does: characters that no name or value may have, blanks before a colon,
//! folded lines, a CR without LF, HTTP/1.0 with a transfer coding. Any other coding than exactly `chunked` is refused later, with
//! 501 where it is only not known; its request is the last of its connection, and nothing after its head is looked at.
//!
//! Most reads are the head of one request without a body: that is told at a glance, many bytes at once ([`plain`]), and most of
//! what else most clients write is read in a few steps. What is left is looked at byte by byte. Data of bodies is skipped by its
//! length, and never looked at. The state is a few words; no byte is kept.

mod chunks;
mod field;
mod line_feeds;
mod plain;

use chunks::Chunks;
use field::{Field, Step, Value};
use line_feeds::LineFeeds;

/// What hyper gets in place of what it must not read: a CR without LF and a NUL have no place in a head, nor in what stands
/// between the data of chunks, and what waits for the end of a head finds one.
pub(super) const POISON: &[u8] = b"\r\0\r\n\r\n";

/// Follows the requests on a connection.
#[derive(Debug)]
pub(super) struct Framing {
    next: Next,
    /// The length that the head being read has said.
    length: Option<u64>,
    /// The request has a transfer coding: `chunked` and nothing else, or another.
    coding: Option<Coding>,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A request, or an empty line before one.
    Request,
    /// The end of an empty line before a request.
    EmptyLineFeed,
    /// A line of a head that says nothing about the body; whether a CR was its last byte.
    Line { cr: bool },
    /// The beginning of a line of a head.
    LineStart,
    /// The name of a field that may be this one, of which so many bytes were read.
    Name(Field, u8),
    /// What follows the colon of this field.
    Value(Value),
    /// The end of the line of such a field.
    ValueLineFeed,
    /// The end of the head.
    HeadLineFeed,
    /// So many bytes of a body.
    Data(u64),
    /// Chunks.
    Chunks(Chunks),
    /// Nothing that is read as a request.
    Nothing,
}

/// The transfer coding of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    /// Anything else. Whoever answers refuses it.
    Other,
}

/// The position of the first byte that may not be where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Violation(pub(super) usize);

impl Framing {
    /// At the beginning of a request.
    pub(super) fn new() -> Self {
        Self { next: Next::Request, length: None, coding: None }
    }

    /// Of what has no requests of HTTP/1.1.
    pub(super) fn none() -> Self {
        Self { next: Next::Nothing, length: None, coding: None }
    }

    /// Looks at what follows. How the bytes of a connection are cut into parts makes no difference. After a violation nothing
    /// more is looked at.
    #[inline]
    pub(super) fn look(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        // What most requests are, and most reads.
        if self.next == Next::Request && plain::is_head_alone(bytes) {
            return Ok(());
        }
        self.look_closely(bytes)
    }

    fn look_closely(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut at = 0;
        while at < bytes.len() {
            at = self.advance(bytes, at).inspect_err(|_| self.next = Next::Nothing)?;
        }
        Ok(())
    }

    /// Looks at one byte or more from `at` on. Ends with the position of the next.
    fn advance(&mut self, bytes: &[u8], at: usize) -> Result<usize, Violation> {
        let Some(&byte) = bytes.get(at) else { return Ok(at) };
        self.next = match self.next {
            Next::Request => match byte {
                // RFC 9112, 2.2.
                b'\r' => Next::EmptyLineFeed,
                b'\n' => return Err(Violation(at)),
                _ => return self.line(bytes, at, false),
            },
            Next::EmptyLineFeed => line_feed(byte, at, Next::Request)?,
            Next::Line { cr } => return self.line(bytes, at, cr),
            Next::LineStart => match (byte, Field::beginning_with(byte)) {
                (b'\r', _) => Next::HeadLineFeed,
                (b'\n', _) => return Err(Violation(at)),
                (_, Some(field)) => Next::Name(field, 1),
                (_, None) => return self.line(bytes, at, false),
            },
            Next::Name(field, read) => match field.name().get(usize::from(read)) {
                Some(expected) if byte.eq_ignore_ascii_case(expected) => Next::Name(field, read + 1),
                None if byte == b':' => Next::Value(self.enter(field).ok_or(Violation(at))?),
                _ => return self.line(bytes, at, false),
            },
            Next::Value(value) => match value.step(byte).ok_or(Violation(at))? {
                Step::Value(value) => Next::Value(value),
                Step::Length(length) => {
                    self.length = Some(length);
                    Next::ValueLineFeed
                }
                Step::Coding { chunked } => {
                    let only = chunked && self.coding.is_none();
                    self.coding = Some(if only { Coding::Chunked } else { Coding::Other });
                    Next::ValueLineFeed
                }
            },
            Next::ValueLineFeed => line_feed(byte, at, Next::LineStart)?,
            Next::HeadLineFeed => line_feed(byte, at, self.body())?,
            Next::Data(left) => {
                let (at, left) = skip(bytes, at, left);
                self.next = if left == 0 { Next::Request } else { Next::Data(left) };
                return Ok(at);
            }
            Next::Chunks(Chunks::Data(left)) => {
                let (at, left) = skip(bytes, at, left);
                self.next = Next::Chunks(if left == 0 { Chunks::DataEnd } else { Chunks::Data(left) });
                return Ok(at);
            }
            Next::Chunks(chunks) if let Some((length, after)) = chunks.glance(&bytes[at..]) => {
                self.next = if after == Chunks::Ended { Next::Request } else { Next::Chunks(after) };
                return Ok(at + length);
            }
            Next::Chunks(chunks) => match chunks.step(byte).ok_or(Violation(at))? {
                Chunks::Ended => Next::Request,
                chunks => Next::Chunks(chunks),
            },
            Next::Nothing => return Ok(bytes.len()),
        };
        Ok(at + 1)
    }

    /// Goes through lines of a head, from the middle of one at `at`, of which the byte before was CR or not, up to one that
    /// matters.
    #[inline]
    fn line(&mut self, bytes: &[u8], at: usize, cr: bool) -> Result<usize, Violation> {
        let mut ends = LineFeeds::of(bytes, at);
        let mut next = ends.next();
        while let Some(end) = next {
            if !(if end == at { cr } else { bytes[end - 1] == b'\r' }) {
                return Err(Violation(end));
            }
            next = ends.next();
            match bytes.get(end + 1..).unwrap_or_default() {
                [b'\r', b'\n', ..] => {
                    self.next = self.body();
                    return Ok(end + 3);
                }
                line @ [b'c' | b'C' | b't' | b'T', ..]
                    if !Field::may_be(line)
                        || next
                            .and_then(|next| bytes.get(end + 1..next)?.strip_suffix(b"\r"))
                            .is_some_and(|line| self.read(line)) => {}
                [b'\r' | b'\n' | b'c' | b'C' | b't' | b'T', ..] | [] => {
                    self.next = Next::LineStart;
                    return Ok(end + 1);
                }
                _ => {}
            }
        }
        self.next = Next::Line { cr: bytes.last().is_some_and(|last| *last == b'\r') };
        Ok(bytes.len())
    }

    /// Reads a whole line of a head, if it is written as most write it. What is not, or may not be, is left for a closer look.
    fn read(&mut self, line: &[u8]) -> bool {
        let Some((field, value)) = Field::split(line) else { return true };
        match field {
            _ if self.enter(field).is_none() || self.coding.is_some() => return false,
            Field::ContentLength => match field::length(value) {
                Some(length) => self.length = Some(length),
                None => return false,
            },
            Field::TransferEncoding if field::is_chunked(value) => self.coding = Some(Coding::Chunked),
            Field::TransferEncoding => return false,
        }
        true
    }

    /// What this field is to be read as; `None` if the head says twice where its body ends.
    fn enter(&self, field: Field) -> Option<Value> {
        let says_already = self.length.is_some() || field == Field::ContentLength && self.coding.is_some();
        (!says_already).then(|| field.value())
    }

    /// What follows a head.
    fn body(&mut self) -> Next {
        match (self.coding.take(), self.length.take()) {
            (None, None | Some(0)) => Next::Request,
            (None, Some(length)) => Next::Data(length),
            (Some(Coding::Chunked), _) => Next::Chunks(Chunks::BEGIN),
            (Some(Coding::Other), _) => Next::Nothing,
        }
    }
}

/// What comes after a line, whose LF `byte` at `at` must be.
fn line_feed(byte: u8, at: usize, after: Next) -> Result<Next, Violation> {
    if byte == b'\n' { Ok(after) } else { Err(Violation(at)) }
}

/// Skips up to `left` bytes from `at` on. Ends with the next position, and with what is left to skip.
fn skip(bytes: &[u8], at: usize, left: u64) -> (usize, u64) {
    let there = bytes.len() - at;
    let skipped = usize::try_from(left).map_or(there, |left| left.min(there));
    (at + skipped, left - skipped as u64)
}

#[cfg(test)]
mod tests;
