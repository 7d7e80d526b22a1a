use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tonic::metadata::MetadataMap;
use tonic::transport::Uri;

/// How connections to the control plane are made, where plain TCP does not do, and what is shown to it there.
pub trait Transport: Debug + Send + Sync {
    /// A connection to `address`, which is one of those of the host and port of `endpoint`, over which HTTP/2 can be spoken.
    fn connect(&self, endpoint: Uri, address: SocketAddr) -> Work<Box<dyn Connection>>;

    /// Headers for one call. Asked for each time, since what they hold may have been renewed.
    fn metadata(&self) -> Work<MetadataMap>;
}

/// Something that is being done.
pub type Work<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// Both directions of a connection.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}
