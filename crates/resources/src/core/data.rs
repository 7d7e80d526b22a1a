//! What Secrets and ConfigMaps have in common: values by key.

use crate::name;

/// How large the values may be, decoded and together, in bytes.
pub(super) const MAX_DATA: usize = 1024 * 1024;

/// What is wrong with a key.
pub(super) fn key_problems(key: &str) -> Vec<String> {
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
