#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::super::reference::MAX_NAME;
use super::{ExternalAuth, ExternalAuthProtocol};
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

const MAX_HEADERS: usize = 64;
const MAX_PATH: usize = 1024;

/// Checks what another service is asked, and how.
pub(in crate::gateway) fn check(given: &ExternalAuth, path: &FieldPath, findings: &mut Findings) {
    let backend = path.child("backendRef");
    findings.text(&backend.child("name"), &given.backend_ref.name, MAX_NAME);
    if let Some(namespace) = &given.backend_ref.namespace {
        findings.each(&backend.child("namespace"), namespace, name::label(namespace));
    }
    if let Some(port) = given.backend_ref.port {
        findings.port(&backend.child("port"), port);
    }
    let settings = [
        (ExternalAuthProtocol::Grpc, "grpc", "GRPC", given.grpc.is_some()),
        (ExternalAuthProtocol::Http, "http", "HTTP", given.http.is_some()),
    ];
    match given.protocol {
        None => findings.required(&path.child("protocol"), ""),
        Some(protocol) => {
            for (of, field, name, is_set) in settings {
                if of == protocol && !is_set {
                    findings.required(&path.child(field), &format!("must be specified when protocol is {name}"));
                } else if of != protocol && is_set {
                    findings.forbidden(&path.child(field), &format!("must not be specified unless protocol is {name}"));
                }
            }
        }
    }
    if let Some(grpc) = &given.grpc {
        headers(&grpc.allowed_headers, &path.child("grpc").child("allowedHeaders"), findings);
    }
    if let Some(http) = &given.http {
        let path = path.child("http");
        headers(&http.allowed_headers, &path.child("allowedHeaders"), findings);
        headers(&http.allowed_response_headers, &path.child("allowedResponseHeaders"), findings);
        if let Some(prefix) = &http.path {
            findings.longest(&path.child("path"), prefix, MAX_PATH);
        }
    }
    if let Some(size) = given.forward_body.as_ref().and_then(|body| body.max_size).filter(|size| *size < 0) {
        findings.add(FieldError::invalid(path.child("forwardBody").child("maxSize"), size, "must be at least 0"));
    }
}

fn headers(names: &[String], path: &FieldPath, findings: &mut Findings) {
    if !findings.most(path, names.len(), MAX_HEADERS) {
        return;
    }
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        if !seen.insert(name) {
            findings.add(FieldError::duplicate(path.index(index), name));
        }
    }
}
