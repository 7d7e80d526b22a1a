use std::collections::BTreeSet;

use serde_json::Value;

use super::{FIELDS, Support};
use crate::gateway::{GATEWAY, GATEWAY_CLASS, HTTP_ROUTE};

/// Every field below `schema` that has none below itself.
fn leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut below: Vec<_> = properties.map(|(name, schema)| (format!("{path}.{name}"), schema)).collect();
    below.extend([("[]", "items"), ("{}", "additionalProperties")].into_iter().filter_map(|(mark, keyword)| {
        let schema = schema.get(keyword).filter(|schema| schema.is_object())?;
        Some((format!("{path}{mark}"), schema))
    }));
    if below.is_empty() {
        found.insert(path.to_owned());
    }
    below.into_iter().for_each(|(path, schema)| leaves(schema, &path, found));
}

/// Whether `field` is `row` or below it.
fn covers(row: &str, field: &str) -> bool {
    field.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
}

#[test]
fn every_field_of_the_schema_has_a_state_and_every_state_a_field() {
    for kind in [&GATEWAY_CLASS, &GATEWAY, &HTTP_ROUTE] {
        let mut fields = BTreeSet::new();
        leaves(&(kind.schema)()["properties"]["spec"], "spec", &mut fields);
        let rows = FIELDS.iter().filter(|(of, ..)| *of == kind.kind);
        let rows: Vec<(&str, Support)> =
            rows.flat_map(|(_, support, paths)| paths.iter().map(|path| (*path, *support))).collect();
        for field in &fields {
            let states = rows.iter().filter(|(row, _)| covers(row, field)).count();
            assert_eq!(states, 1, "{} {field} must have one state in FIELDS", kind.kind);
        }
        for (row, support) in &rows {
            let exact = fields.contains(*row);
            let known = exact || (*support != Support::Honoured && fields.iter().any(|field| covers(row, field)));
            assert!(known, "{} has no field {row}", kind.kind);
        }
    }
}
