//! The byte stream of a client.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use backstay_upstream::Io;
use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::{self, Frames};
use super::framing::{Framing, POISON, Violation};
use crate::activity::Activity;
use crate::counts::ServerMetrics;

/// Most bytes that [`poll_first`] takes: most requests are shorter.
const FIRST: usize = 1024;

/// Waits for bytes without keeping a place for them. None come at the end of the stream.
pub(super) fn poll_first(stream: &mut (impl AsyncRead + Unpin), cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    let mut place = [const { MaybeUninit::uninit() }; FIRST];
    let mut first = ReadBuf::uninit(&mut place);
    ready!(Pin::new(stream).poll_read(cx, &mut first))?;
    Poll::Ready(Ok(Bytes::copy_from_slice(first.filled())))
}

/// A client's stream: replays bytes read ahead, hands on nothing that breaks the framing of requests, and reports what
/// happens to its [`Activity`].
#[derive(Debug)]
pub(super) struct ClientIo {
    pub(super) stream: Io<tokio_rustls::server::TlsStream<TcpStream>>,
    ahead: Bytes,
    pub(super) activity: Arc<Activity>,
    framing: Framing,
    /// Of HTTP/2, and what is counted of it.
    frames: Option<Box<(Frames, Arc<ServerMetrics>)>>,
    /// The client has broken the framing: nothing more is read.
    refused: bool,
}

impl ClientIo {
    /// A stream of HTTP/1.1 of which `ahead` was read.
    pub(super) fn http1(
        stream: Io<tokio_rustls::server::TlsStream<TcpStream>>,
        ahead: Bytes,
        activity: Arc<Activity>,
    ) -> Self {
        Self { stream, ahead, activity, framing: Framing::new(), frames: None, refused: false }
    }

    /// A stream of HTTP/2 of which `ahead` was read.
    pub(super) fn http2(
        stream: Io<tokio_rustls::server::TlsStream<TcpStream>>,
        ahead: Bytes,
        activity: Arc<Activity>,
        metrics: &Arc<ServerMetrics>,
    ) -> Self {
        let frames = Some(Box::new((Frames::new(), Arc::clone(metrics))));
        Self { stream, ahead, activity, framing: Framing::none(), frames, refused: false }
    }

    /// Begins anew between two requests, with `ahead`, of which nobody has made anything.
    pub(super) fn begin_anew(&mut self, ahead: Bytes) {
        self.ahead = if self.ahead.is_empty() { ahead } else { [&ahead[..], &self.ahead[..]].concat().into() };
        if !self.refused {
            self.framing = Framing::new();
        }
    }

    /// Whether the client has broken the framing.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Writes interim answers, between what hyper has written and what it writes next; ready when there are none.
    #[inline]
    fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.activity.interim().is_waiting() {
            return Poll::Ready(Ok(()));
        }
        let Self { stream, activity, .. } = self;
        activity.interim().poll(|bytes| {
            activity.moved();
            Pin::new(&mut *stream).poll_write(cx, bytes)
        })
    }

    #[inline]
    fn sent(&mut self, bytes: &[u8]) {
        if let Some(frames) = &mut self.frames {
            frames.0.sent(bytes);
        }
    }

    /// Takes what hyper must not see out of `buf`, of which the first `before` bytes are not from here.
    #[cold]
    fn refuse(&mut self, buf: &mut ReadBuf<'_>, before: usize, at: usize, poison: &'static [u8]) {
        if self.activity.is_tunnel() {
            // These are no requests any more.
            return;
        }
        self.activity.refuse();
        self.refused = true;
        buf.set_filled(before + at);
        let (now, later) = poison.split_at(poison.len().min(buf.remaining()));
        buf.put_slice(now);
        self.ahead = Bytes::from_static(later);
    }
}

impl AsyncRead for ClientIo {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if !this.ahead.is_empty() {
            let length = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead[..length]);
            this.ahead.advance(length);
            if this.ahead.is_empty() {
                // What is empty may still hold its memory.
                this.ahead = Bytes::new();
            }
        } else if !this.refused {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        let read = buf.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            this.activity.read();
            if let Err(Violation(at)) = this.framing.look(read) {
                this.refuse(buf, before, at, POISON);
            } else if let Some(frames) = this.frames.as_mut().filter(|_| !this.refused)
                && let Some((at, flood)) = frames.0.look(read)
            {
                flood.count(&frames.1.floods);
                this.refuse(buf, before, at, &frames::POISON);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_interim(cx))?;
        this.activity.write();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.sent(buf.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_interim(cx))?;
        this.activity.write();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        let mut left = written;
        for buf in bufs {
            let sent = buf.len().min(left);
            this.sent(buf.get(..sent).unwrap_or_default());
            left -= sent;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_interim(cx))?;
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        this.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.activity.is_parked() {
            // hyper is done with it, the client is not.
            return Poll::Ready(Ok(()));
        }
        if let Some(frames) = this.frames.take_if(|frames| frames.0.resets_reached()) {
            frames.1.floods.resets.increment(1);
        }
        // From here on it is never idle again.
        this.activity.write();
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
