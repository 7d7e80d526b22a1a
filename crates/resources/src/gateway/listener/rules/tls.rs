#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::super::super::reference::MAX_NAME;
use super::super::{CertificateRef, ClientValidation, GatewaySpec, ListenerTls, PortTls, TlsMode};
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

const MAX_CERTIFICATES: usize = 64;
const MAX_TLS_OPTIONS: usize = 16;
const MAX_AUTHORITIES: usize = 16;
const MAX_PORTS: usize = 64;

/// Checks TLS of a listener.
pub(super) fn check(tls: &ListenerTls, protocol: &str, path: &FieldPath, findings: &mut Findings) {
    if ["HTTP", "TCP", "UDP"].contains(&protocol) {
        findings.forbidden(path, "must not be specified for protocols HTTP, TCP and UDP");
        return;
    }
    if protocol == "HTTPS" && tls.mode == Some(TlsMode::Passthrough) {
        findings.invalid(&path.child("mode"), "Passthrough", "must be Terminate for protocol HTTPS");
    }
    if tls.mode != Some(TlsMode::Passthrough) && tls.certificate_refs.is_empty() && tls.options.is_empty() {
        findings.required(&path.child("certificateRefs"), "certificateRefs or options, when mode is Terminate");
    }
    if let Some(given) = &tls.frontend_validation {
        validation(given, &path.child("frontendValidation"), findings);
    }
    findings.most(&path.child("options"), tls.options.len(), MAX_TLS_OPTIONS);
    let path = path.child("certificateRefs");
    if findings.most(&path, tls.certificate_refs.len(), MAX_CERTIFICATES) {
        for (index, certificate) in tls.certificate_refs.iter().enumerate() {
            reference(certificate, &path.index(index), findings);
        }
    }
}

/// Checks TLS that all listeners share.
pub(super) fn check_gateway(spec: &GatewaySpec, path: &FieldPath, findings: &mut Findings) {
    let tls = spec.tls.as_ref();
    let backends = [
        (spec.backend_tls.as_ref(), path.child("backendTLS")),
        (tls.and_then(|tls| tls.backend.as_ref()), path.child("tls").child("backend")),
    ];
    for (backend, path) in backends {
        if let Some(certificate) = backend.and_then(|backend| backend.client_certificate_ref.as_ref()) {
            reference(certificate, &path.child("clientCertificateRef"), findings);
        }
    }
    let Some(frontend) = tls.and_then(|tls| tls.frontend.as_ref()) else { return };
    let path = path.child("tls").child("frontend");
    match &frontend.default {
        None => findings.required(&path.child("default"), ""),
        Some(default) => {
            if let Some(given) = &default.validation {
                validation(given, &path.child("default").child("validation"), findings);
            }
        }
    }
    let path = path.child("perPort");
    if findings.most(&path, frontend.per_port.len(), MAX_PORTS) {
        ports(&frontend.per_port, &path, findings);
    }
}

fn ports(ports: &[PortTls], path: &FieldPath, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for (index, given) in ports.iter().enumerate() {
        let path = path.index(index);
        findings.port(&path.child("port"), given.port);
        if !seen.insert(given.port) {
            findings.add(FieldError::duplicate(path.child("port"), given.port));
        }
        match &given.tls {
            None => findings.required(&path.child("tls"), ""),
            Some(tls) => {
                if let Some(given) = &tls.validation {
                    validation(given, &path.child("tls").child("validation"), findings);
                }
            }
        }
    }
}

fn validation(given: &ClientValidation, path: &FieldPath, findings: &mut Findings) {
    let path = path.child("caCertificateRefs");
    if given.ca_certificate_refs.is_empty() {
        findings.required(&path, "at least one");
    }
    if !findings.most(&path, given.ca_certificate_refs.len(), MAX_AUTHORITIES) {
        return;
    }
    for (index, authority) in given.ca_certificate_refs.iter().enumerate() {
        let path = path.index(index);
        findings.text(&path.child("kind"), &authority.kind, name::MAX_LABEL);
        findings.text(&path.child("name"), &authority.name, MAX_NAME);
        let Some(namespace) = &authority.namespace else { continue };
        findings.each(&path.child("namespace"), namespace, name::label(namespace));
        if authority.group == "certificates.k8s.io" && authority.kind == "ClusterTrustBundle" {
            findings.forbidden(&path.child("namespace"), "must not be specified for a ClusterTrustBundle");
        }
    }
}

fn reference(certificate: &CertificateRef, path: &FieldPath, findings: &mut Findings) {
    findings.text(&path.child("name"), &certificate.name, MAX_NAME);
    if let Some(namespace) = &certificate.namespace {
        findings.each(&path.child("namespace"), namespace, name::label(namespace));
    }
}
