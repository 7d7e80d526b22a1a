//! TLS to endpoints, as it is configured.

use std::sync::Arc;

use backstay_proto::config::{self, client_tls::Version};
use rustls::SupportedCipherSuite;
use rustls_pki_types::ServerName;

use super::{Protocol, cipher_suite, cipher_suite_names, tls_versions};
use crate::fault::{Checked, Together, all, refuse, unknown};
use crate::name::{Kind, reference};
use crate::secret::Authorities;

/// TLS as it was asked for; its secrets may not be there yet.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsSpec {
    /// Name of the secret with the authorities to trust.
    pub ca_secret: Option<Arc<str>>,
    /// Name of the secret with the certificate to show.
    pub certificate: Option<Arc<str>>,
    /// Authorities to trust; not beside a secret of them. Without both, the system's are.
    pub authorities: Option<Authorities>,
    /// Whether any certificate is accepted.
    pub skip_verification: bool,
    /// Server name to send instead of the endpoint's own.
    pub server_name: Option<ServerName<'static>>,
    /// Name that the certificate must carry instead of the one that is sent.
    pub verified_name: Option<ServerName<'static>>,
    /// Whether TLS 1.2 may be used.
    pub tls12: bool,
    /// Whether TLS 1.3 may be used.
    pub tls13: bool,
    /// The only suites to offer; empty offers all that are safe.
    pub suites: Vec<SupportedCipherSuite>,
    /// Protocols to offer; empty offers what is spoken.
    pub alpn: Vec<Vec<u8>>,
}

impl Default for TlsSpec {
    /// The system's authorities, the endpoint's own name, both versions.
    fn default() -> Self {
        Self {
            ca_secret: None,
            certificate: None,
            authorities: None,
            skip_verification: false,
            server_name: None,
            verified_name: None,
            tls12: true,
            tls13: true,
            suites: Vec::new(),
            alpn: Vec::new(),
        }
    }
}

impl TlsSpec {
    /// Secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ca_secret.iter().chain(&self.certificate)
    }
}

/// Checks what is asked for.
pub(super) fn spec(message: Option<&config::ClientTls>, protocol: Protocol) -> Checked<TlsSpec> {
    let Some(tls) = message else { return Ok(TlsSpec::default()) };
    let secret = |field, name: &str| (!name.is_empty()).then(|| reference(Kind::Secret, field, name)).transpose();
    let trust = (authorities(tls), secret("ca_secret", &tls.ca_secret)).together();
    let names = (server_name("sni", &tls.sni), server_name("verified_name", &tls.verified_name)).together();
    let certificate = secret("client_certificate", &tls.client_certificate);
    let parts = (trust, certificate, names, offer(tls), alpn(&tls.alpn, protocol));
    let ((authorities, ca_secret), certificate, (server_name, verified_name), (tls12, tls13, suites), alpn) =
        parts.together()?;
    let skip_verification = tls.skip_verification;
    Ok(TlsSpec {
        ca_secret,
        certificate,
        authorities,
        skip_verification,
        server_name,
        verified_name,
        tls12,
        tls13,
        suites,
        alpn,
    })
}

fn authorities(tls: &config::ClientTls) -> Checked<Option<Authorities>> {
    match (tls.ca_bundle.is_empty(), tls.ca_secret.is_empty()) {
        (true, _) => Ok(None),
        (false, false) => refuse("ca_bundle", "must not be set beside ca_secret"),
        (false, true) => Authorities::read("ca_bundle", &tls.ca_bundle).map(Some),
    }
}

/// Whether TLS 1.2 and 1.3 are offered, and with which suites.
fn offer(tls: &config::ClientTls) -> Checked<(bool, bool, Vec<SupportedCipherSuite>)> {
    let suites = tls.cipher_suites.iter().enumerate().map(|(index, name)| match cipher_suite(name) {
        Some(suite) => Ok(suite),
        None => {
            let known = cipher_suite_names().collect::<Vec<_>>().join(", ");
            refuse(format!("cipher_suites[{index}]"), format!("{name:?} is not supported; there are {known}"))
        }
    });
    let (least, most, suites): (_, _, Vec<_>) =
        (version("min_version", tls.min_version), version("max_version", tls.max_version), all(suites)).together()?;
    let (tls12, tls13) = (least != Version::Tls13, most != Version::Tls12);
    if tls_versions(tls12, tls13, &suites).is_empty() {
        return refuse("", "no version of TLS is left to offer: see min_version, max_version, cipher_suites");
    }
    Ok((tls12, tls13, suites))
}

fn version(field: &str, value: i32) -> Checked<Version> {
    Version::try_from(value).or_else(|_| unknown(field))
}

/// Whatever an endpoint selects, it is spoken to in the backend's protocol.
fn alpn(names: &[String], protocol: Protocol) -> Checked<Vec<Vec<u8>>> {
    let has_http2 = names.iter().any(|name| name == "h2");
    if !names.is_empty() && has_http2 != (protocol == Protocol::Http2) {
        let message = if has_http2 {
            "\"h2\" cannot be offered by a backend that speaks HTTP/1.1"
        } else {
            "must have \"h2\", which the backend speaks"
        };
        return refuse("alpn", message);
    }
    all(names.iter().enumerate().map(|(index, name)| match name.len() {
        1..=255 => Ok(name.as_bytes().to_vec()),
        _ => refuse(format!("alpn[{index}]"), "must have 1 to 255 bytes"),
    }))
}

fn server_name(field: &str, text: &str) -> Checked<Option<ServerName<'static>>> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = ServerName::try_from(text.to_owned());
    name.map(Some).or_else(|_| refuse(field, format!("{text:?} is neither a host name nor an IP address")))
}
