//! Which names of hosts and objects are well formed in the API, and what to say of those that are not.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/validation`; its sentences are kept, since clients and their tests know
//! them. Each function returns what is wrong, nothing when all is well.

use crate::{MAX_LABEL, MAX_NAME};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
    with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
    start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist \
    of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex \
    used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
/// A DNS label: names of namespaces.
#[must_use]
pub fn label(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    longest(name, MAX_LABEL, &mut wrong);
    if !is_label(name) {
        wrong.push(LABEL.to_owned());
    }
    wrong
}

/// A DNS name: names of most objects.
#[must_use]
pub fn subdomain(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    longest(name, MAX_NAME, &mut wrong);
    if !is_subdomain(name) {
        wrong.push(SUBDOMAIN.to_owned());
    }
    wrong
}

/// A host as listeners and routes name them: a DNS name, or `*.` and a DNS name; no IP address.
#[must_use]
pub fn hostname(name: &str) -> Vec<String> {
    let Some(rest) = name.strip_prefix("*.") else { return precise_hostname(name) };
    let mut wrong = Vec::new();
    longest(name, MAX_NAME, &mut wrong);
    if !is_subdomain(rest) {
        wrong.push(WILDCARD.to_owned());
    }
    wrong
}

/// A host without wildcard: a DNS name, no IP address.
#[must_use]
pub fn precise_hostname(name: &str) -> Vec<String> {
    let mut wrong = subdomain(name);
    if name.parse::<std::net::IpAddr>().is_ok() {
        wrong.push("must not be an IP address".to_owned());
    }
    wrong
}

fn longest(name: &str, limit: usize, wrong: &mut Vec<String>) {
    if name.len() > limit {
        wrong.push(format!("must be no more than {limit} bytes"));
    }
}

/// Whether it has the characters of a DNS label; its length is another matter.
#[must_use]
pub fn is_label(name: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| alphanumeric(Some(byte)) || *byte == b'-')
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
