//! Connections to either address, as they are taken in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::first_byte_timeout::FirstByteTimeout;

/// How long accepting rests after it failed. Out of file descriptors, most likely: the listener stays good, and the next
/// try must not spin.
const REST: Duration = Duration::from_millis(100);

/// Takes in the connections to an address. Both addresses have one, so that what holds for every connection, and what it is
/// wrapped in before anybody reads from it, is said once.
#[derive(Debug)]
pub(crate) struct Accept {
    listener: TcpListener,
    /// What the address is for, as the log says it.
    purpose: &'static str,
    first_byte_timeout: Duration,
}

impl Accept {
    /// Clients have `first_byte_timeout` to say which protocol they speak.
    pub(crate) fn new(listener: TcpListener, purpose: &'static str, first_byte_timeout: Duration) -> Self {
        Self { listener, purpose, first_byte_timeout }
    }

    /// Waits for the next connection. Failures to accept are logged and not passed on: they would end the server. Cancel
    /// safe.
    pub(crate) async fn next(&self) -> Connection {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // A change must not wait for the acknowledgement of the one before it.
                    let _ = stream.set_nodelay(true);
                    return Connection(FirstByteTimeout::new(stream, self.first_byte_timeout));
                }
                Err(error) => {
                    tracing::warn!(%error, purpose = self.purpose, "cannot accept a connection");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Accepts for as long as it is polled.
    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        stream::unfold(self, |accept| async move { Some((Ok(accept.next().await), accept)) })
    }
}

/// An accepted connection, whatever lies between it and the socket.
#[derive(Debug)]
pub(crate) struct Connection(FirstByteTimeout<TcpStream>);

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.0.connect_info()
    }
}
