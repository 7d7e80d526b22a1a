//! Values as JSON.

pub(crate) mod go;

use crate::document::{Node, Value};

/// On one line.
pub(crate) fn compact(node: &Node) -> String {
    let mut text = String::new();
    write(node, None, &mut text);
    text
}

/// With each field on a line, as people write it.
pub(crate) fn pretty(node: &Node) -> String {
    let mut text = String::new();
    write(node, Some(0), &mut text);
    text.push('\n');
    text
}

fn string(text: &str, out: &mut String) {
    // A text always has a form in JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Writes a value, `indent` levels deep, or on one line.
fn write(node: &Node, indent: Option<usize>, out: &mut String) {
    let inner = indent.map(|indent| indent + 1);
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(literal) => out.push_str(literal),
        Value::Text(text) => string(text, out),
        Value::List(members) if members.is_empty() => out.push_str("[]"),
        Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Value::List(members) => {
            out.push('[');
            for (index, member) in members.iter().enumerate() {
                separate(index, inner, out);
                write(member, inner, out);
            }
            line(indent, out);
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                separate(index, inner, out);
                string(&entry.key, out);
                out.push_str(if inner.is_some() { ": " } else { ":" });
                write(&entry.node, inner, out);
            }
            line(indent, out);
            out.push('}');
        }
    }
}

fn separate(index: usize, indent: Option<usize>, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    line(indent, out);
}

fn line(indent: Option<usize>, out: &mut String) {
    if let Some(indent) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", indent));
    }
}
