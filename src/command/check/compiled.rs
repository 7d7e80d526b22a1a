//! What the compiler says of manifests: the conditions that their objects would have.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_compiler::{Condition, ListenerReport, ObjectKey, ObjectStatus, ParentReport};
use backstay_control_plane::said_of;
use backstay_resources::check::admit;
use backstay_resources::gateway::ParentRef;
use backstay_resources::{ConditionStatus, Kind, Object};
use serde::Deserialize as _;
use serde_json::Value;

use super::faults::with_namespace;
use crate::client::Segment;
use crate::command::object_ref::namespace_of;
use crate::manifest::{Document, Problem};

/// What conditions of manifests say that is not well.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What will not be served as it is written, whatever else is stored.
    pub(super) problems: Vec<Problem>,
    /// What is served only with objects that none of the manifests is, and may be stored.
    pub(super) warnings: Vec<Problem>,
}

/// A valid object, and where it is written.
struct Admitted<'a> {
    document: &'a Document,
    kind: &'static Kind,
    object: Object,
}

/// Compiles `documents`, as far as they are valid, and finds what their conditions say that is not well.
pub(super) fn find(documents: &[Document], namespace: Option<&Segment>) -> Findings {
    let admitted = |document| {
        let kind = Document::kind(document)?;
        let object = admit(kind, with_namespace(kind, document, namespace), None).ok()?.object;
        Some(Admitted { document, kind, object })
    };
    let admitted: Vec<_> = documents.iter().filter_map(admitted).collect();
    let said = said_of(admitted.iter().map(|it| (it.kind, it.object.clone())).collect());
    let said: HashMap<ObjectKey, Arc<ObjectStatus>> =
        said.into_iter().map(|status| (status.key.clone(), status)).collect();
    let mut findings = Findings::default();
    for it in &admitted {
        let key = ObjectKey::of(it.kind, &it.object);
        match said.get(&key) {
            Some(status) => findings.of_status(it, status),
            None => findings.of_foreign(it, &admitted),
        }
        if it.kind.kind == "HTTPRoute" {
            findings.of_parents(it, &admitted, namespace);
        }
    }
    findings
}

impl Findings {
    fn of_status(&mut self, it: &Admitted<'_>, status: &ObjectStatus) {
        for condition in &status.report.conditions {
            // The listeners say more.
            if condition.reason != "ListenersNotValid" {
                self.add(it, "spec", condition);
            }
        }
        for (index, ListenerReport { conditions, .. }) in status.report.listeners.iter().enumerate() {
            let at = format!("spec.listeners[{index}]");
            conditions.iter().for_each(|condition| self.add(it, &at, condition));
        }
        for ParentReport { parent_ref, conditions, .. } in status.report.parents.iter().flatten() {
            let parents = list(it.object.body.get("spec"), "parentRefs");
            let is_it = |parent: &Value| ParentRef::deserialize(parent).is_ok_and(|parent| parent == *parent_ref);
            let at = parents
                .iter()
                .position(is_it)
                .map_or_else(|| "spec".to_owned(), |index| format!("spec.parentRefs[{index}]"));
            conditions.iter().for_each(|condition| self.add(it, &at, condition));
        }
    }

    /// Takes in a condition about what is written at `at`, unless it is good news.
    fn add(&mut self, it: &Admitted<'_>, at: &str, condition: &Condition) {
        let is_bad = match condition.kind {
            "Conflicted" | "PartiallyInvalid" => condition.status == ConditionStatus::True,
            "Accepted" | "ResolvedRefs" => condition.status != ConditionStatus::True,
            _ => false,
        };
        if !is_bad || is_told_elsewhere(condition) {
            return;
        }
        let message = condition.message.strip_prefix("Dropped Rule: ").unwrap_or(&condition.message);
        for sentence in sentences(message) {
            let (path, said) = placed(at, sentence);
            let said = if said.is_empty() { format!("{} is not so", condition.kind) } else { said.to_owned() };
            let problem = it.document.problem(&path, said);
            let found = if is_open(condition, sentence) { &mut self.warnings } else { &mut self.problems };
            // Each parent of a route says what is wrong with its rules.
            if !found.contains(&problem) {
                found.push(problem);
            }
        }
    }

