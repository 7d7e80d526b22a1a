//! What to look at when there is no connection.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible};

use crate::connect_error::ConnectError;

/// What to look at after `error`, where that is known. Fields are those of a `BackendPolicy`.
pub(super) fn advice(error: &ConnectError) -> Option<&'static str> {
    match error {
        ConnectError::Tls(error) => tls(error),
        ConnectError::NotHttp2 => {
            Some("the Backend's protocol h2 needs an endpoint that selects h2; for HTTP/1.1 it is tls")
        }
        ConnectError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Some("nothing listens there: see the port of the route's backendRefs")
        }
        _ => None,
    }
}

/// The error of TLS within one of a connection.
pub fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn tls(error: &io::Error) -> Option<&'static str> {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Some("the endpoint closed the connection in the handshake: it may not speak TLS there");
    }
    match tls_error(error)? {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(description) => alert(*description),
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            alert(AlertDescription::ProtocolVersion)
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(
            "the endpoint does not speak TLS there: see the Backend's protocol, and the port of the route's backendRefs",
        ),
        _ => None,
    }
}

fn certificate(error: &CertificateError) -> Option<&'static str> {
    match error {
        CertificateError::UnknownIssuer => Some(
            "no authority that is trusted has signed the endpoint's certificate: see tls.caCertificateRef and \
             tls.caCertificate; without them the system's authorities are trusted",
        ),
        CertificateError::BadSignature => Some(
            "an authority of that name is trusted, with another key than the one that signed the endpoint's certificate: \
             see tls.caCertificateRef and tls.caCertificate",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Some(
            "the name that the certificate must carry is tls.verifiedName, else tls.sni, else the endpoint's fqdn or ip",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("the endpoint has to renew its certificate, if the clock of this machine is right")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("the endpoint's certificate is for later, if the clock of this machine is right")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Some("the endpoint's certificate is not for servers: sign one with extendedKeyUsage serverAuth, or without")
        }
        CertificateError::Other(OtherError(other)) => match other.downcast_ref::<webpki::Error>()? {
            webpki::Error::UnsupportedCertVersion => Some(
                "the endpoint's certificate is of X.509 version 1, which has no place for names: sign it again, with a \
                 subjectAltName",
            ),
            webpki::Error::CaUsedAsEndEntity => Some(
                "the endpoint's certificate is one of an authority (CA:TRUE): sign another with it for the endpoint",
            ),
            _ => None,
        },
        _ => None,
    }
}

fn alert(description: AlertDescription) -> Option<&'static str> {
    match description {
        AlertDescription::ProtocolVersion => Some(
            "the endpoint takes none of the versions that are offered: see tls.minVersion; below 1.2 there is none",
        ),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => Some(
            "the endpoint takes no cipher suite that is offered (tls.ciphers), or asks for a certificate \
             (tls.clientCertificateRef)",
        ),
        AlertDescription::CertificateRequired => {
            Some("the endpoint asks for a certificate: see tls.clientCertificateRef")
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            Some("the endpoint refuses the certificate that it is shown: see tls.clientCertificateRef")
        }
        AlertDescription::UnrecognisedName => Some("the endpoint does not know the name that it is sent: see tls.sni"),
        AlertDescription::NoApplicationProtocol => {
            Some("the endpoint takes no protocol that is offered: see the Backend's protocol, and tls.alpn")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
