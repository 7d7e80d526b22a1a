//! Defaults, rules and columns of a BackendPolicy.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde_json::Value;

use super::{BackendPolicy, BackendTls, PolicyTargetRef};
use crate::body;
use crate::check::typed;
use crate::field::{FieldError, FieldPath, Findings};
use crate::kind::Column;
use crate::name;
use crate::object::Object;
use crate::table;

const GROUP: &str = "core.apoxy.dev";
const KIND: &str = "Backend";
const MAX_TARGETS: usize = 16;

/// Columns between NAME and AGE.
pub(super) static COLUMNS: &[Column] = &[
    table::text("Targets", "The Backends it applies to."),
    table::text("Accepted", "Whether it applies to all of them."),
];

/// One row.
pub(super) fn cells(object: &Object) -> Vec<Value> {
    let targets = table::list_at(object, "/spec/targetRefs").iter().filter_map(|target| target["name"].as_str());
    vec![table::few(targets).into(), table::condition(object, "Accepted")]
}

/// Writes out of which kind the targets are, and the namespace of the Secret.
pub(super) fn fill(object: &mut Object) {
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    for target in body::list(spec, "targetRefs") {
        for (name, value) in [("group", GROUP), ("kind", KIND)] {
            body::drop_empty(target, name);
            body::default(target, name, value);
        }
    }
    if let Some(secret) = body::object(spec, "tls").and_then(|tls| body::object(tls, "caCertificateRef")) {
        body::drop_empty(secret, "namespace");
        body::default(secret, "namespace", "default");
    }
}

/// Finds everything wrong with a BackendPolicy.
pub(super) fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let policy: BackendPolicy = match typed(new) {
        Ok(policy) => policy,
        Err(errors) => return errors,
    };
    let path = FieldPath::new("spec");
    let mut findings = Findings::default();
    targets(&policy.spec.target_refs, &path.child("targetRefs"), &mut findings);
    if let Some(given) = &policy.spec.tls {
        tls(given, &path.child("tls"), &mut findings);
    }
    if let Some(timeouts) = &policy.spec.timeouts {
        let path = path.child("timeouts");
        for (name, value) in [("connect", timeouts.connect), ("idle", timeouts.idle)] {
            if let Some(value) = value.filter(|value| value.0.is_zero()) {
                findings.invalid(&path.child(name), &value.to_string(), "must be greater than 0");
            }
        }
    }
    findings.finish()
}

fn targets(targets: &[PolicyTargetRef], path: &FieldPath, findings: &mut Findings) {
    if targets.is_empty() {
        findings.required(path, "at least one Backend");
    }
    if !findings.most(path, targets.len(), MAX_TARGETS) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, target) in targets.iter().enumerate() {
        let path = path.index(index);
        findings.one_of(&path.child("group"), &target.group, &[GROUP]);
        findings.one_of(&path.child("kind"), &target.kind, &[KIND]);
        let path = path.child("name");
        if target.name.is_empty() {
            findings.required(&path, "");
            continue;
        }
        findings.each(&path, &target.name, name::subdomain(&target.name));
        if !seen.insert(&target.name) {
            findings.add(FieldError::duplicate(path, &target.name));
        }
    }
}

fn tls(tls: &BackendTls, path: &FieldPath, findings: &mut Findings) {
    for (name, value) in [("sni", &tls.sni), ("verifiedName", &tls.verified_name)] {
        if let Some(value) = value {
            findings.each(&path.child(name), value, name::precise_hostname(value));
        }
    }
    if let Some(secret) = &tls.ca_certificate_ref {
        let path = path.child("caCertificateRef");
        if findings.text(&path.child("name"), &secret.name, name::MAX_SUBDOMAIN) {
            findings.each(&path.child("name"), &secret.name, name::subdomain(&secret.name));
        }
        findings.each(&path.child("namespace"), &secret.namespace, name::label(&secret.namespace));
    }
}
