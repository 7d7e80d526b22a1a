//! TLS to a backend.

use std::collections::BTreeMap;
use std::net::IpAddr;

use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::client_tls::Version;
use backstay_resources::backstay::{CIPHER_SUITES, CipherSuite, TlsVersion, cipher_suite};
use backstay_resources::core::{MaterialFault, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::compile::verdict::{Named, Verdict};
use crate::object::Backend;

/// An address in place of the name that is sent, since TLS sends none of those.
const NO_NAME: &str = "0.0.0.0";
/// The label that stands for any other where the name to verify is a wildcard. No public authority issues a certificate for
/// a name with an underscore, so only one for the wildcard matches.
const ANY_LABEL: &str = "_any";

/// What OpenSSL calls the suites that are on unless they are turned off, all of which are safe here.
const GROUPS: [&str; 8] = ["HIGH", "ALL", "DEFAULT", "COMPLEMENTOFDEFAULT", "SECURE", "ECDHE", "EECDH", "kEECDH"];

/// The settings of a backend that speaks TLS, and its certificate. `secret` is what the certificate will be called.
pub(super) fn client_tls(
    backend: &Backend,
    secret: &str,
    verdict: &mut Verdict,
) -> (config::ClientTls, Option<config::Secret>) {
    let object = Named("Backend", &backend.name);
    let certificate = certificate(backend).unwrap_or_else(|message| {
        verdict.error(object, message);
        None
    });
    let (min_version, max_version) = (
        version("min_tls_version", backend.min_tls_version.as_deref(), object, verdict),
        version("max_tls_version", backend.max_tls_version.as_deref(), object, verdict),
    );
    if (min_version, max_version) == (Version::Tls13, Version::Tls12) {
        verdict.error(object, "min_tls_version is above max_tls_version");
    }
    let suites = suites(backend, max_version, object, verdict);
    if min_version == Version::Tls13 && !suites.is_empty() && !suites.iter().any(is_1_3) {
        verdict.error(object, "ssl_ciphers has no suite of TLS 1.3, which min_tls_version asks for");
    }
    let ca_bundle = authorities(backend).unwrap_or_else(|message| {
        verdict.error(object, message);
        Vec::new()
    });
    let tls = config::ClientTls {
        sni: server_name(backend),
        verified_name: verified_name(backend, object, verdict),
        ca_bundle: ca_bundle.into(),
        client_certificate: certificate.as_ref().map(|_| secret.to_owned()).unwrap_or_default(),
        skip_verification: !backend.ssl_check_cert,
        min_version: min_version.into(),
        max_version: max_version.into(),
        cipher_suites: suites.iter().map(|suite| suite.iana.to_owned()).collect(),
        ..Default::default()
    };
    (tls, certificate)
}

fn some(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The name that is sent: none unless it is set, and none for an address.
fn server_name(backend: &Backend) -> String {
    let name = some(&backend.ssl_sni_hostname).or_else(|| some(&backend.ssl_hostname));
    match name {
        Some(name) if name.parse::<IpAddr>().is_err() && hostname::is_name(&hostname::canonical(name)) => {
            hostname::canonical(name)
        }
        _ => NO_NAME.to_owned(),
    }
}

/// The name that the certificate must be for.
fn verified_name(backend: &Backend, object: Named<'_>, verdict: &mut Verdict) -> String {
    let name = some(&backend.ssl_cert_hostname).or_else(|| some(&backend.ssl_hostname)).unwrap_or(&backend.address);
    if name.parse::<IpAddr>().is_ok() {
        return name.to_owned();
    }
    let canonical = hostname::canonical(name);
    let name = match canonical.strip_prefix("*.") {
        Some(parent) => format!("{ANY_LABEL}.{parent}"),
        None => canonical,
    };
    if !hostname::is_name(&name) {
        verdict.error(object, format!("ssl_cert_hostname {name:?} is neither a host name nor an IP address"));
    }
    name
}

fn version(field: &str, given: Option<&str>, object: Named<'_>, verdict: &mut Verdict) -> Version {
    match given.unwrap_or_default() {
        "" => Version::Default,
        "1.2" => Version::Tls12,
        "1.3" => Version::Tls13,
        other => {
            let message = format!("{field} {other} is not supported: proxies speak TLS 1.2 and 1.3 to backends");
            verdict.error(object, message);
            Version::Default
        }
    }
}

fn is_1_3(suite: &&CipherSuite) -> bool {
    suite.version == TlsVersion::V1_3
}

/// The suites that are offered; none for all. A list that names none of TLS 1.3 says nothing of that version, as with OpenSSL.
fn suites(backend: &Backend, most: Version, object: Named<'_>, verdict: &mut Verdict) -> Vec<&'static CipherSuite> {
    let Some(list) = some(&backend.ssl_ciphers) else { return Vec::new() };
    let names = list.split([':', ',', ' ']).filter(|name| !name.is_empty());
    let mut suites: Vec<&'static CipherSuite> = Vec::new();
    let mut unknown = Vec::new();
    let mut group = false;
    for name in names {
        // What is taken out is none of the suites there are, which all encrypt and authenticate.
        if name.starts_with(['!', '-', '+', '@']) {
            continue;
        }
        match cipher_suite(name) {
            _ if GROUPS.contains(&name) => group = true,
            Some(suite) if suites.contains(&suite) => {}
            Some(suite) => suites.push(suite),
            None => unknown.push(name),
        }
    }
    if group {
        return Vec::new();
    }
    let known = || CIPHER_SUITES.iter().map(|suite| suite.openssl).collect::<Vec<_>>().join(", ");
    if suites.is_empty() {
        verdict
            .error(object, format!("ssl_ciphers {list:?} has no suite that proxies can speak; there are {}", known()));
    } else if !unknown.is_empty() {
        verdict.warning(object, format!("of ssl_ciphers, {} cannot be spoken and is left out", unknown.join(", ")));
    }
    if !suites.is_empty() && !suites.iter().any(is_1_3) && most != Version::Tls12 {
        suites.splice(..0, CIPHER_SUITES.iter().filter(is_1_3));
    }
    suites
}

/// The certificate that is shown, with its key: both, or none.
fn certificate(backend: &Backend) -> Result<Option<config::Secret>, String> {
    let (chain, key) = match (some(&backend.ssl_client_cert), some(&backend.ssl_client_key)) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err("ssl_client_cert is set without ssl_client_key".to_owned()),
        (None, Some(_)) => return Err("ssl_client_key is set without ssl_client_cert".to_owned()),
        (Some(chain), Some(key)) => (chain, key),
    };
    let secret = material([("tls.crt", chain), ("tls.key", key)]);
    let pair = secret.key_pair().map_err(|fault| said("ssl_client_cert and ssl_client_key", &fault))?;
    let certificate = config::secret::Certificate { chain: pair.chain.into(), private_key: pair.private_key.into() };
    Ok(Some(config::Secret { kind: Some(config::secret::Kind::Certificate(certificate)) }))
}

/// The authorities that take the place of the system's.
fn authorities(backend: &Backend) -> Result<Vec<u8>, String> {
    match some(&backend.ssl_ca_cert) {
        None => Ok(Vec::new()),
        Some(bundle) => material([("ca.crt", bundle)]).authorities().map_err(|fault| said("ssl_ca_cert", &fault)),
    }
}

/// As a Secret holds it: that is where it is known what certificates must be like.
fn material<const COUNT: usize>(values: [(&str, &str); COUNT]) -> Secret {
    let data: BTreeMap<_, _> = values.map(|(key, value)| (key.to_owned(), STANDARD.encode(value))).into();
    Secret { data, ..Secret::default() }
}

/// The fault, in the words of a backend.
fn said(fields: &str, fault: &MaterialFault) -> String {
    let fault = fault.to_string().replace("tls.crt", "ssl_client_cert").replace("tls.key", "ssl_client_key");
    format!("{fields} cannot be used: it {}", fault.replace("ca.crt", "ssl_ca_cert"))
}
