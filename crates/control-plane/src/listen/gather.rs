//! Writes of an HTTP/2 connection that go out together.
//!
//! The library that frames HTTP/2 writes whenever it has a frame whose content it does not copy, so that the head, the message and
//! the trailers of one answer, and the answers of many streams, take a system call each. Here they are held until the task of the
//! connection has done all that it can, and then written at once. Streams of discovery, which have the same to say at the same time,
//! wait for each other as well: [`backstay_xds::server::Gathered`].

#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are held before they are written all the same.
const MOST: usize = 64 * 1024;

/// Room that a connection keeps while it has nothing to write.
const KEPT: usize = 4 * 1024;

/// How an HTTP/2 connection begins (RFC 9113, 3.4), as far as HTTP/1 does not.
const PREFACE: &[u8] = b"PRI ";

/// The connection as its server reads and writes it. What is written goes out when [`Gathered`] has been polled.
#[derive(Debug)]
pub(super) struct Gather<T>(Arc<Mutex<State<T>>>);

/// What serves a connection of [`Gather`].
#[derive(Debug)]
pub(super) struct Gathered<F, T> {
    served: Pin<Box<F>>,
    state: Arc<Mutex<State<T>>>,
}

#[derive(Debug)]
struct State<T> {
    stream: T,
    spoken: Spoken,
    held: Vec<u8>,
    /// How much of what is held has been written.
    written: usize,
    /// Whether what was written still has to be flushed.
    unflushed: bool,
    /// Why nothing can be written any more; whoever reads or writes next is told.
    failed: Option<io::Error>,
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// So much of the preface of HTTP/2 has been read.
    Begun(usize),
    Http2,
    /// HTTP/1, which knows itself what goes together.
    Other,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Gather<T> {
    /// Of a connection in HTTP/2, whose preface nobody sends.
    #[cfg(test)]
    fn http2(stream: T) -> Self {
        Self::new(stream, Spoken::Http2)
    }

    /// Of a connection whose first bytes tell. What is written in another version is not held.
    pub(super) fn either(stream: T) -> Self {
        Self::new(stream, Spoken::Begun(0))
    }

    fn new(stream: T, spoken: Spoken) -> Self {
        let held = Vec::new();
        Self(Arc::new(Mutex::new(State { stream, spoken, held, written: 0, unflushed: false, failed: None })))
    }

    /// What `serve` makes of the connection, which writes what was held whenever it has been polled.
    pub(super) fn serve<F: Future>(self, serve: impl FnOnce(Self) -> F) -> Gathered<F, T> {
        let state = Arc::clone(&self.0);
        Gathered { served: Box::pin(serve(self)), state }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.0)
    }
}

/// A panic that is caught ends the connection; there is nothing to find half done.
fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: AsyncRead + AsyncWrite + Unpin> State<T> {
    fn learn(&mut self, read: &[u8]) {
        let Spoken::Begun(known) = self.spoken else { return };
        let (_, rest) = PREFACE.split_at_checked(known).unwrap_or_default();
        let compared = rest.len().min(read.len());
        self.spoken = match rest.get(..compared) == read.get(..compared) {
            false => Spoken::Other,
            true if compared == rest.len() => Spoken::Http2,
            true => Spoken::Begun(known + compared),
        };
    }

    /// Writes all that is held.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.held.get(self.written..).filter(|rest| !rest.is_empty()) {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
        }
        self.written = 0;
        if self.held.capacity() > KEPT {
            self.held = Vec::new();
        } else {
            self.held.clear();
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn hold(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum::<usize>();
        if !self.held.is_empty() && self.held.len() + count > MOST {
            ready!(self.drain(context))?;
        }
        self.unflushed = true;
        if count > MOST {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        self.held.reserve(count);
        slices.iter().for_each(|slice| self.held.extend_from_slice(slice));
        Poll::Ready(Ok(count))
    }

    /// Fails once something else has.
    fn sound(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gather<T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.sound()?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut state.stream).poll_read(context, buffer);
        state.learn(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gather<T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.sound()?;
        match state.spoken {
            Spoken::Http2 => state.hold(context, slices),
            Spoken::Begun(_) | Spoken::Other => Pin::new(&mut state.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        let state = self.state();
        state.spoken == Spoken::Http2 || state.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.sound()?;
        match state.spoken {
            // Done once the connection has been polled.
            Spoken::Http2 => Poll::Ready(Ok(())),
            Spoken::Begun(_) | Spoken::Other => Pin::new(&mut state.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.sound()?;
        ready!(state.drain(context))?;
        Pin::new(&mut state.stream).poll_shutdown(context)
    }
}

impl<F: Future, T: AsyncRead + AsyncWrite + Unpin> Future for Gathered<F, T> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        loop {
            if let Poll::Ready(output) = self.served.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            let mut state = lock(&self.state);
            match state.drain(context) {
                // Whoever serves the connection reads next, and is told.
                Poll::Ready(Err(error)) if state.failed.is_none() => {
                    state.held.clear();
                    (state.written, state.unflushed) = (0, false);
                    state.failed = Some(error);
                }
                Poll::Ready(_) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
