//! The guide's tables are true.

use std::collections::BTreeSet;

use super::*;
use crate::namespace::{NAMESPACES, State};
use crate::object::KNOWN;

fn rows<'g>(guide: &'g str, heading: &str) -> BTreeSet<&'g str> {
    let section = guide.split(&format!("\n{heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    section.lines().filter(|line| line.starts_with("| `")).collect()
}

fn guide() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/krakend.md")).unwrap()
}

#[test]
fn every_option_that_is_read_is_in_the_table_and_nothing_else_is() {
    KNOWN.with_borrow_mut(BTreeSet::clear);
    let text = r#"{"version": 3, "tls": {}, "client_tls": {}, "endpoints": [{"backend": [{}]}]}"#;
    let _ = check(text, Format::Json, Options::default());
    let level = |path: &str| match path {
        "" => "service".to_owned(),
        "endpoints[0]" => "endpoint".to_owned(),
        "endpoints[0].backend[0]" => "backend".to_owned(),
        other => other.to_owned(),
    };
    let read: BTreeSet<String> =
        KNOWN.with_borrow(|known| known.iter().map(|(path, name)| format!("{}.{name}", level(path))).collect());
    let guide = guide();
    let told: BTreeSet<String> =
        rows(&guide, "## Options").iter().map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    let missing: Vec<_> = read.difference(&told).collect();
    let surplus: Vec<_> = told.difference(&read).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}

#[test]
fn every_component_of_the_community_edition_is_in_the_table_with_its_state() {
    let guide = guide();
    let told: BTreeSet<String> = rows(&guide, "## Components")
        .iter()
        .map(|row| row.split('|').take(3).collect::<Vec<_>>().join("|").trim_end().to_owned())
        .collect();
    let state = |state: State| match state {
        State::Planned | State::Served(_) => Some("served"),
        State::NotServed(_) => Some("not served"),
        State::Noted(_) => Some("note"),
        State::Refused(_) => Some("refused"),
        State::Enterprise(_) => None,
    };
    let known = NAMESPACES.iter().filter_map(|it| Some(format!("| `{}` | {}", it.name, state(it.state)?)));
    let known: BTreeSet<String> = known.collect();
    let missing: Vec<_> = known.difference(&told).collect();
    let surplus: Vec<_> = told.difference(&known).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}
