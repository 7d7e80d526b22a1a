//! Defaults, rules and columns of a BackendPolicy.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde_json::Value;

use super::{BackendPolicy, BackendPolicySpec, PolicyTargetRef, Retries, endpoints, health};
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
    table::text("Programmed", "Whether every proxy that serves one of them has acknowledged it."),
];

/// One row.
pub(super) fn cells(object: &Object) -> Vec<Value> {
    let targets = table::list_at(object, "/spec/targetRefs").iter().filter_map(|target| target["name"].as_str());
    vec![table::few(targets).into(), table::condition(object, "Accepted"), table::condition(object, "Programmed")]
}

/// Writes out of which kind the targets are, and the namespaces of Secrets. Everything else stays as it was written: what is
/// absent is not filled in, so that a default that gets better does.
pub(super) fn fill(object: &mut Object) {
    let Some(spec) = body::make(&mut object.body, "spec") else { return };
    for target in body::list(spec, "targetRefs") {
        for (name, value) in [("group", GROUP), ("kind", KIND)] {
            body::drop_empty(target, name);
            body::default(target, name, value);
        }
    }
    if let Some(tls) = body::object(spec, "tls") {
        for name in ["caCertificateRef", "clientCertificateRef"] {
            if let Some(secret) = body::object(tls, name) {
                body::drop_empty(secret, "namespace");
                body::default(secret, "namespace", "default");
            }
        }
    }
    for endpoint in body::list(spec, "endpoints") {
        body::drop_empty(endpoint, "fqdn");
        body::drop_empty(endpoint, "ip");
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
    sections(&policy.spec, &path, &mut findings);
    findings.finish()
}

fn sections(spec: &BackendPolicySpec, path: &FieldPath, findings: &mut Findings) {
    if let Some(section) = &spec.tls {
        section.check(&path.child("tls"), findings);
    }
    if let Some(section) = &spec.timeouts {
        section.check(&path.child("timeouts"), findings);
    }
    if let Some(section) = &spec.load_balancing {
        section.check(&path.child("loadBalancing"), findings);
    }
    let weighted = spec.load_balancing.as_ref().is_some_and(|section| section.locality_weighted);
    endpoints::check(&spec.endpoints, weighted, &path.child("endpoints"), findings);
    if let Some(section) = &spec.discovery {
        section.check(&path.child("discovery"), findings);
    }
    if let Some(section) = &spec.outlier_detection {
        section.check(&path.child("outlierDetection"), findings);
    }
    health::check(&spec.health_checks, &path.child("healthChecks"), findings);
    if let Some(section) = &spec.limits {
        section.check(&path.child("limits"), findings);
    }
    if let Some(section) = &spec.retries {
        section.check(&path.child("retries"), findings);
        attempts_fit(section, spec, &path.child("retries"), findings);
    }
    if let Some(section) = &spec.connections {
        section.check(&path.child("connections"), findings);
    }
    if let Some(section) = &spec.host {
        section.check(&path.child("host"), findings);
    }
    if let Some(section) = &spec.dynamic_proxy {
        section.check(&path.child("dynamicProxy"), findings);
    }
}

/// An attempt that may take longer than the whole is not limited.
fn attempts_fit(retries: &Retries, spec: &BackendPolicySpec, path: &FieldPath, findings: &mut Findings) {
    let Some(total) = spec.timeouts.as_ref().and_then(|timeouts| timeouts.total) else { return };
    for (name, span) in
        [("perTryTimeout", retries.per_try_timeout), ("perTryIdleTimeout", retries.per_try_idle_timeout)]
    {
        if let Some(span) = span.filter(|span| *span > total) {
            let detail = format!("must not be longer than timeouts.total, {total}");
            findings.invalid(&path.child(name), &span.to_string(), &detail);
        }
    }
}

fn targets(targets: &[PolicyTargetRef], path: &FieldPath, findings: &mut Findings) {
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
        findings.each(&path, &target.name, name::backend(&target.name));
        if !seen.insert(&target.name) {
            findings.add(FieldError::duplicate(path, &target.name));
        }
    }
}
