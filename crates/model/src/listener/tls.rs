//! TLS to clients, as it is configured.

use backstay_proto::config::{self, server_tls::Version};

use crate::fault::{Checked, Together, refuse, unknown};
use crate::secret::Authorities;

/// On what terms TLS is spoken with clients of a socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsTerms {
    /// Whether TLS 1.2 may be used.
    pub tls12: bool,
    /// Whether TLS 1.3 may be used.
    pub tls13: bool,
    /// Authorities, one of which must have signed the certificate that a client shows. Without any, none is asked for.
    pub client_authorities: Option<Authorities>,
}

impl Default for TlsTerms {
    /// Both versions, and no certificates.
    fn default() -> Self {
        Self { tls12: true, tls13: true, client_authorities: None }
    }
}

/// Checks what is asked for.
pub(super) fn terms(tls: Option<&config::ServerTls>) -> Checked<TlsTerms> {
    let Some(tls) = tls else { return Ok(TlsTerms::default()) };
    let version = |field, value| Version::try_from(value).or_else(|_| unknown(field));
    let authorities = match tls.client_ca_bundle.is_empty() {
        true => Ok(None),
        false => Authorities::read("tls.client_ca_bundle", &tls.client_ca_bundle).map(Some),
    };
    let least = version("tls.min_version", tls.min_version);
    let (least, most, client_authorities) =
        (least, version("tls.max_version", tls.max_version), authorities).together()?;
    let (tls12, tls13) = (least != Version::Tls13, most != Version::Tls12);
    if !tls12 && !tls13 {
        return refuse("tls.max_version", "is below min_version");
    }
    Ok(TlsTerms { tls12, tls13, client_authorities })
}
