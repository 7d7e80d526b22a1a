//! References that lead out of the files.

use std::collections::HashSet;

use serde_json::Value;

use crate::client::Segment;
use crate::command::object_ref::namespace_of;
use crate::manifest::{Document, Problem};

/// References to Backends and Gateways that none of `documents` is.
pub(super) fn missing(documents: &[Document], namespace: Option<&Segment>) -> Vec<Problem> {
    let identity = |document| identity(document, namespace);
    let there: HashSet<(&str, String, &str)> = documents.iter().map(identity).collect();
    let mut warnings = Vec::new();
    for document in documents {
        for reference in references(document, namespace) {
            let namespace = if reference.kind == "Gateway" { reference.namespace.clone() } else { String::new() };
            if !there.contains(&(reference.kind, namespace, reference.name.as_str())) {
                let message = format!("{} {:?} is in none of these files", reference.kind, reference.name);
                warnings.push(document.problem(&reference.path, message));
            }
        }
    }
    warnings
}

/// Kind, namespace and name, as references give them. Cluster-scoped kinds have no namespace.
fn identity<'a>(document: &'a Document, wanted: Option<&Segment>) -> (&'a str, String, &'a str) {
    let name = &document.name;
    let is_scoped = name.api_version.starts_with("gateway.networking.k8s.io/");
    let namespace = if is_scoped { namespace_of(document, wanted).to_string() } else { String::new() };
    (&name.kind, namespace, name.name.as_str())
}

/// A reference to another object.
struct Reference {
    path: String,
    kind: &'static str,
    namespace: String,
    name: String,
}

fn references(document: &Document, wanted: Option<&Segment>) -> Vec<Reference> {
    let mut found = Vec::new();
    let spec = &document.object["spec"];
    match document.name.kind.as_str() {
        "HTTPRoute" => {
            let (_, own_namespace, _) = identity(document, wanted);
            for (index, parent) in list(&spec["parentRefs"]) {
                if parent["kind"].as_str().is_none_or(|kind| kind == "Gateway") {
                    let namespace = parent["namespace"].as_str().unwrap_or(&own_namespace).to_owned();
                    found.extend(named(parent, "Gateway", namespace, format!("spec.parentRefs[{index}].name")));
                }
            }
            for (index, rule) in list(&spec["rules"]) {
                let rule_path = format!("spec.rules[{index}]");
                for (index, backend) in list(&rule["backendRefs"]) {
                    found.extend(backend_ref(backend, &format!("{rule_path}.backendRefs[{index}]")));
                }
                for (index, filter) in list(&rule["filters"]) {
                    let path = format!("{rule_path}.filters[{index}].requestMirror.backendRef");
                    found.extend(backend_ref(&filter["requestMirror"]["backendRef"], &path));
                }
            }
        }
        // Of the Secrets of a Gateway, its listeners' conditions tell.
        "BackendPolicy" => {
            for (index, target) in list(&spec["targetRefs"]) {
                found.extend(backend_ref(target, &format!("spec.targetRefs[{index}]")));
            }
        }
        _ => {}
    }
    found
}

/// A reference to a Backend, which says so: one that says nothing means a Service.
fn backend_ref(reference: &Value, path: &str) -> Option<Reference> {
    let is_backend = reference["kind"] == "Backend";
    is_backend.then(|| named(reference, "Backend", String::new(), format!("{path}.name")))?
}

fn named(reference: &Value, kind: &'static str, namespace: String, path: String) -> Option<Reference> {
    let name = reference["name"].as_str().filter(|name| !name.is_empty())?.to_owned();
    Some(Reference { path, kind, namespace, name })
}

fn list(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate()
}
