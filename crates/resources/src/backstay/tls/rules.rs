use std::collections::HashSet;
use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::{BackendTls, CIPHER_SUITES, SecretRef, TlsVersion, cipher_suite};
use crate::backstay::bounds::MAX_LIST;
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

/// Longest inline PEM, in bytes: more than the authorities of any operating system.
const MAX_PEM: usize = 256 * 1024;
/// Longest name of a protocol, RFC 7301 section 3.1.
const MAX_ALPN: usize = 255;

impl BackendTls {
    pub(in crate::backstay) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(sni) = &self.sni {
            findings.each(&path.child("sni"), sni, name::precise_hostname(sni));
        }
        if let Some(name) = self.verified_name.as_ref().filter(|name| name.parse::<IpAddr>().is_err()) {
            findings.each(&path.child("verifiedName"), name, name::precise_hostname(name));
        }
        self.authorities(path, findings);
        if let Some(secret) = &self.client_certificate_ref {
            reference(secret, &path.child("clientCertificateRef"), findings);
        }
        if let (Some(least), Some(most)) = (self.min_version, self.max_version)
            && least > most
        {
            let detail = format!("must not be below minVersion, {}", least.as_str());
            findings.invalid(&path.child("maxVersion"), most.as_str(), &detail);
        }
        self.suites(&path.child("ciphers"), findings);
        self.protocols(&path.child("alpn"), findings);
    }

    fn authorities(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(secret) = &self.ca_certificate_ref {
            reference(secret, &path.child("caCertificateRef"), findings);
        }
        if let Some(pem) = &self.ca_certificate {
            let path = path.child("caCertificate");
            if self.ca_certificate_ref.is_some() {
                findings.forbidden(&path, "caCertificate and caCertificateRef cannot be specified together");
            }
            if findings.text(&path, pem, MAX_PEM)
                && let Some(problem) = pem_problem(pem)
            {
                findings.invalid(&path, pem, problem);
            }
        }
        if !self.insecure_skip_verify {
            return;
        }
        let unused = [
            ("verifiedName", self.verified_name.is_some()),
            ("caCertificateRef", self.ca_certificate_ref.is_some()),
            ("caCertificate", self.ca_certificate.is_some()),
        ];
        for (name, _) in unused.into_iter().filter(|(_, is_set)| *is_set) {
            findings.forbidden(&path.child(name), "says what to verify, and insecureSkipVerify verifies nothing");
        }
    }

    fn suites(&self, path: &FieldPath, findings: &mut Findings) {
        if !findings.most(path, self.ciphers.len(), MAX_LIST) {
            return;
        }
        let mut seen = HashSet::new();
        for (index, name) in self.ciphers.iter().enumerate() {
            let path = path.index(index);
            let Some(suite) = cipher_suite(name) else {
                let known: Vec<&str> = CIPHER_SUITES.iter().map(|suite| suite.openssl).collect();
                findings.add(FieldError::not_supported(path, name, &known));
                continue;
            };
            if !seen.insert(suite.iana) {
                findings.add(FieldError::duplicate(path.clone(), name));
            }
            let bound = match suite.version {
                TlsVersion::V1_2 => self.min_version.filter(|least| *least > suite.version).map(|_| "minVersion"),
                TlsVersion::V1_3 => self.max_version.filter(|most| *most < suite.version).map(|_| "maxVersion"),
            };
            if let Some(bound) = bound {
                let detail = format!("is a suite of TLS {}, which {bound} leaves out", suite.version.as_str());
                findings.invalid(&path, name, &detail);
            }
        }
    }

    fn protocols(&self, path: &FieldPath, findings: &mut Findings) {
        if !findings.most(path, self.alpn.len(), MAX_LIST) {
            return;
        }
        let mut seen = HashSet::new();
        for (index, name) in self.alpn.iter().enumerate() {
            let path = path.index(index);
            if findings.text(&path, name, MAX_ALPN) && !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                findings.invalid(&path, name, "must consist of visible ASCII characters (e.g. 'h2')");
            }
            if !seen.insert(name) {
                findings.add(FieldError::duplicate(path, name));
            }
        }
    }
}

fn reference(secret: &SecretRef, path: &FieldPath, findings: &mut Findings) {
    if findings.text(&path.child("name"), &secret.name, name::MAX_SUBDOMAIN) {
        findings.each(&path.child("name"), &secret.name, name::subdomain(&secret.name));
    }
    findings.each(&path.child("namespace"), &secret.namespace, name::label(&secret.namespace));
}

fn pem_problem(pem: &str) -> Option<&'static str> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        if certificate.is_err() {
            return Some("has a certificate that is not sound PEM");
        }
        count += 1;
    }
    (count == 0).then_some("must be PEM with at least one certificate: -----BEGIN CERTIFICATE-----")
}
