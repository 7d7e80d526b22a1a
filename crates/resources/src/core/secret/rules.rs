use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::field::{FieldError, FieldPath, Findings};
use crate::name;
use crate::object::Object;
use crate::table;

/// How large the values of a Secret may be, decoded and together, in bytes.
const MAX_DATA: usize = 1024 * 1024;

/// The type of a certificate with its key.
pub(super) const TLS: &str = "kubernetes.io/tls";

/// Finds everything wrong with a Secret. What it says names keys and never values: the only errors made here of values
/// are [`FieldError::invalid_hidden`], which cannot hold one.
///
/// Whether `tls.crt` and `tls.key` hold a certificate and its key is for who uses them to say, in its status, as Gateway API
/// has it; here that is worth a [warning](super::material::warn).
pub(super) fn find(new: &Object, old: Option<&Object>) -> Vec<FieldError> {
    let mut findings = Findings::default();
    let none = Map::new();
    let data = data_of(new).unwrap_or(&none);
    values(data, &mut findings);
    let path = FieldPath::new("data");
    if table::text_at(new, "/type") == TLS {
        for key in ["tls.crt", "tls.key"] {
            if !data.contains_key(key) {
                findings.required(&path.key(key), "a Secret of type kubernetes.io/tls has it");
            }
        }
    }
    if let Some(old) = old {
        changes(new, old, &mut findings);
    }
    findings.finish()
}

fn values(data: &Map<String, Value>, findings: &mut Findings) {
    let path = FieldPath::new("data");
    let mut size = 0;
    for (key, value) in data {
        let path = path.key(key);
        findings.each(&path, key, key_problems(key));
        match value.as_str().map(|encoded| STANDARD.decode(encoded)) {
            Some(Ok(value)) => size += value.len(),
            _ => findings.add(FieldError::invalid_hidden(path, "must be base64, in the standard alphabet and padded")),
        }
    }
    if size > MAX_DATA {
        findings.add(FieldError::too_long(path, MAX_DATA));
    }
}

fn key_problems(key: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if key.len() > name::MAX_SUBDOMAIN {
        wrong.push(format!("must be no more than {} bytes", name::MAX_SUBDOMAIN));
    }
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        wrong.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    if key == "." || key.starts_with("..") {
        wrong.push("must not be '.' and must not start with '..', since keys become names of files".to_owned());
    }
    wrong
}

fn changes(new: &Object, old: &Object, findings: &mut Findings) {
    let immutable = |object: &Object| object.body.get("immutable") == Some(&Value::Bool(true));
    let kind = |object| match table::text_at(object, "/type") {
        "" => "Opaque".to_owned(),
        kind => kind.to_owned(),
    };
    if kind(new) != kind(old) {
        findings.invalid(&FieldPath::new("type"), &kind(new), "field is immutable");
    }
    if !immutable(old) {
        return;
    }
    if !immutable(new) {
        findings.forbidden(&FieldPath::new("immutable"), "field is immutable when `immutable` is set");
    }
    if data_of(new) != data_of(old) {
        findings.forbidden(&FieldPath::new("data"), "field is immutable when `immutable` is set");
    }
}

fn data_of(object: &Object) -> Option<&Map<String, Value>> {
    table::part(object, "/data").and_then(Value::as_object)
}
