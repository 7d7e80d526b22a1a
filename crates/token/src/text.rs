//! What a claim is where text is wanted: in a header, or in a path.
//!
//! The forms are those that gateways in Go have made customary, since backends read them: whole numbers without a fraction, members
//! of lists with commas between them, objects as JSON. Integers are written as they are, where those gateways round them to a
//! float.

mod go;

use serde_json::Value;

use crate::Claims;
use crate::access::lookup;

/// How far a number may be from a whole one to be written as that.
const EPSILON: f64 = 1e-6;

/// The names that lead to a claim: those between the dots of `name`, unless it begins with `http`, as names that are URIs do.
#[must_use]
pub fn claim_path(name: &str) -> Vec<String> {
    if name.starts_with("http") {
        return vec![name.to_owned()];
    }
    name.split('.').map(str::to_owned).collect()
}

/// The claim that `path` leads to, as text; `None` when there is none.
#[must_use]
pub fn claim_text(claims: &Claims, path: &[String]) -> Option<String> {
    Some(match lookup(claims.members(), path)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(value) if number.is_f64() => float(value),
            _ => number.to_string(),
        },
        Value::Array(list) => list.iter().map(go::plain).collect::<Vec<_>>().join(","),
        other => go::json(other),
    })
}

fn float(value: f64) -> String {
    let rounded = value.round();
    if (value - rounded).abs() <= EPSILON { format!("{:.0}", rounded + 0.0) } else { format!("{value:.6}") }
}

#[cfg(test)]
mod tests;
