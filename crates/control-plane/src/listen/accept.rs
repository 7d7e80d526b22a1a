//! Connections to either address, as they are taken in.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use backstay_auth::Peer;
use futures::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::first_byte_timeout::FirstByteTimeout;
use crate::doors::{Chain, Door};

/// How long accepting rests after it failed. Out of file descriptors, most likely: the listener stays good, and the next
/// try must not spin.
const REST: Duration = Duration::from_millis(100);

/// Connections that are ready, and wait for their server to take them.
const READY: usize = 64;

/// Takes in the connections to an address. Both addresses have one, so that what holds for every connection, and what it is
/// wrapped in before anybody reads from it, is said once.
#[derive(Debug)]
pub(crate) struct Accept {
    listener: TcpListener,
    /// What the address is for, as the log says it.
    purpose: &'static str,
    first_byte_timeout: Duration,
    door: Option<Arc<Door>>,
}

impl Accept {
    /// Clients have `first_byte_timeout` to say which protocol they speak. With a door, they speak TLS.
    pub(crate) fn new(
        listener: TcpListener,
        purpose: &'static str,
        first_byte_timeout: Duration,
        door: Option<Arc<Door>>,
    ) -> Self {
        Self { listener, purpose, first_byte_timeout, door }
    }

    /// Waits for the next connection. Failures to accept are logged and not passed on: they would end the server. Cancel
    /// safe.
    pub(crate) async fn next(&self) -> Arrival {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // A change must not wait for the acknowledgement of the one before it.
                    let _ = stream.set_nodelay(true);
                    let (timeout, door) = (self.first_byte_timeout, self.door.clone());
                    return Arrival { stream, address, timeout, door };
                }
                Err(error) => {
                    tracing::warn!(%error, purpose = self.purpose, "cannot accept a connection");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Accepts for as long as what is returned lives. No connection waits for the handshake of another.
    pub(crate) fn into_stream(self) -> impl Stream<Item = io::Result<Connection>> {
        let (sender, receiver) = mpsc::channel(READY);
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let arrival = self.next().await;
                let (sender, stop) = (sender.clone(), stop.clone());
                tokio::spawn(stop.run_until_cancelled_owned(async move {
                    if let Some(connection) = arrival.establish().await {
                        // Nobody takes it once the server ends.
                        let _ = sender.send(Ok(connection)).await;
                    }
                }));
            }
        });
        let accepting = Accepting { accepting, stop: ended };
        futures::stream::unfold((receiver, accepting), |(mut receiver, accepting)| async move {
            Some((receiver.recv().await?, (receiver, accepting)))
        })
        .boxed()
    }
}

/// Ends accepting, and handshakes that go on, when it is dropped.
struct Accepting {
    accepting: JoinHandle<()>,
    stop: CancellationToken,
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stop.cancel();
    }
}

/// A connection that has just been accepted.
#[derive(Debug)]
pub(crate) struct Arrival {
    stream: TcpStream,
    address: SocketAddr,
    timeout: Duration,
    door: Option<Arc<Door>>,
}

impl Arrival {
    /// Makes TLS of it where that is spoken. `None` where that fails.
    pub(crate) async fn establish(self) -> Option<Connection> {
        let Self { stream, address, timeout, door } = self;
        let Some(door) = door else {
            let io = Io::Plain(FirstByteTimeout::new(stream, timeout));
            return Some(Connection { io, other: Other { peer: Peer { address, certificate: None }, chain: None } });
        };
        let stream = door.handshake(stream).await?;
        let (chain, certificate) = door.shown(&stream).unzip();
        let io = Io::Tls(Box::new(FirstByteTimeout::new(stream, timeout)));
        Some(Connection { io, other: Other { peer: Peer { address, certificate }, chain } })
    }
}

/// What is known of the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) peer: Peer,
    pub(crate) chain: Option<Chain>,
}

/// A connection that can be served, whatever lies between it and the socket.
#[derive(Debug)]
pub(crate) struct Connection {
    io: Io,
    other: Other,
}

#[derive(Debug)]
enum Io {
    Plain(FirstByteTimeout<TcpStream>),
    Tls(Box<FirstByteTimeout<TlsStream<TcpStream>>>),
}

impl Connection {
    /// What is known of the other end.
    pub(crate) fn other(&self) -> &Other {
        &self.other
    }
}

/// Does the same with either.
macro_rules! either {
    ($self:expr, $io:ident => $do:expr) => {
        match &mut $self.get_mut().io {
            Io::Plain($io) => {
                let $io = Pin::new($io);
                $do
            }
            Io::Tls($io) => {
                let $io = Pin::new(&mut **$io);
                $do
            }
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(context))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Other;

    fn connect_info(&self) -> Other {
        self.other.clone()
    }
}
