//! Values as Go writes what it has read as JSON: names sorted, numbers as doubles, and nothing that HTML would take for its own.

use std::collections::BTreeMap;

use crate::document::{Node, Value};

/// On one line.
pub(crate) fn compact(node: &Node) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(literal) => out.push_str(&number(literal)),
        Value::Text(text) => string(text, out),
        Value::List(members) => {
            out.push('[');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(member, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let sorted: BTreeMap<&str, &Node> = entries.iter().map(|it| (it.key.as_str(), &it.node)).collect();
            out.push('{');
            for (index, (key, node)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(key, out);
                out.push(':');
                write(node, out);
            }
            out.push('}');
        }
    }
}

/// `encoding/json` with `SetEscapeHTML`, which is on unless it is turned off.
fn string(text: &str, out: &mut String) {
    // A text always has a form in JSON.
    for letter in serde_json::to_string(text).unwrap_or_default().chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            letter => out.push(letter),
        }
    }
}

/// A number as a double: in decimal, unless it is below 1e-6 or from 1e21 on.
fn number(literal: &str) -> String {
    let Some(value) = literal.parse::<f64>().ok().filter(|value| value.is_finite()) else { return literal.to_owned() };
    let exponential = format!("{value:e}");
    let Some((digits, exponent)) = exponential.split_once('e') else { return literal.to_owned() };
    let Ok(exponent) = exponent.parse::<i32>() else { return literal.to_owned() };
    if value != 0.0 && !(-6..21).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{}", exponent.unsigned_abs());
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Format};

    #[test]
    fn values_are_written_as_go_writes_them() {
        // Recorded from KrakenD.
        let written = r#"{"i":1,"f":1.0,"e":1e3,"big":12345678901234567890,"m":-0.0,"small":0.0000001,"d":1.50,"t":"<a>&",
            "l":[1.0,{"b":2.0,"a":null}],"x21":1e21,"x20":1e20}"#;
        let document = Document::read(written, Format::Json).unwrap();
        let expected = r#"{"big":12345678901234567000,"d":1.5,"e":1000,"f":1,"i":1,"l":[1,{"a":null,"b":2}],"m":-0,"small":1e-7,"t":"\u003ca\u003e\u0026","x20":100000000000000000000,"x21":1e+21}"#;
        assert_eq!(compact(&document.root), expected);
    }
}
