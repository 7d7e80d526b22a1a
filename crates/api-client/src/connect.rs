//! Connections, with TLS where the address asks for it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::credential::Shown;
use crate::error::Error;

/// To establish a connection, with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is spoken over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Makes connections to one server.
#[derive(Debug, Clone)]
pub struct Connector {
    tls: Option<Arc<ClientConfig>>,
    server_name: Option<String>,
}

impl Connector {
    /// Connections without TLS.
    #[must_use]
    pub fn plain() -> Self {
        Self { tls: None, server_name: None }
    }

    /// Connections with TLS: the server must show a certificate of one of `authorities` (PEM), or of one of the system's where that is
    /// none, for `server_name`, or for the host of the address.
    ///
    /// # Errors
    /// When an authority, the certificate that is shown, or its key cannot be used.
    pub fn tls(
        authorities: Option<&[u8]>,
        server_name: Option<String>,
        shown: &Shown,
        protocol: Protocol,
    ) -> Result<Self, Error> {
        let fault = |what: &'static str| move |why: String| Error::Tls { what, why };
        let mut roots = rustls::RootCertStore::empty();
        match authorities {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| fault("the authority")(error.to_string()))?;
                    roots.add(certificate).map_err(|error| fault("the authority")(error.to_string()))?;
                }
                if roots.is_empty() {
                    return Err(fault("the authority")("there is no certificate in it".to_owned()));
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fault("TLS")(error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match &shown.certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
                let chain = chain.map_err(|error| fault("the client certificate")(error.to_string()))?;
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes());
                let key = key.map_err(|error| fault("the key of the client certificate")(error.to_string()))?;
                let with = builder.with_client_auth_cert(chain, key);
                with.map_err(|error| fault("the client certificate")(error.to_string()))?
            }
        };
        let protocol: &[u8] = match protocol {
            Protocol::Http1 => b"http/1.1",
            Protocol::Http2 => b"h2",
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Self { tls: Some(Arc::new(config)), server_name })
    }

    async fn connect(self, uri: Uri) -> io::Result<Stream> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
        let host = uri.host().ok_or_else(|| invalid("the address has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or_else(|| if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = self.tls else { return Ok(Stream::Plain(stream)) };
        let name = self.server_name.unwrap_or_else(|| host.to_owned());
        let name = ServerName::try_from(name).map_err(|_| invalid("the host cannot be in a certificate"))?;
        let stream = TlsConnector::from(tls).connect(name, stream).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(uri)).await;
            let late = || io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
            connected.unwrap_or_else(|_| Err(late())).map(TokioIo::new)
        })
    }
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
