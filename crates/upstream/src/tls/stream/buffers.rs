//! What is between the socket, the session and the reader.

use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, ReadBuf};

/// Most that is read at once. The largest handshake message that rustls takes fits, with what may surround it.
pub(super) const MOST_READ: usize = 96 << 10;
/// Least that there is room for: the largest record.
pub(super) const LEAST_READ: usize = 5 + (16 << 10) + (2 << 10);

/// Most that a connection keeps allocated for what it sends.
const KEPT: usize = 4 << 10;

/// Records that have been read and not decrypted: part of one is missing, or the reader had no room.
#[derive(Debug, Default)]
pub(super) struct Records {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Records {
    /// Lends `work` these records, in the buffer that they are in, or in `shared` if there are none.
    pub(super) fn with_window<T>(&mut self, shared: &RefCell<Vec<u8>>, work: impl FnOnce(&mut Window<'_>) -> T) -> T {
        if self.start < self.end {
            let mut window = Window { buffer: &mut self.buffer, start: self.start, end: self.end };
            let result = work(&mut window);
            (self.start, self.end) = (window.start, window.end);
            if self.start == self.end {
                *self = Self::default();
            }
            return result;
        }
        let mut shared = shared.borrow_mut();
        let mut window = Window { buffer: &mut shared, start: 0, end: 0 };
        let result = work(&mut window);
        let left = window.records();
        if !left.is_empty() {
            let mut buffer = vec![0; left.len().max(LEAST_READ)];
            buffer[..left.len()].copy_from_slice(left);
            *self = Self { start: 0, end: left.len(), buffer };
        }
        result
    }
}

/// Records, and room for more.
#[derive(Debug)]
pub(super) struct Window<'b> {
    buffer: &'b mut Vec<u8>,
    start: usize,
    end: usize,
}

impl Window<'_> {
    pub(super) fn records(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }

    pub(super) fn discard(&mut self, length: usize) {
        self.start = (self.start + length).min(self.end);
    }

    /// Room after the records, `wanted` bytes where the buffer has that much. None if what is there should have been enough.
    pub(super) fn room(&mut self, wanted: usize) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() && self.end < MOST_READ {
            self.buffer.resize(MOST_READ, 0);
        }
        let until = self.buffer.len().min(self.end + wanted);
        &mut self.buffer[self.end..until]
    }

    pub(super) fn filled(&mut self, length: usize) {
        self.end += length;
    }
}

/// Decrypted bytes that nobody has read.
#[derive(Debug, Default)]
pub(super) struct Plaintext {
    bytes: Vec<u8>,
    read: usize,
}

impl Plaintext {
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn read(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.bytes[self.read..];
        let length = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..length]);
        self.read += length;
        if self.read == self.bytes.len() {
            *self = Self::default();
        }
    }
}

/// Records that the socket has not taken.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Outgoing {
    /// Adds what `write` writes into `room` bytes; `needed` reads from its error how many it takes, if that is what is wrong.
    pub(super) fn add<E: Error + Send + Sync + 'static>(
        &mut self,
        room: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
        needed: impl FnOnce(&E) -> Option<usize>,
    ) -> io::Result<()> {
        let written = match write(self.room(room)) {
            Err(error) => match needed(&error) {
                Some(needed) => write(self.room(needed)),
                None => Err(error),
            },
            written => written,
        };
        self.end += written.map_err(io::Error::other)?;
        Ok(())
    }

    fn room(&mut self, length: usize) -> &mut [u8] {
        if self.buffer.len() < self.end + length {
            self.buffer.resize(self.end + length, 0);
        }
        &mut self.buffer[self.end..]
    }

    /// Ready when `socket` has taken all.
    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<io::Result<()>> {
        while self.start < self.end {
            let sent = ready!(Pin::new(&mut *socket).poll_write(cx, &self.buffer[self.start..self.end]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.start += sent;
        }
        (self.start, self.end) = (0, 0);
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
        Poll::Ready(Ok(()))
    }
}
