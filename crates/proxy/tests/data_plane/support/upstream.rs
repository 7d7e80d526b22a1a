//! Upstreams.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An upstream of hyper's.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// HTTP/1.1, answering with `answer`.
    pub(crate) async fn http1<A, F, B>(answer: A) -> Self
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let service = service(answer);
        Self::serve(move |stream| {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
            async { drop(connection.with_upgrades().await) }
        })
        .await
    }

    /// HTTP/2 by prior knowledge, answering with `answer`.
    pub(crate) async fn http2<A, F, B>(answer: A) -> Self
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let service = service(answer);
        Self::serve(move |stream| {
            let builder = http2::Builder::new(TokioExecutor::new());
            let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
            async { drop(connection.await) }
        })
        .await
    }

    /// Whatever `serve` does with each connection.
    pub(crate) async fn serve<S, F>(serve: S) -> Self
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream));
            }
        });
        Self { address, connections, task }
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

/// What answers with `answer`, on any number of connections.
fn service<A, F, B>(
    answer: A,
) -> impl Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send
where
    A: Fn(Request<Incoming>) -> F + Clone + Send,
    F: Future<Output = Response<B>> + Send,
    B: Body,
{
    service_fn(move |request| {
        let answer = answer(request);
        async { Ok(answer.await) }
    })
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers with what it was asked: method, target, version, headers in order of name, an empty line, the body.
pub(crate) async fn echo(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let mut text = format!("{} {} {:?}\n", parts.method, parts.uri, parts.version);
    let mut lines: Vec<String> = parts
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    text.extend(lines);
    text.push('\n');
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    text.push_str(&String::from_utf8_lossy(&body));
    Response::new(Full::from(text))
}

/// A listener to accept from by hand.
pub(crate) struct Raw(pub(crate) TcpListener);

impl Raw {
    pub(crate) async fn bind() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self(listener), address)
    }

    /// The next connection, with its first request head read.
    pub(crate) async fn accept(&self) -> (TcpStream, String) {
        let (mut stream, _) = super::soon(self.0.accept()).await.unwrap();
        let head = Self::head(&mut stream).await;
        (stream, head)
    }

    /// Reads up to the end of a head.
    pub(crate) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            let byte = super::soon(stream.read_u8()).await.expect("a whole head");
            read.push(byte);
        }
        String::from_utf8(read).unwrap()
    }
}
