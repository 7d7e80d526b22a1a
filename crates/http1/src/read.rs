//! What comes in, read through a buffer that all connections of a thread share.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::Method;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::error::Error;
use crate::head::{self, Head, HeadLimits};

/// Read at once: 64 KiB of a body with the head before it, which is how much proxies and servers tend to write at once.
const READ: usize = 72 << 10;
/// Up to this much is copied out of the thread's buffer. More is handed on in place, and the buffer is free again once that
/// has been written: what is kept for a client that reads slowly pins at most a few times its size.
const COPIED: usize = 16 << 10;

thread_local! {
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// What was read and not looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Input {
    unread: Bytes,
    /// How much of it was there before the last read.
    before: usize,
    /// A head that is not complete is looked at again when there is this much of it, or its end may have come: whoever sends it
    /// byte by byte makes nobody read it as often.
    again: usize,
}

impl Input {
    /// What is there, to take from.
    #[inline]
    pub(crate) fn unread(&mut self) -> &mut Bytes {
        &mut self.unread
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// All that is there.
    #[inline]
    pub(crate) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.unread)
    }

    /// Reads once, behind what is there. Ends with the number of bytes, 0 at the end of the stream.
    pub(crate) fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.reserve(READ);
            let read = ready!(poll_read_buf(Pin::new(stream), cx, buffer))?;
            self.before = self.unread.len();
            if self.unread.is_empty() {
                self.unread = take(buffer);
            } else {
                let mut both = BytesMut::with_capacity(self.unread.len() + read);
                both.extend_from_slice(&self.unread);
                both.extend_from_slice(buffer);
                self.unread = both.freeze();
            }
            Poll::Ready(Ok(read))
        })
    }

    /// Takes a head from the beginning of what is there, if all of it is. Inlined, so that the head is not moved on the way.
    #[inline]
    pub(crate) fn take_head(&mut self, method: &Method, limits: HeadLimits) -> Result<Option<Head>, Error> {
        let length = self.unread.len();
        if length == 0 {
            return Ok(None);
        }
        let fresh = self.before.saturating_sub(LAST_LINE);
        if length >= self.again || self.unread.get(fresh..).is_some_and(ends_a_head) {
            if let Some((head, length)) = head::parse(&self.unread, method, limits)? {
                self.again = 0;
                let _ = self.unread.split_to(length);
                return Ok(Some(head));
            }
            self.again = 2 * length;
        }
        if length >= limits.max_size { Err(head::TOO_LARGE) } else { Ok(None) }
    }
}

/// Bytes before the last one of a head that may have been read earlier.
const LAST_LINE: usize = 2;

/// Whether a head may end in `bytes`: with an empty line, whose carriage return some leave out (RFC 9112, 2.2).
fn ends_a_head(bytes: &[u8]) -> bool {
    let is_empty_line = |line: &[u8]| matches!(line, [] | [b'\r']);
    bytes.split(|byte| *byte == b'\n').rev().skip(1).any(is_empty_line)
}

#[inline]
fn take(buffer: &mut BytesMut) -> Bytes {
    if buffer.len() > COPIED {
        return buffer.split().freeze();
    }
    let copy = Bytes::copy_from_slice(buffer);
    buffer.clear();
    copy
}

#[cfg(test)]
mod tests;
