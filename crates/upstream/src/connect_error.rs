//! Why there is no connection to an endpoint.

use std::io;
use std::sync::Arc;

use backstay_balancer::Overflow;
use rustls::CertificateError;
use thiserror::Error;

/// Why there is no connection.
#[derive(Debug, Clone, Error)]
pub enum ConnectError {
    /// The time that connecting may take has passed.
    #[error("no connection within the connect timeout")]
    Timeout,
    /// The system says so.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// TLS says so, or what is below it.
    #[error("TLS: {0}")]
    Tls(Arc<io::Error>),
    /// HTTP/2 is to be spoken, and the endpoint has not chosen it.
    #[error("the endpoint does not speak HTTP/2")]
    NotHttp2,
    /// HTTP/2 cannot be begun.
    #[error("{0}")]
    Handshake(Arc<hyper::Error>),
    /// The connection would lead back to this process.
    #[error("the address belongs to this proxy")]
    OwnAddress,
    /// A limit of the backend keeps the connection from being opened.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl ConnectError {
    /// Whether the endpoint's certificate is another host's.
    pub fn is_of_another_name(&self) -> bool {
        let Self::Tls(error) = self else { return false };
        let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        matches!(
            error,
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ))
        )
    }
}
