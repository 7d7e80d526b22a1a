use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError};

use super::advice;
use crate::ConnectError;

fn of(error: Error) -> &'static str {
    let error = io::Error::new(io::ErrorKind::InvalidData, error);
    advice(&ConnectError::Tls(Arc::new(error))).unwrap_or_default()
}

#[test]
fn who_can_help_is_named() {
    let other = |error: webpki::Error| Error::from(CertificateError::Other(OtherError(Arc::new(error))));
    for (error, part) in [
        (CertificateError::UnknownIssuer.into(), "tls.caCertificateRef"),
        (CertificateError::BadSignature.into(), "another key"),
        (CertificateError::NotValidForName.into(), "tls.verifiedName"),
        (CertificateError::Expired.into(), "renew"),
        (CertificateError::NotValidYet.into(), "clock"),
        (CertificateError::InvalidPurpose.into(), "serverAuth"),
        (other(webpki::Error::UnsupportedCertVersion), "version 1"),
        (other(webpki::Error::CaUsedAsEndEntity), "CA:TRUE"),
        (Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not speak TLS"),
        (Error::AlertReceived(AlertDescription::ProtocolVersion), "tls.minVersion"),
        (Error::AlertReceived(AlertDescription::HandshakeFailure), "tls.ciphers"),
        (Error::AlertReceived(AlertDescription::CertificateRequired), "asks for a certificate"),
        (Error::AlertReceived(AlertDescription::UnknownCA), "tls.clientCertificateRef"),
        (Error::AlertReceived(AlertDescription::UnrecognisedName), "tls.sni"),
        (Error::AlertReceived(AlertDescription::NoApplicationProtocol), "tls.alpn"),
    ] {
        let advice = of(error.clone());
        assert!(advice.contains(part), "{error}: {advice:?}");
    }
    assert_eq!(of(Error::DecryptError), "");
    assert!(advice(&ConnectError::NotHttp2).unwrap().contains("protocol h2"));
    assert!(advice(&ConnectError::Timeout).is_none());
}
