//! What is wrong with an event.
//!
//! Source: Kubernetes, `pkg/apis/core/validation/events.go`: what has an `eventTime` is held to more than what has none, and what comes
//! by `events.k8s.io` must have one.

use crate::field::{FieldError, FieldPath, Findings};
use crate::object::Object;
use crate::{name, table};

use super::{MAX_NOTE, NORMAL, WARNING};

/// The longest reason, action and instance, in bytes.
const MAX_WORD: usize = 128;

/// The namespaces of events about objects that are in none.
const OF_CLUSTER: [&str; 2] = ["default", "kube-system"];

/// What a view calls the fields that views call differently.
struct Names {
    regarding: &'static str,
    note: &'static str,
    controller: &'static str,
}

const CORE: Names = Names { regarding: "involvedObject", note: "message", controller: "reportingComponent" };
const GROUP: Names = Names { regarding: "regarding", note: "note", controller: "reportingController" };

/// Fields of `events.k8s.io` that do not change.
const FIXED: [&str; 9] = [
    "regarding",
    "related",
    "reason",
    "note",
    "action",
    "type",
    "reportingController",
    "reportingInstance",
    "eventTime",
];

pub(super) fn find(new: &Object, _: Option<&Object>) -> Vec<FieldError> {
    let mut findings = Findings::default();
    place(new, &CORE, &mut findings);
    if new.body.contains_key("eventTime") {
        words(new, &CORE, &mut findings);
    }
    findings.finish()
}

pub(super) fn find_of_group(new: &Object, old: Option<&Object>) -> Vec<FieldError> {
    let mut findings = Findings::default();
    if let Some(old) = old {
        for field in FIXED.into_iter().filter(|field| new.body.get(*field) != old.body.get(*field)) {
            findings.forbidden(&FieldPath::new(field), "field is immutable");
        }
        return findings.finish();
    }
    place(new, &GROUP, &mut findings);
    if !new.body.contains_key("eventTime") {
        findings.required(&FieldPath::new("eventTime"), "");
    }
    words(new, &GROUP, &mut findings);
    findings.one_of(&FieldPath::new("type"), table::text_at(new, "/type"), &[NORMAL, WARNING]);
    findings.finish()
}

/// An event is in the namespace of what it is about.
fn place(new: &Object, names: &Names, findings: &mut Findings) {
    let namespace = new.metadata.namespace.as_str();
    let about = table::text_at(new, &format!("/{}/namespace", names.regarding));
    let fits = if about.is_empty() { OF_CLUSTER.contains(&namespace) } else { about == namespace };
    if !fits {
        let path = FieldPath::new(names.regarding).child("namespace");
        findings.invalid(&path, about, "does not match event.namespace");
    }
}

fn words(new: &Object, names: &Names, findings: &mut Findings) {
    let text = |field: &str| table::text_at(new, &format!("/{field}")).to_owned();
    let controller = text(names.controller);
    let path = FieldPath::new(names.controller);
    if controller.is_empty() {
        findings.required(&path, "");
    } else {
        findings.each(&path, &controller, name::qualified(&controller));
    }
    for field in ["reportingInstance", "action", "reason"] {
        findings.text(&FieldPath::new(field), &text(field), MAX_WORD);
    }
    findings.longest(&FieldPath::new(names.note), &text(names.note), MAX_NOTE);
}
