//! KrakenD's weak typing: what a field of one type takes from a value of another.
//!
//! As mapstructure does it with `WeaklyTypedInput`. Only the fields of the service, endpoints and backends are read in this way;
//! within `extra_config` each component has its own way, which is mostly to ignore what has the wrong type.

use std::collections::HashMap;
use std::time::Duration;

use crate::document::{Entry, Node, Value};
use crate::duration;
use crate::place::At;
use crate::quote::quoted;

/// A number that is more than a duration of this many nanoseconds was meant as one; anything less was meant as something else.
const PLAUSIBLE_NANOSECONDS: f64 = 1_000_000.0;

/// Text: numbers and truth values are written out, nothing is none.
pub(crate) fn text(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Number(literal) => Ok(literal.clone()),
        Value::Bool(truth) => Ok(String::from(if *truth { "1" } else { "0" })),
        Value::List(members) if members.is_empty() => Ok(String::new()),
        Value::Null => Ok(String::new()),
        _ => Err(format!("text is wanted here, and this is {}", node.kind())),
    }
}

/// A truth value: numbers are true unless 0; the texts that Go takes for one.
pub(crate) fn truth(node: &Node) -> Result<bool, String> {
    match &node.value {
        Value::Bool(truth) => Ok(*truth),
        Value::Number(_) => Ok(node.number().is_some_and(|number| number != 0.0)),
        Value::Text(text) => match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            _ => Err(format!("true or false is wanted here, and this is {}", quoted(text))),
        },
        _ => Err(format!("true or false is wanted here, and this is {}", node.kind())),
    }
}

/// An integer: fractions are cut off, texts are read as Go reads them.
pub(crate) fn integer(node: &Node) -> Result<i64, String> {
    let wanted = "an integer is wanted here";
    match &node.value {
        Value::Bool(truth) => Ok(i64::from(*truth)),
        Value::Number(literal) => match literal.parse::<i64>() {
            Ok(integer) => Ok(integer),
            Err(_) => whole(node.number()).ok_or_else(|| format!("{wanted}, and {} is too large", quoted(literal))),
        },
        Value::Text(text) => go_integer(text).ok_or_else(|| format!("{wanted}, and this is {}", quoted(text))),
        _ => Err(format!("{wanted}, and this is {}", node.kind())),
    }
}

fn whole(number: Option<f64>) -> Option<i64> {
    // Both bounds are floats exactly; what lies between them fits.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the fraction is what KrakenD cuts off, and the range is checked"
    )]
    number.map(f64::trunc).filter(|number| (-9.2e18..9.2e18).contains(number)).map(|number| number as i64)
}

/// `strconv.ParseInt(text, 0, 64)`: the prefix says the base. Nothing is 0.
fn go_integer(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
        return None;
    }
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix));
    let (digits, radix) = if let Some(rest) = prefixed(["0x", "0X"]) {
        (rest, 16)
    } else if let Some(rest) = prefixed(["0b", "0B"]) {
        (rest, 2)
    } else if let Some(rest) = prefixed(["0o", "0O"]) {
        (rest, 8)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (digits, 8)
    } else {
        (digits, 10)
    };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// A duration, and a word on what a bare number is. Numbers are nanoseconds.
pub(crate) fn span(node: &Node) -> Result<(Duration, Option<String>), String> {
    match &node.value {
        Value::Text(text) => {
            duration::parse(text).map(|span| (span, None)).map_err(|error| format!("{}: {error}", quoted(text)))
        }
        Value::Number(_) | Value::Bool(_) => {
            let nanoseconds = integer(node)?;
            let nanoseconds = u64::try_from(nanoseconds).map_err(|_| duration::DurationError::Negative.to_string())?;
            let span = Duration::from_nanos(nanoseconds);
            let is_odd = nanoseconds > 0 && (nanoseconds as f64) < PLAUSIBLE_NANOSECONDS;
            let advice = format!(
                "a number without a unit is nanoseconds, so this is {}; write {nanoseconds}ms or {nanoseconds}s, whichever is meant",
                duration::print(span)
            );
            Ok((span, is_odd.then_some(advice)))
        }
        _ => Err(format!("a duration such as 300ms or 5s is wanted here, and this is {}", node.kind())),
    }
}

/// A list: a single value is a list of one, an empty object one of none.
pub(crate) fn list(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(members) => members,
        Value::Map(entries) if entries.is_empty() => &[],
        Value::Null => &[],
        _ => std::slice::from_ref(node),
    }
}

/// The entries of an object, or of all objects in a list.
pub(crate) fn entries(node: &Node) -> Option<Vec<&Entry>> {
    match &node.value {
        Value::Map(entries) => Some(entries.iter().collect()),
        Value::List(members) if members.iter().all(|member| matches!(member.value, Value::Map(_))) => {
            Some(members.iter().flat_map(Node::entries).collect())
        }
        _ => None,
    }
}

/// A map of texts. Of several with one name the last one counts.
pub(crate) fn texts(node: &Node) -> Result<Vec<(At<String>, String)>, String> {
    let entries = entries(node).ok_or_else(|| format!("an object is wanted here, and this is {}", node.kind()))?;
    let mut map: Vec<(At<String>, String)> = Vec::with_capacity(entries.len());
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let value = text(&entry.node).map_err(|wrong| format!("{}: {wrong}", quoted(&entry.key)))?;
        let index = *known.entry(&entry.key).or_insert(map.len());
        match map.get_mut(index) {
            Some((_, before)) => *before = value,
            None => map.push((At { place: entry.place, value: entry.key.clone() }, value)),
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
