//! The guide to policies has every field that a policy has, and none besides.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
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

/// What the schema says of each field.
fn descriptions(schema: &Value, at: &str, found: &mut BTreeMap<String, String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let text = schema["description"].as_str().unwrap_or_default();
        descriptions(schema, &path, found);
        descriptions(&schema["items"], &format!("{path}[]"), found);
        found.insert(path, text.split_whitespace().collect::<Vec<_>>().join(" "));
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
fn defaults_are_the_same_in_the_guide_and_in_the_schema() {
    let mut descriptions_by_field = BTreeMap::new();
    descriptions(&(BACKEND_POLICY.schema)()["properties"]["spec"], "", &mut descriptions_by_field);
    let (mut compared, mut differ) = (0, Vec::new());
    for row in guide().lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let field = cells.next().unwrap().trim_matches('`');
        let default = cells.next().and_then(|cell| cell.strip_prefix('`'));
        let (Some(description), Some(default)) = (descriptions_by_field.get(field), default) else { continue };
        let value = default.split('`').next().unwrap().trim_matches('"');
        let mut told = description.match_indices("efault").filter_map(|(at, _)| description[at..].split(". ").next());
        if !told.any(|sentence| sentence.contains(value)) {
            differ.push(format!("{field}: the guide says {value}, the schema: {description}"));
        }
        compared += 1;
    }
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(compared > 40, "only {compared} were compared");
}

#[test]
fn every_name_that_is_one_of_a_few_is_in_the_guide() {
    let guide = guide();
    let suites = CIPHER_SUITES.iter().flat_map(|suite| [suite.openssl, suite.iana]);
    for name in suites.chain(RETRY_ON) {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}
