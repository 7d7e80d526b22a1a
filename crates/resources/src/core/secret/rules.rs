use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::core::data::{MAX_DATA, key_problems};
use crate::field::{FieldError, FieldPath, Findings};
use crate::object::Object;
use crate::table;

/// The type of a certificate with its key.
pub(super) const TLS: &str = "kubernetes.io/tls";

/// The annotation that says whose token a Secret holds.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

/// Finds everything wrong with a Secret, by its type as Kubernetes' `ValidateSecret` has it. What it says names keys and never values: the only errors made here of values
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
    let kind = table::text_at(new, "/type");
    let mut require = |keys: &[&str]| {
        for key in keys.iter().filter(|key| !data.contains_key(**key)) {
            findings.required(&path.key(key), &format!("a Secret of type {kind} has it"));
        }
    };
    match kind {
        TLS => require(&["tls.crt", "tls.key"]),
        "kubernetes.io/dockercfg" => require(&[".dockercfg"]),
        "kubernetes.io/dockerconfigjson" => require(&[".dockerconfigjson"]),
        "kubernetes.io/ssh-auth" => require(&["ssh-privatekey"]),
        // One of them is enough.
        "kubernetes.io/basic-auth" if !data.contains_key("username") && !data.contains_key("password") => {
            require(&["username", "password"]);
        }
        "kubernetes.io/service-account-token" if !new.metadata.annotations.contains_key(ACCOUNT) => {
            let path = FieldPath::new("metadata").child("annotations").key(ACCOUNT);
            findings.required(&path, "a Secret of type kubernetes.io/service-account-token has it");
        }
        _ => {}
    }
    for key in [".dockercfg", ".dockerconfigjson"].iter().filter(|key| kind.ends_with(key.trim_start_matches('.'))) {
        let text = data.get(*key).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        if text.is_some_and(|text| serde_json::from_slice::<Value>(&text).is_err()) {
            findings.add(FieldError::invalid_hidden(path.key(key), "must be JSON"));
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
