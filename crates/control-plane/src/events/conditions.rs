//! What changed between two statuses that is worth an event.

use backstay_kube::events::Tone;
use backstay_resources::gateway::{APOXY_CONTROLLER_NAME, CONTROLLER_NAME};
use serde_json::Value;

use crate::tracker::NOT_REFERENCED;

/// A condition that turned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turned {
    pub(super) tone: Tone,
    pub(super) reason: String,
    pub(super) note: String,
}

/// The conditions that turned for the worse, in whichever words, and those that turned for the better.
pub(super) fn turned(old: &Value, new: &Value) -> Vec<Turned> {
    let mut all = Vec::new();
    for (part, conditions) in parts(new) {
        let before = parts(old).into_iter().find(|(name, _)| *name == part).map(|(_, conditions)| conditions);
        for condition in conditions {
            let text = |field: &str| condition[field].as_str().unwrap_or_default();
            let kind = text("type");
            let earlier = before.unwrap_or_default().iter().find(|earlier| earlier["type"] == kind);
            let same = |field: &str| earlier.is_some_and(|earlier| earlier[field] == condition[field]);
            if same("status") && same("reason") && same("message") {
                continue;
            }
            let was_bad = earlier.is_some_and(is_bad);
            let tone = if is_bad(condition) {
                Tone::Warning
            } else if text("status") == "True" && (was_bad || is_milestone(&part, kind) && !same("status")) {
                Tone::Normal
            } else {
                continue;
            };
            let said = if text("message").is_empty() {
                format!("{kind} is {}", text("status"))
            } else {
                text("message").to_owned()
            };
            let note = if part.is_empty() { said } else { format!("{part}: {said}") };
            all.push(Turned { tone, reason: text("reason").to_owned(), note });
        }
    }
    all
}

/// What of a status is told the first time, too: not each condition of each part.
fn is_milestone(part: &str, kind: &str) -> bool {
    match kind {
        "Accepted" => part.is_empty() || part.starts_with("parent "),
        "Programmed" => part.is_empty(),
        _ => false,
    }
}

/// Whether a condition is bad news. What only waits is none, nor what follows from another condition.
fn is_bad(condition: &Value) -> bool {
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    match text("type") {
        "Conflicted" | "PartiallyInvalid" | "CertificateExpired" | "CertificateNotYetValid" => text("status") == "True",
        "Insecure" | "Ready" => false,
        "Programmed" => text("status") == "False" && !["Pending", "Invalid", NOT_REFERENCED].contains(&text("reason")),
        _ => text("status") == "False" && text("reason") != "Pending",
    }
}

/// The conditions of an object, of its listeners, and of its parents that are ours.
fn parts(status: &Value) -> Vec<(String, &[Value])> {
    fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
        value[name].as_array().map(Vec::as_slice).unwrap_or_default()
    }
    let mut all = vec![(String::new(), list(status, "conditions"))];
    for listener in list(status, "listeners") {
        all.push((format!("listener {}", listener["name"].as_str().unwrap_or_default()), list(listener, "conditions")));
    }
    for parent in list(status, "parents") {
        if [CONTROLLER_NAME, APOXY_CONTROLLER_NAME].iter().any(|ours| parent["controllerName"] == *ours) {
            let reference = &parent["parentRef"];
            let mut name = format!("parent {}", reference["name"].as_str().unwrap_or_default());
            if let Some(section) = reference["sectionName"].as_str() {
                name = format!("{name}/{section}");
            }
            all.push((name, list(parent, "conditions")));
        }
    }
    all
}
