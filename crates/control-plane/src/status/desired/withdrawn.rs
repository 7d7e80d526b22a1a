//! A Gateway whose class turned out to be another controller's: what was said of it is taken back.

use backstay_compiler::{Condition, ProgrammedBy, Report};
use serde_json::{Map, Value};

use super::reached::{UNASSIGNED, UNUSABLE};
use super::{ACKNOWLEDGED, NO_LISTENER, NOBODY, PROGRAMMED, SEE, UNUSED, WAITING};

/// The status `old` without what the report `before` has said. The other controller may have written the same types of
/// conditions by now: only what has our own words goes.
pub(super) fn without(before: &Report, old: &Value) -> Value {
    let (Some(old), Report { programmed: ProgrammedBy::Listeners, listeners, .. }) = (old.as_object(), before) else {
        return old.clone();
    };
    let mut status = old.clone();
    let said: Vec<&Condition> = before.all_conditions().collect();
    strip(&mut status, &said);
    if let Some(Value::Array(all)) = status.get_mut("listeners") {
        for listener in all.iter_mut().filter_map(Value::as_object_mut) {
            strip(listener, &said);
        }
        all.retain(|listener| {
            let ours = listeners.iter().any(|report| listener["name"] == report.name.as_str());
            !ours || listener.get("conditions").is_some()
        });
        if all.is_empty() {
            status.remove("listeners");
        }
    }
    let nothing_else = !status.contains_key("conditions") && !status.contains_key("listeners");
    if nothing_else || status.get("addresses").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        status.remove("addresses");
    }
    Value::Object(status)
}

/// Takes our conditions out, and the list of them when it is empty then.
fn strip(fields: &mut Map<String, Value>, said: &[&Condition]) {
    if let Some(Value::Array(conditions)) = fields.get_mut("conditions") {
        conditions.retain(|condition| !is_ours(condition, said));
        if conditions.is_empty() {
            fields.remove("conditions");
        }
    }
}

fn is_ours(condition: &Value, said: &[&Condition]) -> bool {
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    if text("type") == PROGRAMMED {
        let begins = [ACKNOWLEDGED, NO_LISTENER, NOBODY, SEE, UNASSIGNED, UNUSABLE, UNUSED, WAITING];
        return text("reason") == "Refused" || begins.iter().any(|words| text("message").starts_with(words));
    }
    let matches = |found: &&Condition| {
        found.kind == text("type") && found.reason == text("reason") && found.message == text("message")
    };
    said.iter().any(matches)
}
