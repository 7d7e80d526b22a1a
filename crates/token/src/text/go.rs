//! Values as Go writes them.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// As `%v` does: without quotes, lists and objects with blanks between their members, whose names are sorted.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => float(number, -4, 6),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members = sorted(members).into_iter().map(|(name, value)| format!("{name}:{}", plain(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
    }
}

/// As `json.Marshal` does: names sorted, and nothing that HTML would take for its own.
pub(super) fn json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&float(number, -6, 21)),
        Value::String(text) => quote(text, out),
        Value::Array(list) => {
            out.push('[');
            for (index, member) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(member, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in sorted(members).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(name, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// The shortest digits that say the number; with an exponent when that is below `low`, or not below `high`.
fn float(number: &Number, low: i32, high: i32) -> String {
    let value = match number.as_f64() {
        Some(value) if number.is_f64() => value,
        _ => {
            let digits = number.to_string();
            // An integer of 64 bits has at most twenty digits: no exponent.
            return digits;
        }
    };
    let shortest = format!("{value:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value != 0.0 && (exponent < low || exponent >= high) {
        let (sign, size) = if exponent < 0 { ('-', -exponent) } else { ('+', exponent) };
        // JSON has the exponent without a zero before it, for small numbers.
        let width = if low == -6 && exponent < 0 { 1 } else { 2 };
        return format!("{digits}e{sign}{size:0width$}");
    }
    format!("{value}")
}
