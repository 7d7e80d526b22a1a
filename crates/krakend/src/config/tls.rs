//! TLS towards clients and towards backends.

use crate::document::{Node, Value};
use crate::object::Object;
use crate::place::{At, Path, Place};
use crate::problem::Report;
use crate::weak;

/// The versions that KrakenD knows by these names.
const VERSIONS: &[&str] = &["SSL3.0", "TLS10", "TLS11", "TLS12", "TLS13"];

/// The field `tls` of the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTls {
    pub(crate) place: Option<Place>,
    pub(crate) is_disabled: bool,
    /// Files of certificate and key.
    pub(crate) keys: Vec<(At<String>, At<String>)>,
    pub(crate) ca_certs: Vec<String>,
    pub(crate) min_version: Option<String>,
    pub(crate) max_version: Option<String>,
    pub(crate) curve_preferences: Vec<i64>,
    pub(crate) cipher_suites: Vec<i64>,
    pub(crate) enable_mtls: bool,
    pub(crate) disable_system_ca_pool: bool,
}

/// The field `client_tls` of the service.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientTls {
    pub(crate) place: Option<Place>,
    pub(crate) allow_insecure_connections: bool,
    pub(crate) ca_certs: Vec<String>,
    pub(crate) disable_system_ca_pool: bool,
    pub(crate) min_version: Option<String>,
    pub(crate) max_version: Option<String>,
    pub(crate) curve_preferences: Vec<i64>,
    pub(crate) cipher_suites: Vec<i64>,
    /// Files of certificate and key.
    pub(crate) client_certs: Vec<(At<String>, At<String>)>,
}

impl ServerTls {
    pub(crate) fn read(node: &Node, place: Place, path: &Path<'_>, report: &Report) -> Self {
        let path = &path.key("tls");
        let mut object = Object::of(node, path, report);
        let mut keys = pairs(&mut object, "keys", ["public_key", "private_key"]);
        if let (Some(public), Some(private)) = (object.text("public_key"), object.text("private_key")) {
            keys.insert(0, (public, private));
        }
        // Go has decided by itself since 1.17.
        object.truth("prefer_server_cipher_suites");
        let tls = Self {
            place: Some(place),
            is_disabled: object.truth("disabled"),
            keys,
            ca_certs: plain(&mut object, "ca_certs"),
            min_version: version(&mut object, "min_version"),
            max_version: version(&mut object, "max_version"),
            curve_preferences: numbers(&mut object, "curve_preferences"),
            cipher_suites: numbers(&mut object, "cipher_suites"),
            enable_mtls: object.truth("enable_mtls"),
            disable_system_ca_pool: object.truth("disable_system_ca_pool"),
        };
        object.finish(|_| None);
        if !tls.is_disabled && tls.keys.is_empty() {
            let message = "public key not defined: KrakenD ends at once with exit code 0 where tls has no public_key and private_key";
            report.refused(place, path, message);
        }
        tls
    }
}

impl ClientTls {
    pub(crate) fn read(node: &Node, path: &Path<'_>, report: &Report) -> Self {
        let path = &path.key("client_tls");
        let mut object = Object::of(node, path, report);
        let tls = Self {
            place: Some(node.place),
            allow_insecure_connections: object.truth("allow_insecure_connections"),
            ca_certs: plain(&mut object, "ca_certs"),
            disable_system_ca_pool: object.truth("disable_system_ca_pool"),
            min_version: version(&mut object, "min_version"),
            max_version: version(&mut object, "max_version"),
            curve_preferences: numbers(&mut object, "curve_preferences"),
            cipher_suites: numbers(&mut object, "cipher_suites"),
            client_certs: pairs(&mut object, "client_certs", ["certificate", "private_key"]),
        };
        object.finish(|_| None);
        tls
    }
}

fn plain(object: &mut Object<'_, '_>, name: &'static str) -> Vec<String> {
    let texts = object.texts(name).map(|texts| texts.value).unwrap_or_default();
    texts.into_iter().map(|text| text.value).collect()
}

fn version(object: &mut Object<'_, '_>, name: &'static str) -> Option<String> {
    let version = object.text(name)?;
    if !VERSIONS.contains(&version.value.as_str()) {
        let message =
            format!("KrakenD takes a version that it does not know for TLS13; there are {}", VERSIONS.join(", "));
        object.report.dropped(version.place, &object.path.key(name), message);
        return Some("TLS13".to_owned());
    }
    Some(version.value)
}

fn numbers(object: &mut Object<'_, '_>, name: &'static str) -> Vec<i64> {
    object
        .read(name, |node| weak::list(node).iter().map(weak::integer).collect())
        .map(|numbers| numbers.value)
        .unwrap_or_default()
}

/// The pairs of files in the list `name`. A half is told.
fn pairs(object: &mut Object<'_, '_>, name: &'static str, halves: [&'static str; 2]) -> Vec<(At<String>, At<String>)> {
    let Some(field) = object.field(name) else { return Vec::new() };
    let path = object.path.key(name);
    let mut pairs = Vec::new();
    for (index, member) in weak::list(field.node).iter().enumerate() {
        let path = path.index(index);
        let mut pair = Object::of(member, &path, object.report);
        let [public, private] = halves;
        match (pair.text(public), pair.text(private)) {
            (Some(public), Some(private)) => pairs.push((public, private)),
            _ if matches!(member.value, Value::Map(_)) => {
                object.report.refused(member.place, &path, format!("{public} and {private} are both needed"));
            }
            _ => {}
        }
        pair.finish(|_| None);
    }
    pairs
}
