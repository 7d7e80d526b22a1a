//! A connection to a control plane.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::MapErr;
use futures::{FutureExt as _, TryFutureExt as _};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::body::Body;
use tower::Service;

use super::transport::Connection;
use super::{Disconnect, Options, Place};

/// How often it is looked whether the server has asked for the connection to end: HTTP/2 libraries notice it when they are asked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A connection over which calls can be made, of any service. Streams outlive it.
#[derive(Clone, Debug)]
pub struct Link {
    sender: SendRequest<Body>,
    scheme: Scheme,
    authority: Authority,
    leaving: watch::Receiver<bool>,
}

impl Link {
    /// Connects to a place, as the options say.
    ///
    /// # Errors
    /// [`Disconnect::Connect`].
    pub(super) async fn open(options: &Options, place: &Place) -> Result<Self, Disconnect> {
        let patience = options.connect_timeout;
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {patience:?}"));
        let failed = |source| Disconnect::Connect { endpoint: place.endpoint.clone(), address: place.address, source };
        match timeout(patience, connected(options, place)).await.map_err(late) {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(source)) | Err(source) => Err(failed(source)),
        }
    }

    /// Waits until the server asks for the connection to end (GOAWAY), or it has ended. Streams that are open go on until their end.
    pub fn leaving(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut leaving = self.leaving.clone();
        async move {
            // Gone without a word is as good as a word.
            let _ = leaving.wait_for(|leaving| *leaving).await;
        }
    }
}

async fn connected(options: &Options, place: &Place) -> io::Result<Link> {
    let address = match place.address {
        Some(address) => address,
        None => first(&place.endpoint).await?,
    };
    let stream: Box<dyn Connection> = match &options.transport {
        Some(transport) => transport.connect(place.endpoint.clone(), address).await?,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    };
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(options.keepalive_interval)
        .keep_alive_timeout(options.keepalive_timeout)
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let (leaves, leaving) = watch::channel(false);
    tokio::spawn(async move {
        let mut connection = std::pin::pin!(connection);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = &mut connection => break,
                _ = looks.tick() => {}
            }
        }
        let _ = leaves.send(true);
    });
    let incomplete = || io::Error::new(io::ErrorKind::InvalidInput, "the address has no scheme or no host");
    let scheme = place.endpoint.scheme().cloned().ok_or_else(incomplete)?;
    let authority = place.endpoint.authority().cloned().ok_or_else(incomplete)?;
    Ok(Link { sender, scheme, authority, leaving })
}

/// The first address of a name.
async fn first(endpoint: &Uri) -> io::Result<SocketAddr> {
    let mut addresses = resolve(endpoint).await?.into_iter();
    addresses.next().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

/// All addresses of the host of an endpoint, IPv4 and IPv6.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever starts a proxy names its control planes, as the system knows them"
)]
pub(super) async fn resolve(endpoint: &Uri) -> io::Result<Vec<SocketAddr>> {
    let host = endpoint.host().unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let default = if endpoint.scheme_str() == Some("https") { 443 } else { 80 };
    let mut addresses: Vec<_> =
        tokio::net::lookup_host((bare, endpoint.port_u16().unwrap_or(default))).await?.collect();
    addresses.sort();
    addresses.dedup();
    Ok(addresses)
}

type Call = futures::future::BoxFuture<'static, Result<Response<Incoming>, hyper::Error>>;

impl Service<Request<Body>> for Link {
    type Response = Response<Incoming>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = MapErr<Call, fn(hyper::Error) -> Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let origin = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        // Each part is one already.
        if let Ok(uri) = origin.path_and_query(path).build() {
            *request.uri_mut() = uri;
        }
        self.sender.send_request(request).boxed().map_err(Into::into)
    }
}
