//! A stream of HTTP/2 on which another protocol is spoken (RFC 8441).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes both ways on a stream of HTTP/2. Dropped before it was shut down, the stream is reset.
#[derive(Debug)]
pub(crate) struct StreamTunnel {
    receive: RecvStream,
    send: SendStream<Bytes>,
    /// Was received, and not read yet.
    ahead: Bytes,
    ended: bool,
}

impl StreamTunnel {
    /// Of a stream whose answer has begun.
    pub(crate) fn new(receive: RecvStream, send: SendStream<Bytes>) -> Self {
        Self { receive, send, ahead: Bytes::new(), ended: false }
    }
}

impl AsyncRead for StreamTunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.ahead.is_empty() {
            match ready!(this.receive.poll_data(cx)) {
                Some(Ok(data)) => this.ahead = data,
                // The client has left: nothing more comes.
                Some(Err(error)) if matches!(error.reason(), Some(Reason::NO_ERROR | Reason::CANCEL)) => {
                    return Poll::Ready(Ok(()));
                }
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = this.ahead.len().min(buf.remaining());
        buf.put_slice(&this.ahead[..length]);
        this.ahead.advance(length);
        // What was read has room again; a stream that is gone needs none.
        let _ = this.receive.flow_control().release_capacity(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StreamTunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.send.poll_reset(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        this.send.reserve_capacity(buf.len());
        while this.send.capacity() == 0 {
            match ready!(this.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let length = this.send.capacity().min(buf.len());
        let part = Bytes::copy_from_slice(&buf[..length]);
        Poll::Ready(this.send.send_data(part, false).map(|()| length).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if std::mem::replace(&mut this.ended, true) {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(this.send.send_data(Bytes::new(), true).map_err(io::Error::other))
    }
}
