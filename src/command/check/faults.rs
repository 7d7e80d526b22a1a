//! What is wrong with manifests whatever is stored.

use std::collections::HashMap;

use backstay_resources::Kind;
use backstay_resources::check::{admit, prune};
use serde_json::Value;

use crate::client::Segment;
use crate::command::hints;
use crate::command::object_ref::namespace_of;
use crate::manifest::{Document, Problem};

/// Everything that a control plane would refuse about one object of a kind.
pub(super) fn of(kind: &Kind, document: &Document, namespace: Option<&Segment>) -> Vec<Problem> {
    let mut object = with_namespace(kind, document, namespace);
    let surplus = prune(kind, &mut object);
    let unknown = surplus.iter().map(|field| {
        let path = field.path().as_str();
        let hint = hints::field(kind, path).map_or_else(String::new, |known| format!("; is {known} meant?"));
        document.problem(path, format!("there is no such field{hint}"))
    });
    let mut problems: Vec<_> = unknown.collect();
    if let Err(errors) = admit(kind, object, None) {
        problems.extend(errors.iter().map(|error| {
            let path = error.path.as_str();
            let hint = hints::unfilled(&document.object, path).unwrap_or_default();
            document.problem(path, format!("{}{hint}", error.message))
        }));
    }
    problems
}

/// What of a valid object will hardly do what it seems to be for.
pub(super) fn doubts(document: &Document, namespace: Option<&Segment>) -> Vec<Problem> {
    let admitted = document.kind().and_then(|kind| admit(kind, with_namespace(kind, document, namespace), None).ok());
    let doubts = admitted.map(|admitted| admitted.warnings).unwrap_or_default();
    doubts.into_iter().map(|doubt| document.problem("", doubt)).collect()
}

/// The object with the namespace that `apply` would give it.
pub(in crate::command) fn with_namespace(kind: &Kind, document: &Document, namespace: Option<&Segment>) -> Value {
    let mut object = document.object.clone();
    if kind.is_namespaced()
        && document.name.namespace.is_none()
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), Value::from(namespace_of(document, namespace).as_str()));
    }
    object
}

/// Objects that are written more than once, of which only the last would stay.
pub(in crate::command) fn repeated(documents: &[Document], namespace: Option<&Segment>) -> Vec<Problem> {
    let mut first: HashMap<_, &Document> = HashMap::new();
    let mut problems = Vec::new();
    for document in documents {
        let name = &document.name;
        // Of a kind that is not known here, the control plane says whether it lives in namespaces.
        let is_namespaced = document.kind().is_none_or(Kind::is_namespaced);
        let place = is_namespaced.then(|| namespace_of(document, namespace));
        match first.entry((&name.api_version, &name.kind, place, &name.name)) {
            std::collections::hash_map::Entry::Occupied(earlier) => {
                let message = format!("it is already at {}", earlier.get().location());
                problems.push(document.problem("metadata.name", message));
            }
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(document);
            }
        }
    }
    problems
}
