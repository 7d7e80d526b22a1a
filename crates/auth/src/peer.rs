//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use backstay_resources::Timestamp;

/// What is known of the other end of a connection before any request of it was read. Whatever accepts connections puts it into
/// the extensions of each request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificate it has shown, after its chain was verified. None over plain TCP, and where it has shown none.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// What a verified client certificate says of who shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Common name of the subject: the user, as Kubernetes has it.
    pub common_name: Option<String>,
    /// Organizations of the subject: the groups, as Kubernetes has it.
    pub organizations: Vec<String>,
    /// URIs among the subject's alternative names, such as a SPIFFE ID.
    pub uris: Vec<String>,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Who vouches for it.
    pub authority: CertificateAuthority,
}

/// Which of the authorities that are believed vouches for a certificate. They may have more than one purpose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CertificateAuthority {
    /// One of clients: whoever shows it is who it says.
    pub clients: bool,
    /// One of front proxies: whoever shows it may say who sends a request.
    pub front_proxies: bool,
}
