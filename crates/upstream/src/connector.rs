//! What bytes go over to an endpoint.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use backstay_http1::RequestBody;
use backstay_model::Protocol;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::backend::{Backend, Discovery};
use crate::connect_error::ConnectError;
use crate::io::Io;
use crate::tls::TlsStream;

/// What a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Address to dial.
    pub address: SocketAddr,
    /// Name to send and verify; set when and only when the backend uses TLS.
    pub server_name: Option<ServerName<'static>>,
}

/// What a pool is built on: what bytes go over, and what the bodies of requests are.
pub trait Connector: Debug + 'static {
    /// The body of a request.
    type Body: RequestBody + Debug + 'static;
    /// A connection to an endpoint, on which HTTP is spoken.
    type Stream: AsyncRead + AsyncWrite + Unpin + Debug + 'static;

    /// Connects to an endpoint of `backend`. The time that it may take is for the caller to keep.
    fn connect(
        &self,
        backend: &Backend,
        destination: &Destination,
    ) -> impl Future<Output = Result<Self::Stream, ConnectError>>;

    /// The address of this end of a connection, where it has one.
    fn local(_: &Self::Stream) -> Option<SocketAddr> {
        None
    }
}

/// Addresses that this process listens on: no request is to be sent there because a client asked for it.
pub type OwnAddresses = Arc<ArcSwap<Vec<SocketAddr>>>;

/// TCP, with TLS where the backend says so.
#[derive(Debug)]
pub struct Tcp<B> {
    own: OwnAddresses,
    body: PhantomData<fn(B)>,
}

impl<B> Tcp<B> {
    /// Connects anywhere, and, for backends that go where a request says, not to `own`.
    pub const fn new(own: OwnAddresses) -> Self {
        Self { own, body: PhantomData }
    }
}

impl<B: RequestBody + Debug + 'static> Connector for Tcp<B> {
    type Body = B;
    type Stream = Io<TlsStream<TcpStream>>;

    async fn connect(&self, backend: &Backend, destination: &Destination) -> Result<Self::Stream, ConnectError> {
        let stream =
            TcpStream::connect(destination.address).await.map_err(|error| ConnectError::Io(Arc::new(error)))?;
        if matches!(backend.discovery, Discovery::Dynamic(_)) && is_own(&stream, &self.own.load()) {
            return Err(ConnectError::OwnAddress);
        }
        let _ = stream.set_nodelay(true);
        if let Some(keepalive) = backend.policy.connections.keepalive {
            let probe = socket2::TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval);
            let probe = match keepalive.probes {
                Some(probes) => probe.with_retries(probes),
                None => probe,
            };
            let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&probe);
        }

        let (Some(tls), Some(name)) = (&backend.tls, &destination.server_name) else { return Ok(Io::Plain(stream)) };
        let name: ServerName<'static> = name.clone();
        let stream =
            TlsStream::connect(&tls.config, name, stream).await.map_err(|error| ConnectError::Tls(Arc::new(error)))?;
        backend.metrics.tls_handshakes.increment(1);
        if backend.protocol == Protocol::Http2 && stream.protocol() != Some(b"h2") {
            return Err(ConnectError::NotHttp2);
        }
        Ok(Io::Tls(Box::new(stream)))
    }

    fn local(stream: &Self::Stream) -> Option<SocketAddr> {
        let stream = match stream {
            Io::Plain(stream) => stream,
            Io::Tls(stream) => stream.inner(),
        };
        stream.local_addr().ok()
    }
}

/// Whether the other end is this process. Whatever name or address led here, the kernel has chosen the addresses of both ends
/// by now: to reach oneself, this end's is the same as the other's, or both are loopback addresses.
fn is_own(stream: &TcpStream, own: &[SocketAddr]) -> bool {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else { return false };
    let (address, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let here = address == local || address.is_loopback();
    own.iter().any(|own| {
        let everywhere = own.ip().is_unspecified() && here;
        own.port() == peer.port() && (everywhere || own.ip().to_canonical() == address)
    })
}
