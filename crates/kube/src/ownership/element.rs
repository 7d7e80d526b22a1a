//! Elements of the paths of fields, as `FieldsV1` writes them.
//!
//! Source: Kubernetes, `structured-merge-diff`, `fieldpath.PathElement`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// Why a text is no element of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no element of a field's path")]
pub(crate) struct Malformed(String);

/// A field or the key of a map.
pub(crate) fn field(name: &str) -> String {
    let mut element = String::with_capacity(name.len() + 2);
    element.push_str("f:");
    element.push_str(name);
    element
}

/// An item of a set.
pub(crate) fn value(value: &Value) -> String {
    format!("v:{}", canonical(value))
}

/// An item of a list that is a map by the fields `keys`, sorted. `None` if the item has none of them.
pub(crate) fn key(keys: &[&str], item: &Value) -> Option<String> {
    let fields = item.as_object()?;
    let mut element = String::from("k:{");
    for key in keys {
        let Some(value) = fields.get(*key) else { continue };
        if element.len() > 3 {
            element.push(',');
        }
        element.push_str(&Value::from(*key).to_string());
        element.push(':');
        element.push_str(&canonical(value));
    }
    element.push('}');
    (element.len() > 4).then_some(element)
}

/// Reads an element that a client wrote: equal ones become the same text.
pub(crate) fn parse(text: Cow<'_, str>) -> Result<Cow<'_, str>, Malformed> {
    let malformed = || Malformed(text.chars().take(100).collect());
    let (sort, rest) = text.split_at_checked(2).ok_or_else(malformed)?;
    let canonical = match sort {
        "f:" => return Ok(text),
        "v:" => value(&serde_json::from_str(rest).map_err(|_| malformed())?),
        "k:" => {
            let fields: BTreeMap<String, Value> = serde_json::from_str(rest).map_err(|_| malformed())?;
            let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
            let item = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            key(&keys, &Value::Object(item)).ok_or_else(malformed)?
        }
        "i:" => format!("i:{}", rest.parse::<i64>().map_err(|_| malformed())?),
        _ => return Err(malformed()),
    };
    Ok(if canonical == text { text } else { Cow::Owned(canonical) })
}

/// A number without a fraction has one text.
fn canonical(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            Some(float) if float.fract() == 0.0 && float.abs() < 9.0e15 => Cow::Owned((float as i64).to_string()),
            _ => Cow::Owned(value.to_string()),
        },
        _ => Cow::Owned(value.to_string()),
    }
}

/// A path as messages write it: `.spec.listeners[name="http"].port`.
pub(crate) fn shown(path: &[&str]) -> String {
    let mut text = String::new();
    for element in path {
        let (sort, rest) = element.split_at_checked(2).unwrap_or(("", element));
        match sort {
            "f:" => {
                text.push('.');
                text.push_str(rest);
            }
            "v:" => text.push_str(&format!("[={rest}]")),
            "k:" => {
                let fields: BTreeMap<String, Value> = serde_json::from_str(rest).unwrap_or_default();
                let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text.push_str(&format!("[{}]", fields.join(",")));
            }
            _ => text.push_str(&format!("[{rest}]")),
        }
    }
    text
}
