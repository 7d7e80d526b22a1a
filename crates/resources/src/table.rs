//! Cells of `kubectl get`.

use serde_json::Value;

use crate::kind::Column;
use crate::object::Object;

/// A column of text.
#[must_use]
pub const fn text(name: &'static str, description: &'static str) -> Column {
    Column { name, kind: "string", format: "", description, priority: 0 }
}

/// A column of whole numbers.
#[must_use]
pub const fn integer(name: &'static str, description: &'static str) -> Column {
    Column { name, kind: "integer", format: "", description, priority: 0 }
}

/// The part of the body at `pointer`, such as `/spec/protocol`.
#[must_use]
pub fn part<'a>(object: &'a Object, pointer: &str) -> Option<&'a Value> {
    let mut steps = pointer.split('/').skip(1);
    let first = object.body.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// The text at `pointer`, empty when there is none.
#[must_use]
pub fn text_at<'a>(object: &'a Object, pointer: &str) -> &'a str {
    part(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at `pointer`, empty when there is none.
#[must_use]
pub fn list_at<'a>(object: &'a Object, pointer: &str) -> &'a [Value] {
    part(object, pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The status of a condition: `True`, `False`, `Unknown`, or nothing when it has never been written.
#[must_use]
pub fn condition(object: &Object, kind: &str) -> Value {
    status_of(list_at(object, "/status/conditions"), kind).into()
}

/// The status of one of `conditions`.
#[must_use]
pub fn status_of<'a>(conditions: &'a [Value], kind: &str) -> &'a str {
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    found.and_then(|condition| condition["status"].as_str()).unwrap_or_default()
}

/// The first few of `items`: `a,b,c + 4 more...`, as Kubernetes prints endpoints.
#[must_use]
pub fn few<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 3;
    let items: Vec<&str> = items.into_iter().collect();
    let shown = items.iter().take(SHOWN).copied().collect::<Vec<_>>().join(",");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}
