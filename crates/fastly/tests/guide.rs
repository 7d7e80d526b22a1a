//! The guide's table of fields is true.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use backstay_fastly::object::SHAPES;
use backstay_fastly::object::shape::Fallback;

fn default(fallback: Fallback) -> String {
    match fallback {
        Fallback::Required => "required".to_owned(),
        Fallback::Null => "null".to_owned(),
        Fallback::Absent => "absent".to_owned(),
        other => format!("`{}`", other.value().unwrap()),
    }
}

#[test]
fn every_field_is_in_the_table_with_its_default_and_nothing_else_is() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fastly.md")).unwrap();
    let rows = guide.split("## Fields").nth(1).unwrap().lines().filter(|line| line.starts_with("| `"));
    let told: BTreeSet<String> = rows.map(|row| row.splitn(4, '|').take(3).collect::<Vec<_>>().join("|")).collect();
    let fields = SHAPES.iter().flat_map(|shape| shape.fields.iter().map(|field| (shape.segment, field)));
    let expected: BTreeSet<String> =
        fields.map(|(segment, field)| format!("| `{segment}.{}` | {} ", field.name, default(field.default))).collect();
    let missing: Vec<_> = expected.difference(&told).collect();
    let surplus: Vec<_> = told.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}
