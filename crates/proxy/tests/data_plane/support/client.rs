//! Clients.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::soon;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let body = soon(body.collect()).await.expect("the body ends well");
        let trailers = body.trailers().cloned();
        Self { status: parts.status, headers: parts.headers, body: body.to_bytes(), trailers }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) type AnyBody = BoxBody<Bytes, std::convert::Infallible>;

/// One HTTP/1.1 connection.
pub(crate) struct Client(http1::SendRequest<AnyBody>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self(sender)
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        Answer::read(self.begin(request.map(BodyExt::boxed)).await.unwrap()).await
    }

    pub(crate) async fn begin(&mut self, request: Request<AnyBody>) -> hyper::Result<Response<Incoming>> {
        soon(self.0.ready()).await?;
        soon(self.0.send_request(request)).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).header("host", "test").body(Full::default()).unwrap()).await
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: http::request::Builder) -> Answer {
    let request = request.body(Full::default()).unwrap();
    let request = if request.headers().contains_key("host") {
        request
    } else {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert("host", "test".parse().unwrap());
        Request::from_parts(parts, body)
    };
    Client::connect(address).await.send(request).await
}

/// One HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct H2Client(http2::SendRequest<AnyBody>);

impl H2Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::open(stream).await.0
    }

    /// With it, what tells how the connection ends.
    pub(crate) async fn open(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> (Self, JoinHandle<hyper::Result<()>>) {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (Self(sender), tokio::spawn(connection))
    }

    pub(crate) async fn begin(&mut self, request: Request<AnyBody>) -> hyper::Result<Response<Incoming>> {
        soon(self.0.ready()).await?;
        soon(self.0.send_request(request)).await
    }

    pub(crate) async fn get(&mut self, uri: &str) -> Answer {
        let request = Request::get(uri).body(Full::default().boxed()).unwrap();
        Answer::read(self.begin(request).await.unwrap()).await
    }
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The proxy may answer and close before it has read everything.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut read = Vec::new();
    let _ = soon(stream.read_to_end(&mut read)).await;
    String::from_utf8_lossy(&read).into_owned()
}
