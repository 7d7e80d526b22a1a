//! An upstream that does as a test tells it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub version: Version,
    /// The server name of the TLS handshake, if there was one.
    pub server_name: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// A server of HTTP/1.1 and HTTP/2. It ends, connections included, when this is dropped.
#[derive(Debug)]
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Answers everything with 200 and `body`, on a port of its own.
    pub async fn answering(body: &str) -> Self {
        Self::answering_on(SocketAddr::from(([127, 0, 0, 1], 0)), body).await
    }

    /// Answers everything with 200 and `body`, on `address`. All of 127.0.0.0/8 is this machine, so that one port can
    /// have several endpoints.
    pub async fn answering_on(address: SocketAddr, body: &str) -> Self {
        let body = Bytes::from(body.to_owned());
        Self::start(address, move |_| {
            let body = body.clone();
            async move { Response::new(body) }
        })
        .await
    }

    /// Answers as `handler` says.
    pub async fn start<F, Fut>(address: SocketAddr, handler: F) -> Self
    where
        F: Fn(Seen) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self::start_with(address, None, handler).await
    }

    /// Answers as `handler` says, over TLS.
    pub async fn start_tls<F, Fut>(acceptor: TlsAcceptor, handler: F) -> Self
    where
        F: Fn(Seen) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self::start_with(SocketAddr::from(([127, 0, 0, 1], 0)), Some(acceptor), handler).await
    }

    async fn start_with<F, Fut>(address: SocketAddr, acceptor: Option<TlsAcceptor>, handler: F) -> Self
    where
        F: Fn(Seen) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let handler = Arc::new(move |request: Seen| -> Answering {
            record.lock().unwrap().push(request.clone());
            Box::pin(handler(request))
        });
        Self { address, seen, task: tokio::spawn(serve(listener, acceptor, handler)) }
    }

    /// The requests that arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Handler = Arc<dyn Fn(Seen) -> Answering + Send + Sync>;

async fn serve(listener: TcpListener, acceptor: Option<TlsAcceptor>, handler: Handler) {
    // Dropping the set ends the connections.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
        connections.spawn(async move {
            match acceptor {
                None => connection(stream, None, handler).await,
                Some(acceptor) => {
                    // Tests are about clients that do not trust the certificate, too.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let server_name = stream.get_ref().1.server_name().map(str::to_owned);
                    connection(stream, server_name, handler).await;
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection<S>(stream: S, server_name: Option<String>, handler: Handler)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (handler, server_name) = (Arc::clone(&handler), server_name.clone());
        async move {
            let (head, body) = request.into_parts();
            // A request that breaks off has nobody to answer to.
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let http::request::Parts { method, uri, version, headers, .. } = head;
            let seen = Seen { method, uri, version, server_name, headers, body };
            Ok::<_, Infallible>(handler(seen).await.map(Full::new))
        }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}
