//! HTTP/1.1 connections to endpoints, as a pool keeps them: the codec, over a stream that knows since when it is open and what
//! it is counted as.

use std::io::{self, Cursor, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use backstay_http1::Switched;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connect::ConnectionGuard;
use crate::connector::Connector;

/// An HTTP/1.1 connection to an endpoint.
pub(super) type Connection<C> = backstay_http1::Connection<Counted<<C as Connector>::Stream>, <C as Connector>::Body>;

/// A stream that is counted for as long as it is open.
#[derive(Debug)]
pub(super) struct Counted<S> {
    pub(super) stream: S,
    /// When the connection was opened.
    pub(super) born: Instant,
    pub(super) guard: ConnectionGuard,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A connection that has changed to another protocol.
#[derive(Debug)]
pub struct Tunnel<C: Connector>(pub(super) Switched<Counted<C::Stream>>);

impl<C: Connector> Tunnel<C> {
    /// The bytes both ways, and what has to be held for as long as they are used.
    pub fn split(self) -> (impl AsyncRead + AsyncWrite + Unpin, ConnectionGuard) {
        let Switched { stream: Counted { stream, guard, .. }, ahead } = self.0;
        let (receive, send) = tokio::io::split(stream);
        let receive = AsyncReadExt::chain(Cursor::new(ahead), receive);
        (tokio::io::join(receive, send), guard)
    }
}

#[cfg(test)]
mod tests;
