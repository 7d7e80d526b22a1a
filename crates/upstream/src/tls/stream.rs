//! TLS to an endpoint, read in large pieces.
//!
//! Left to itself, rustls reads from a socket in pieces of 4 KiB, into a buffer for each connection. Here a thread has one buffer
//! for all its connections: as much is read into it as the reader has room for, decrypted where it is, and handed on at once.

mod buffers;
mod session;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ClientConfig;
use rustls::client::UnbufferedClientConnection;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use buffers::{LEAST_READ, MOST_READ, Records, Window};
use session::{Session, Task};

/// How much more is read than the reader has room for: records are longer than what is in them.
const OVERHEAD: usize = 512;

thread_local! {
    /// Where records are read to. Nothing stays in it.
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; MOST_READ]);
}

/// A TLS connection to an endpoint, over the connection `S`.
#[derive(Debug)]
pub struct TlsStream<S> {
    inner: S,
    session: Session,
    records: Records,
    /// The endpoint has been told that nothing follows.
    closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Agrees on keys with an endpoint that proves to be `name`.
    pub(crate) async fn connect(config: &Arc<ClientConfig>, name: ServerName<'static>, inner: S) -> io::Result<Self> {
        let tls = UnbufferedClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = Self { inner, session: Session::new(tls), records: Records::default(), closed: false };
        poll_fn(|cx| stream.with_window(|stream, window| stream.poll_handshake(cx, window))).await?;
        Ok(stream)
    }

    /// What it goes over.
    pub(crate) const fn inner(&self) -> &S {
        &self.inner
    }

    /// What the endpoint has chosen to speak.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        self.session.protocol()
    }

    fn with_window<T>(&mut self, work: impl FnOnce(&mut Self, &mut Window<'_>) -> T) -> T {
        let mut records = mem::take(&mut self.records);
        let result = SHARED.with(|shared| records.with_window(shared, |window| work(self, window)));
        self.records = records;
        result
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>, window: &mut Window<'_>) -> Poll<io::Result<()>> {
        loop {
            let advanced = self.session.advance(window, Task::Handshake);
            let sent = self.session.outgoing.poll_send(cx, &mut self.inner);
            advanced?;
            if !self.session.is_handshaking() || matches!(sent, Poll::Ready(Err(_))) {
                return sent;
            }
            ready!(self.poll_receive(cx, window, 0))?;
        }
    }

    fn poll_decrypt(
        &mut self,
        cx: &mut Context<'_>,
        window: &mut Window<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        self.session.plaintext.read(buf);
        loop {
            let advanced = self.session.advance(window, Task::Read(buf));
            if advanced.is_err() {
                let _ = self.session.outgoing.poll_send(cx, &mut self.inner);
            }
            if buf.filled().len() > before || buf.remaining() == 0 {
                // What came before an error is good. The error comes again.
                return Poll::Ready(Ok(()));
            }
            advanced?;
            if self.session.ended {
                return Poll::Ready(Ok(()));
            }
            if self.poll_receive(cx, window, buf.remaining())?.is_pending() {
                // The answer to a change of keys.
                let _ = self.session.outgoing.poll_send(cx, &mut self.inner)?;
                return Poll::Pending;
            }
        }
    }

    /// Reads records: at least one, and what comes with it of those that the reader has `room` for.
    fn poll_receive(&mut self, cx: &mut Context<'_>, window: &mut Window<'_>, room: usize) -> Poll<io::Result<()>> {
        let free = window.room((room + OVERHEAD).max(LEAST_READ));
        if free.is_empty() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long")));
        }
        let mut read = ReadBuf::new(free);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut read))?;
        let length = read.filled().len();
        if length == 0 {
            let reason = "the endpoint closed the connection without saying that nothing follows";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason)));
        }
        window.filled(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.with_window(|this, window| this.poll_decrypt(cx, window, buf))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // What was taken before has to be gone: no more is kept than was taken at once.
        ready!(this.session.outgoing.poll_send(cx, &mut this.inner))?;
        let mut written = 0;
        this.with_window(|this, window| this.session.advance(window, Task::Write(bufs, &mut written)))?;
        // What the socket does not take now is sent by the next write or flush.
        let _ = this.session.outgoing.poll_send(cx, &mut this.inner)?;
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.outgoing.poll_send(cx, &mut this.inner)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            this.closed = true;
            // A session that has failed has said so.
            let _ = this.with_window(|this, window| this.session.advance(window, Task::Close));
        }
        ready!(this.session.outgoing.poll_send(cx, &mut this.inner))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