    /// A Gateway of which nothing is said: its class is another controller's.
    fn of_foreign(&mut self, it: &Admitted<'_>, admitted: &[Admitted<'_>]) {
        if it.kind.kind != "Gateway" {
            return;
        }
        let class = it.object.body.get("spec").and_then(|spec| spec["gatewayClassName"].as_str()).unwrap_or_default();
        if let Some(controller) = controller(class, it.kind.group, admitted) {
            let message = format!("GatewayClass {class} is of the controller {controller}: Backstay does not serve it");
            self.warnings.push(it.document.problem("spec.gatewayClassName", message));
        }
    }

    /// A route without parents, or whose parents are another controller's, of which nothing is said.
    fn of_parents(&mut self, it: &Admitted<'_>, admitted: &[Admitted<'_>], namespace: Option<&Segment>) {
        let parents = list(it.object.body.get("spec"), "parentRefs");
        if parents.is_empty() {
            self.problems.push(it.document.problem("spec", "it names no Gateway in parentRefs, so nothing serves it"));
        }
        for (index, parent) in parents.iter().enumerate() {
            let own = namespace_of(it.document, namespace).to_string();
            let place = parent["namespace"].as_str().unwrap_or(&own);
            let gateway = admitted.iter().find(|other| {
                let metadata = &other.object.metadata;
                other.kind.kind == "Gateway"
                    && other.kind.group == it.kind.group
                    && parent["name"].as_str() == Some(metadata.name.as_str())
                    && (!other.kind.is_namespaced() || metadata.namespace == place)
            });
            let class = gateway.and_then(|gateway| gateway.object.body.get("spec")?["gatewayClassName"].as_str());
            let controller = class.and_then(|class| controller(class, it.kind.group, admitted));
            if let (Some(class), Some(controller)) = (class, controller) {
                let message =
                    format!("its GatewayClass {class} is of the controller {controller}: Backstay does not serve it");
                self.warnings.push(it.document.problem(&format!("spec.parentRefs[{index}].name"), message));
            }
        }
    }
}

/// The controller of a class among the manifests that is another's.
fn controller<'a>(class: &str, group: &str, admitted: &'a [Admitted<'_>]) -> Option<&'a str> {
    let mut classes = admitted.iter().filter(|other| other.kind.kind == "GatewayClass" && other.kind.group == group);
    let class = classes.find(|other| other.object.metadata.name == class)?;
    let controller = class.object.body.get("spec")?["controllerName"].as_str()?;
    let ours = [backstay_resources::gateway::CONTROLLER_NAME, backstay_resources::gateway::APOXY_CONTROLLER_NAME];
    (!ours.contains(&controller)).then_some(controller)
}

/// Whether a condition only says that an object is in none of the manifests, which is found for each reference by itself.
fn is_told_elsewhere(condition: &Condition) -> bool {
    let missing = condition.message.ends_with(" does not exist");
    match condition.reason {
        "NoMatchingParent" => missing,
        "TargetNotFound" => true,
        _ => false,
    }
}

/// Whether what is wrong can be mended by objects that are stored already.
fn is_open(condition: &Condition, sentence: &str) -> bool {
    match condition.reason {
        "Pending" | "NotAllowedByListeners" | "CertificateExpired" | "CertificateNotYetValid" => true,
        "BackendNotFound" | "InvalidCertificateRef" | "InvalidCACertificateRef" | "InvalidParameters" => {
            sentence.contains("does not exist")
        }
        _ => condition.kind == "ResolvedRefs" && sentence.contains("does not exist"),
    }
}

/// The sentences of a message, each about another field.
fn sentences(message: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut rest = message;
    loop {
        let next = ["; rules[", "; spec.", "; tls."].into_iter().filter_map(|mark| rest.find(mark)).min();
        let Some(end) = next else { break };
        sentences.push(&rest[..end]);
        rest = &rest[end + "; ".len()..];
    }
    sentences.push(rest);
    sentences
}

/// Fields below which a sentence may name its own.
const FIELDS: [&str; 6] = ["rules[", "tls.", "allowedRoutes.", "addresses[", "healthChecks[", "parentRefs["];

/// The path of the field that a sentence about `at` begins with, and what it says of it.
fn placed<'a>(at: &str, sentence: &'a str) -> (String, &'a str) {
    let (first, rest) = sentence.split_once(' ').unwrap_or((sentence, ""));
    let field = first.trim_end_matches([':', ',']);
    if field.starts_with("spec.") {
        return (field.to_owned(), rest);
    }
    if at == "spec" && sentence.starts_with("GatewayClass ") {
        return ("spec.gatewayClassName".to_owned(), sentence);
    }
    if !FIELDS.iter().any(|known| field.starts_with(known)) {
        return (at.to_owned(), sentence);
    }
    // What is said of a rule stands in the spec, wherever the parent is that says so.
    let above = if field.starts_with("rules[") { "spec" } else { at };
    (format!("{above}.{field}"), rest)
}

fn list<'a>(value: Option<&'a Value>, field: &str) -> &'a [Value] {
    value.and_then(|value| value.get(field)?.as_array()).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
