//! The guide to policies has every field that a policy has, and none besides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

use backstay_resources::backstay::{BACKEND_POLICY, CIPHER_SUITES, RETRY_ON};
use serde_json::Value;

/// The fields below a schema that are written as a value and not as more fields.
fn leaves(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, schema) in properties {
            let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            leaves(schema, &path, found);
        }
    } else if schema["items"]["properties"].is_object() {
        leaves(&schema["items"], &format!("{at}[]"), found);
    } else {
        found.insert(at.to_owned());
    }
}

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/backend-policy.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_field_of_a_policy_is_in_the_guide() {
    let mut fields = BTreeSet::new();
    leaves(&(BACKEND_POLICY.schema)()["properties"]["spec"], "", &mut fields);
    fields.retain(|field| !field.starts_with("targetRefs"));
    assert!(fields.len() > 100, "{fields:#?}");
    let guide = guide();
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let documented: BTreeSet<String> =
        rows.map(|(field, _)| field.to_owned()).filter(|field| field.contains('.') || field.contains("[]")).collect();
    let missing: Vec<_> = fields.difference(&documented).collect();
    assert!(missing.is_empty(), "not in the guide: {missing:#?}");
    // A section may have a row of its own.
    let unknown: Vec<_> = documented
        .difference(&fields)
        .filter(|section| !fields.iter().any(|field| field.starts_with(section.as_str())))
        .collect();
    assert!(unknown.is_empty(), "in the guide alone: {unknown:#?}");
}

#[test]
fn every_name_that_is_one_of_a_few_is_in_the_guide() {
    let guide = guide();
    let suites = CIPHER_SUITES.iter().flat_map(|suite| [suite.openssl, suite.iana]);
    for name in suites.chain(RETRY_ON) {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
