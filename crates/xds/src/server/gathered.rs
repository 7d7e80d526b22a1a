use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are gathered at most.
const CAPACITY: usize = 64 << 10;

/// What is longer is written as it comes: there the copy would cost more than the write, and room for it on each connection.
const LONG: usize = 4 << 10;

/// How often what is gathered is held up for more at most: streams that always have something to say must not keep it for ever.
const MOST: u8 = 3;

/// How many flushes are not held up after those that were in vain.
const RESTS: u8 = 15;

/// How many may be in vain before that, after one that was not: a connection of many streams answers pings as well.
const PATIENCE: u8 = 4;

/// A connection of HTTP/2 that writes once what several streams send at the same time.
///
/// A change is sent on all streams of a connection, and each of them has the connection write as soon as it has sent its part. So what is
/// written is kept here, and when it is to be flushed whatever else is ready to run comes first. Where nothing is added meanwhile, as
/// on a connection with one stream, most flushes are not held up.
///
/// It is for those who flush whenever they are woken, and read before they flush: that is how one turn of theirs is told from the next.
#[derive(Debug)]
pub struct Gathered<T> {
    connection: T,
    kept: BytesMut,
    held: Option<Held>,
    /// How often it was tried to read.
    reads: u64,
    /// How many flushes are still not held up.
    rests: u8,
    /// How many may be in vain before that.
    patience: u8,
}

/// A flush that is held up.
#[derive(Debug)]
struct Held {
    /// How much was kept.
    length: usize,
    /// In which turn.
    reads: u64,
    times: u8,
}

impl<T> Gathered<T> {
    /// Gathers what is written to a connection.
    pub fn new(connection: T) -> Self {
        Self { connection, kept: BytesMut::new(), held: None, reads: 0, rests: 0, patience: 1 }
    }

    /// Whether a flush is better done later. Then whoever flushes is woken to do so.
    fn holds(&mut self, context: &Context<'_>) -> bool {
        let (length, reads) = (self.kept.len(), self.reads);
        match &mut self.held {
            None if self.rests > 0 => {
                self.rests -= 1;
                return false;
            }
            None => self.held = Some(Held { length, reads, times: 1 }),
            // It flushes for each of several frames.
            Some(held) if held.reads == reads => {
                held.length = length;
                return true;
            }
            Some(held) if length > held.length && held.times < MOST => {
                *held = Held { length, reads, times: held.times + 1 };
            }
            Some(held) => {
                match held.times {
                    1 => self.patience = self.patience.saturating_sub(1),
                    _ => self.patience = PATIENCE,
                }
                if self.patience == 0 {
                    self.rests = RESTS;
                }
                self.held = None;
                return false;
            }
        }
        context.waker().wake_by_ref();
        true
    }
}

impl<T: AsyncWrite + Unpin> Gathered<T> {
    /// Writes what is kept.
    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.kept.is_empty() {
            let written = ready!(Pin::new(&mut self.connection).poll_write(context, &self.kept))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.kept.advance(written);
        }
        // A connection at rest keeps nothing.
        self.kept = BytesMut::new();
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gathered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads = self.reads.wrapping_add(1);
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Gathered<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if length > LONG || self.kept.len() + length > CAPACITY {
            ready!(self.poll_written(context))?;
            if length > LONG {
                return Pin::new(&mut self.connection).poll_write_vectored(context, slices);
            }
        }
        slices.iter().for_each(|slice| self.kept.extend_from_slice(slice));
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.kept.is_empty() {
            if self.holds(context) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_written(context))?;
        }
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_written(context))?;
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
