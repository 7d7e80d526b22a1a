//! A client that keeps its connection.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Http1,
    Http2,
    /// HTTP/1.1 over TLS.
    Tls,
}

/// An open connection.
pub enum Connection {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// What connects.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
}

impl Client {
    /// One that trusts an authority.
    pub fn new(authority: &Path) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).expect("a certificate")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
        Self { tls: TlsConnector::from(Arc::new(config)) }
    }

    pub async fn connect(&self, kind: Kind, address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        stream.set_nodelay(true).expect("TCP_NODELAY");
        if kind != Kind::Tls {
            return Connection::over(kind, stream).await;
        }
        let name = ServerName::try_from("upstream.test").expect("a name");
        Connection::over(kind, self.tls.connect(name, stream).await.expect("a TLS handshake")).await
    }
}

impl Connection {
    async fn over(kind: Kind, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let io = TokioIo::new(stream);
        if kind == Kind::Http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            Self::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
            tokio::spawn(connection);
            Self::Http1(sender)
        }
    }

    /// Sends a request and reads the answer to its end. Returns the bytes of its body.
    pub async fn get(&mut self, path: &str) -> usize {
        let uri = format!("http://upstream.test{path}");
        let (response, path) = match self {
            Self::Http1(sender) => {
                sender.ready().await.expect("a free connection");
                let request = Request::get(path).header("host", "upstream.test").body(Empty::new()).expect("a request");
                (sender.send_request(request).await, path)
            }
            Self::Http2(sender) => {
                sender.ready().await.expect("a free connection");
                (sender.send_request(Request::get(&uri).body(Empty::new()).expect("a request")).await, &*uri)
            }
        };
        let response = response.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(response.status(), 200, "{path}");
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.expect("the body").data_ref().map_or(0, Bytes::len);
        }
        length
    }

    pub fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}
