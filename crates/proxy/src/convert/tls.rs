//! TLS to endpoints.

use std::sync::Arc;

use backstay_proto::config::{ClientTls as Message, client_tls::Version};
use bytes::Bytes;
use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls_pki_types::ServerName;

use super::fault::{Checked, Fault};
use super::listener::secret_name;
use super::secret::authorities;
use crate::config::{
    ClientOptions, ClientTls, Protocol, TlsError, Trust, cipher_suite, cipher_suite_names, system_roots,
};

/// TLS as it was asked for; its secrets may not be there yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct TlsPlan {
    pub(crate) ca_secret: Option<Arc<str>>,
    pub(crate) certificate: Option<Arc<str>>,
    ca_bundle: Bytes,
    skip_verification: bool,
    server_name: Option<ServerName<'static>>,
    verified_name: Option<ServerName<'static>>,
    tls12: bool,
    tls13: bool,
    suites: Vec<String>,
    alpn: Vec<Vec<u8>>,
}

impl TlsPlan {
    /// Secrets that it needs.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ca_secret.iter().chain(&self.certificate)
    }
}

/// Checks what is asked for.
pub(super) fn plan(message: Option<&Message>, protocol: Protocol) -> Checked<TlsPlan> {
    let Some(tls) = message else {
        return Ok(TlsPlan { tls12: true, tls13: true, ..TlsPlan::default() });
    };
    let secret = |field, name: &str| (!name.is_empty()).then(|| secret_name(field, name)).transpose();
    if !tls.ca_bundle.is_empty() {
        if !tls.ca_secret.is_empty() {
            return Err(Fault::new("ca_bundle", "must not be set beside ca_secret"));
        }
        authorities("ca_bundle", &tls.ca_bundle)?;
    }
    let (least, most) = (version("min_version", tls.min_version)?, version("max_version", tls.max_version)?);
    let plan = TlsPlan {
        ca_secret: secret("ca_secret", &tls.ca_secret)?,
        certificate: secret("client_certificate", &tls.client_certificate)?,
        ca_bundle: tls.ca_bundle.clone(),
        skip_verification: tls.skip_verification,
        server_name: server_name("sni", &tls.sni)?,
        verified_name: server_name("verified_name", &tls.verified_name)?,
        tls12: least != Version::Tls13,
        tls13: most != Version::Tls12,
        suites: tls.cipher_suites.clone(),
        alpn: alpn(&tls.alpn, protocol)?,
    };
    for (index, name) in plan.suites.iter().enumerate() {
        if cipher_suite(name).is_none() {
            let known = cipher_suite_names().collect::<Vec<_>>().join(", ");
            let message = format!("{name:?} is not supported; there are {known}");
            return Err(Fault::new(format!("cipher_suites[{index}]"), message));
        }
    }
    if !plan.options(Trust::Anyone).offers_a_version() {
        return Err(Fault::new("", "no version of TLS is left to offer: see min_version, max_version, cipher_suites"));
    }
    Ok(plan)
}

impl TlsPlan {
    fn options(&self, trust: Trust) -> ClientOptions {
        ClientOptions {
            verified_name: self.verified_name.clone(),
            tls12: self.tls12,
            tls13: self.tls13,
            suites: self.suites.iter().filter_map(|name| cipher_suite(name)).collect(),
            alpn: self.alpn.clone(),
            ..ClientOptions::trusting(trust)
        }
    }
}

/// The TLS of a backend, with what its secrets hold.
pub(crate) fn client_tls(
    plan: &TlsPlan,
    protocol: Protocol,
    roots: Option<Arc<RootCertStore>>,
    certificate: Option<Arc<CertifiedKey>>,
) -> Result<ClientTls, TlsError> {
    let trust = if plan.skip_verification {
        Trust::Anyone
    } else if let Some(roots) = roots {
        Trust::Roots(roots)
    } else if plan.ca_bundle.is_empty() {
        Trust::Roots(system_roots()?)
    } else {
        // It was read before, so it can be read again.
        Trust::Roots(authorities("ca_bundle", &plan.ca_bundle).unwrap_or_else(|_| Arc::new(RootCertStore::empty())))
    };
    let options = ClientOptions { certificate, ..plan.options(trust) };
    Ok(ClientTls { config: options.build(protocol)?, server_name: plan.server_name.clone() })
}

fn version(field: &str, value: i32) -> Checked<Version> {
    Version::try_from(value).map_err(|_| Fault::unknown(field))
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
        return Err(Fault::new("alpn", message));
    }
    match names.iter().position(|name| name.is_empty() || name.len() > 255) {
        Some(index) => Err(Fault::new(format!("alpn[{index}]"), "must have 1 to 255 bytes")),
        None => Ok(names.iter().map(|name| name.as_bytes().to_vec()).collect()),
    }
}

fn server_name(field: &str, text: &str) -> Checked<Option<ServerName<'static>>> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = ServerName::try_from(text.to_owned());
    name.map(Some).map_err(|_| Fault::new(field, format!("{text:?} is neither a host name nor an IP address")))
}
