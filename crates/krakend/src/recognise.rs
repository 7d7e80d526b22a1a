//! Which files are configurations of KrakenD.

use std::path::Path;

use crate::document::{Document, Format, Node};

/// Keys that no manifest of Kubernetes has at its root and every configuration of KrakenD has one of.
const TELLING: &[&str] = &["endpoints", "async_agent"];

/// Whether a file is a configuration of KrakenD, by what is in it: its own version, `endpoints` or its schema at the root, and no
/// `apiVersion`. A file that cannot be read is one if it speaks of endpoints and backends as one does; templates cannot be read.
#[must_use]
pub fn is_configuration(text: &str, path: &Path) -> bool {
    let format = Format::of_file(path);
    if format == Format::Toml {
        return true;
    }
    // A text without any of the words is none, and need not be read.
    if !["endpoints", "async_agent", "krakend", "version"].iter().any(|word| contains(text, word)) {
        return false;
    }
    match Document::read(text, format).or_else(|_| Document::read(text, Format::Yaml)) {
        Ok(document) => is_root(&document.root),
        Err(_) => !contains(text, "apiversion") && contains(text, "\"endpoints\"") && contains(text, "\"backend\""),
    }
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn is_root(root: &Node) -> bool {
    let has = |name: &str| root.entries().iter().any(|entry| entry.key.eq_ignore_ascii_case(name));
    if has("apiVersion") || has("kind") {
        return false;
    }
    let schema = root.get("$schema").and_then(|entry| entry.node.text());
    let is_versioned = has("version") && (has("extra_config") || has("port"));
    TELLING.iter().any(|name| has(name)) || is_versioned || schema.is_some_and(|schema| schema.contains("krakend"))
}

#[cfg(test)]
mod tests;
