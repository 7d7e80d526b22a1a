//! Secrets that stand in the file.

use crate::document::{Node, Value};
use crate::place::Path;
use crate::problem::Report;

/// Options whose values are secrets.
const SECRETS: &[&str] = &["client_secret", "password", "secret", "api_key", "cypher_key", "license"];

/// Tells where a secret is written down. What it is, is not repeated.
pub(super) fn check(node: &Node, path: &Path<'_>, report: &Report) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let path = path.key(&entry.key);
                let is_secret = SECRETS.iter().any(|name| entry.key.eq_ignore_ascii_case(name));
                if is_secret && entry.node.text().is_some_and(|text| !text.is_empty()) {
                    report.surprising(entry.place, &path, "a secret stands in the file, for everyone who reads it");
                }
                check(&entry.node, &path, report);
            }
        }
        Value::List(members) => {
            for (index, member) in members.iter().enumerate() {
                check(member, &path.index(index), report);
            }
        }
        _ => {}
    }
}
