//! Templates, which are no configurations yet.

use crate::document::{Document, Node, Value};
use crate::place::{Path, Place};
use crate::problem::Report;

/// Said of KrakenD's own templates.
const FLEXIBLE: &str = "this is a template of KrakenD's flexible configuration and no configuration yet: hand over the rendered file, which \
                        KrakenD writes with FC_ENABLE=1 FC_OUT=rendered.json krakend check -c FILE";
/// Said of placeholders of other tools.
const PLACEHOLDER: &str = "a placeholder was left in, and KrakenD would take it as it is: hand over the file that envsubst or whatever fills \
                           it in has written";

/// What a text has of a template, and what to do.
fn mark(text: &str) -> Option<(usize, &'static str)> {
    let found = |mark: &str| text.find(mark);
    match (found("{{"), found("${")) {
        (Some(offset), _) => Some((offset, FLEXIBLE)),
        (None, Some(offset)) => Some((offset, PLACEHOLDER)),
        (None, None) => None,
    }
}

/// Where a file that cannot be read is a template.
pub(crate) fn in_text(text: &str) -> Option<(Place, &'static str)> {
    let (offset, advice) = mark(text)?;
    let before = text.get(..offset).unwrap_or_default();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = Place { line: count(before.matches('\n').count() + 1), column: count(line.chars().count() + 1) };
    Some((place, advice))
}

/// Tells of every text of a document that is a template. Scripts, plugins and static data may have braces of their own.
pub(crate) fn in_document(document: &Document, report: &Report) {
    walk(&document.root, &Path::ROOT, report);
}

fn is_free(key: &str) -> bool {
    key.starts_with("modifier/")
        || key.starts_with("plugin/")
        || key.starts_with("validation/")
        || matches!(key, "static" | "error_body")
}

fn walk(node: &Node, path: &Path<'_>, report: &Report) {
    match &node.value {
        Value::Text(text) => {
            if let Some((_, advice)) = mark(text) {
                report.unreadable(node.place, path, advice);
            }
        }
        Value::List(members) => {
            for (index, member) in members.iter().enumerate() {
                walk(member, &path.index(index), report);
            }
        }
        Value::Map(entries) => {
            for entry in entries.iter().filter(|entry| !is_free(&entry.key) && !crate::object::is_comment(&entry.key)) {
                walk(&entry.node, &path.key(&entry.key), report);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
