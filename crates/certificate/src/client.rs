//! What a client shows and trusts, from files that may change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::follow::{FileError, read};
use crate::material::{MaterialError, Pair, Trust};
use crate::tls::{self, TlsError};

/// The files of a client. Default none: the system's authorities are trusted, and no certificate is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// Authorities that the server's certificate must come from, as PEM.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate, and the key of it, as PEM.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate must carry; else that of the address.
    pub server_name: Option<ServerName<'static>>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address has no host that a certificate could carry.
    #[error("{0:?} is no name that a certificate could carry: set the server name")]
    ServerName(String),
    /// The server cannot be reached, or the handshake failed.
    #[error("{0}")]
    Connect(#[from] std::io::Error),
}

/// Connects over TLS. The files are read for each connection, so that what is renewed is used; while one cannot be read, what was good last
/// is.
#[derive(Debug)]
pub struct Client {
    files: ClientFiles,
    alpn: &'static [&'static [u8]],
    last: Mutex<Option<Arc<ClientConfig>>>,
}

impl Client {
    /// One that offers these protocols.
    #[must_use]
    pub fn new(files: ClientFiles, alpn: &'static [&'static [u8]]) -> Self {
        Self { files, alpn, last: Mutex::new(None) }
    }

    /// Whether the files can be used as they are.
    ///
    /// # Errors
    /// The first that cannot.
    pub async fn check(&self) -> Result<(), ClientError> {
        self.read().await.map(drop)
    }

    /// A connection to `host` at `port`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TlsStream<TcpStream>, ClientError> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        self.connect_to(host, (bare, port)).await
    }

    /// A connection to an address of `host`, whose name the certificate must carry.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn connect_to(
        &self,
        host: &str,
        address: impl ToSocketAddrs,
    ) -> Result<TlsStream<TcpStream>, ClientError> {
        let config = self.config().await?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = match &self.files.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(bare.to_owned()).map_err(|_| ClientError::ServerName(bare.to_owned()))?,
        };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(TlsConnector::from(config).connect(name, stream).await?)
    }

    async fn config(&self) -> Result<Arc<ClientConfig>, ClientError> {
        let read = self.read().await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match (read, &*last) {
            (Ok(config), _) => {
                *last = Some(config.clone());
                Ok(config)
            }
            (Err(error), Some(config)) => {
                tracing::warn!(%error, "what was read before stays in use");
                Ok(config.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn read(&self) -> Result<Arc<ClientConfig>, ClientError> {
        let trust = match &self.files.authorities {
            Some(path) => Some(Trust::from_pem(&read(path).await?).map_err(|source| material(&[path], source))?),
            None => None,
        };
        let pair = match &self.files.pair {
            Some((chain, key)) => {
                let pair = Pair::from_pem(&read(chain).await?, &read(key).await?);
                Some(pair.map_err(|source| material(&[chain, key], source))?)
            }
            None => None,
        };
        Ok(tls::client(trust.as_ref(), pair.as_ref(), self.alpn)?)
    }
}

fn material(files: &[&PathBuf], source: MaterialError) -> FileError {
    FileError::Material { files: files.iter().map(|file| Path::to_owned(file)).collect(), source }
}
