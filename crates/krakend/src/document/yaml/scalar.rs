//! Scalars as Go's YAML takes them where nothing says what they should be.

use serde_saphyr::granit_parser::{ScalarStyle, Tag};

use super::super::tree::Value;

/// The value of a scalar. Only a plain one is anything but text.
pub(super) fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.and_then(Tag::core_suffix) {
        Some("str") => return Value::Text(text.to_owned()),
        None if style != ScalarStyle::Plain => return Value::Text(text.to_owned()),
        _ => {}
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::Text(text.to_owned()), Value::Number)
}

/// The number that a plain scalar is, as JSON writes it.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.') {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            let magnitude = u64::from_str_radix(&rest.replace('_', ""), radix).ok()?;
            return Some(format!("{sign}{magnitude}"));
        }
    }
    let plain = digits.replace('_', "");
    if plain.bytes().all(|byte| byte.is_ascii_digit()) {
        let bare = plain.trim_start_matches('0');
        return Some(format!("{sign}{}", if bare.is_empty() { "0" } else { bare }));
    }
    let is_float = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    let float: f64 = plain.parse().ok().filter(|_| is_float)?;
    float.is_finite().then(|| format!("{sign}{float}"))
}
