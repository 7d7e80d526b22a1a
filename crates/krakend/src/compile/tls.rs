//! TLS towards clients and towards hosts.

use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_proto::config::client_tls::Version;
use backstay_proto::config::resource::Kind as Resource;
use backstay_proto::config::secret::{Certificate, Kind as Secret};
use backstay_proto::config::server_tls::Version as Spoken;
use bytes::Bytes;

use super::{File, Files, Scope, name};
use crate::place::{Path, Place};
use crate::plan::ServerTls;
use crate::quote::quoted;

/// The suites that there are, by their numbers in the registry of TLS.
const SUITES: &[(i64, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// TLS of a listener. What it asks for and listeners do not do is told.
pub(super) fn server(tls: &ServerTls, scope: &Scope<'_>) -> config::ServerTls {
    let path = Path::ROOT.key("tls");
    let report = scope.report;
    if let Some(old @ ("SSL3.0" | "TLS10" | "TLS11")) = tls.max_version.as_deref() {
        report.not_served(tls.place, &path.key("max_version"), format!("{old} is not spoken: TLS12 and TLS13 are"));
    }
    // Without a word, KrakenD speaks TLS 1.3 alone.
    let least = spoken(tls.min_version.as_deref().or(Some("TLS13")));
    let most = spoken(tls.max_version.as_deref());
    if (least, most) == (Spoken::Tls13, Spoken::Tls12) {
        report.not_served(
            tls.place,
            &path.key("max_version"),
            "it is below min_version, and leaves no version to speak",
        );
    }
    for (field, numbers) in [("cipher_suites", &tls.cipher_suites), ("curve_preferences", &tls.curve_preferences)] {
        if !numbers.is_empty() {
            report.differs(tls.place, &path.key(field), "it is not applied: listeners offer all that are safe");
        }
    }
    let pairs = tls.keys.iter().filter_map(|(chain, key)| identity(scope, (chain, key), tls.place, &path));
    config::ServerTls {
        secrets: pairs.map(|name| name.to_string()).collect(),
        min_version: least.into(),
        max_version: most.into(),
        client_ca_bundle: if tls.mutual { clients(tls, scope, &path) } else { Bytes::new() },
    }
}

/// The version of TLS that a listener is told, where it is one that is spoken.
fn spoken(version: Option<&str>) -> Spoken {
    match version {
        Some("TLS12") => Spoken::Tls12,
        Some("TLS13") => Spoken::Tls13,
        _ => Spoken::Default,
    }
}

/// The authorities of clients, who must show a certificate. Those of the system are never among them: whoever can have a certificate
/// for a web site would come in.
fn clients(tls: &ServerTls, scope: &Scope<'_>, path: &Path<'_>) -> Bytes {
    let (report, authorities) = (scope.report, path.key("ca_certs"));
    if tls.ca_certs.is_empty() {
        let message =
            "clients must show a certificate, and without ca_certs there is no authority to say whose: name one";
        report.not_served(tls.place, &authorities, message);
    } else if tls.system_authorities {
        let message =
            "these authorities alone are trusted with clients' certificates: those of the system are not beside them";
        report.differs(tls.place, &authorities, message);
    }
    bundle(&tls.ca_certs, scope, tls.place, &authorities)
}

/// Certificates in PEM, of several files.
fn bundle(files: &[String], scope: &Scope<'_>, place: Place, path: &Path<'_>) -> Bytes {
    let mut bundle = Vec::new();
    for file in files {
        bundle.extend(scope.file(file, place, path).into_iter().flatten());
        bundle.push(b'\n');
    }
    bundle.into()
}

/// TLS towards hosts.
pub(super) fn client(scope: &Scope<'_>) -> config::ClientTls {
    let transport = &scope.plan.transport;
    let mut made = config::ClientTls { skip_verification: transport.insecure, ..Default::default() };
    let Some(tls) = &transport.tls else { return made };
    let path = Path::ROOT.key("client_tls");
    let report = scope.report;
    let authorities = path.key("ca_certs");
    let bundle = bundle(&tls.ca_certs, scope, tls.place, &authorities);
    if !tls.ca_certs.is_empty() && tls.system_authorities {
        let message = "these authorities alone are trusted: those of the system are not beside them";
        report.differs(tls.place, &authorities, message);
    }
    if tls.ca_certs.is_empty() && !tls.system_authorities {
        let message = "without ca_certs there is no authority left, and no certificate is trusted";
        report.not_served(tls.place, &path.key("disable_system_ca_pool"), message);
    }
    if !tls.curve_preferences.is_empty() {
        report.differs(
            tls.place,
            &path.key("curve_preferences"),
            "it is not applied: all curves that are safe are offered",
        );
    }
    let version = |version: Option<&str>| match version {
        Some("TLS12") => Version::Tls12,
        Some("TLS13") => Version::Tls13,
        _ => Version::Default,
    };
    if let Some(old @ ("SSL3.0" | "TLS10" | "TLS11")) = tls.max_version.as_deref() {
        report.not_served(tls.place, &path.key("max_version"), format!("{old} is not spoken: TLS12 and TLS13 are"));
    }
    for number in &tls.cipher_suites {
        match SUITES.iter().find(|(known, _)| known == number) {
            Some((_, name)) => made.cipher_suites.push((*name).to_owned()),
            None => report.differs(
                tls.place,
                &path.key("cipher_suites"),
                format!("{number} is no suite that is offered: it is none, or not thought safe"),
            ),
        }
    }
    let mut pairs = tls.certificates.iter();
    if let Some((chain, key)) = pairs.next() {
        let name = identity(scope, (chain, key), tls.place, &path.key("client_certs"));
        made.client_certificate = name.map(|name| name.to_string()).unwrap_or_default();
    }
    if pairs.next().is_some() {
        let message = "there is one certificate for all hosts: the first is shown, and no other";
        report.not_served(tls.place, &path.key("client_certs"), message);
    }
    made.ca_bundle = bundle;
    made.min_version = version(tls.min_version.as_deref()).into();
    made.max_version = version(tls.max_version.as_deref()).into();
    made
}

/// The secret with a certificate and its key, from two files. Both of one stored Secret are that Secret.
fn identity(scope: &Scope<'_>, (chain, key): (&str, &str), place: Place, path: &Path<'_>) -> Option<Arc<str>> {
    if let (Some(File::Secret { name, key: certificate, .. }), Some(File::Secret { name: other, key: private, .. })) =
        (scope.files.get(chain), scope.files.get(key))
        && name == other
        && (certificate.as_str(), private.as_str()) == ("tls.crt", "tls.key")
    {
        let namespace = &scope.config.namespace;
        let resource: Arc<str> = ResourceName::Certificate { namespace, secret: name }.into();
        scope.need_secret(resource.clone());
        return Some(resource);
    }
    let resource = name::certificate(scope.config, chain);
    if *scope.files == Files::Unknown {
        return Some(resource);
    }
    let (chain, private_key) = (scope.file(chain, place, path), scope.file(key, place, path));
    let certificate = Certificate { chain: chain?, private_key: private_key? };
    let secret = config::Secret { kind: Some(Secret::Certificate(certificate)) };
    let checked = backstay_model::Secret::try_from(&secret);
    if let Err(faults) = checked {
        // What is wrong with it says nothing of what is in it.
        scope.report.not_served(place, path, format!("the key {} and its certificate: {faults}", quoted(key)));
        return None;
    }
    scope.offer(&resource, Resource::Secret(secret));
    Some(resource)
}
