//! Which names are well formed, and what to say of those that are not.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/validation`; its sentences are kept, since clients and their tests know
//! them. Each function returns what is wrong, nothing when all is well.

pub use backstay_destination::kubernetes::{hostname, is_label, label, precise_hostname, subdomain};
pub use backstay_destination::{MAX_LABEL, MAX_NAME as MAX_SUBDOMAIN};

#[cfg(test)]
mod tests;

const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const BACKEND: &str = "the name of a Backend must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with \
    an alphanumeric character or '_' (e.g. 'my_service', 'example.com')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
    start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation \
    is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// The name of a Backend: a DNS name that may have underscores, as Apoxy takes them and Docker makes them.
#[must_use]
pub fn backend(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > MAX_SUBDOMAIN {
        wrong.push(format!("must be no more than {MAX_SUBDOMAIN} bytes"));
    }
    if !subdomain(&name.replace('_', "x")).is_empty() {
        wrong.push(BACKEND.to_owned());
    }
    wrong
}

/// `[PREFIX/]NAME`: keys of labels and annotations, finalizers.
#[must_use]
pub fn qualified(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let local = match name.split_once('/') {
        None => name,
        Some(("", local)) => {
            wrong.push("prefix part must be non-empty".to_owned());
            local
        }
        Some((prefix, local)) => {
            wrong.extend(subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}")));
            local
        }
    };
    if local.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    }
    longest(local, "name part ", &mut wrong);
    if !is_word(local) {
        wrong.push(QUALIFIED.to_owned());
    }
    wrong
}

/// The value of a label.
#[must_use]
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    longest(value, "", &mut wrong);
    if !value.is_empty() && !is_word(value) {
        wrong.push(LABEL_VALUE.to_owned());
    }
    wrong
}

fn longest(name: &str, of: &str, wrong: &mut Vec<String>) {
    if name.len() > MAX_LABEL {
        wrong.push(format!("{of}must be no more than {MAX_LABEL} bytes"));
    }
}

fn is_word(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}
