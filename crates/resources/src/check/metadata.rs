//! What is wrong with the metadata of an object.
//!
//! Source: Kubernetes, `apimachinery/pkg/api/validation`.

#[cfg(test)]
mod tests;

use crate::field::{FieldError, FieldPath};
use crate::kind::Kind;
use crate::meta::{ObjectMeta, OwnerReference};
use crate::name;

/// How large annotations may be, keys and values together, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Who lets the dependents of what is deleted live, and who deletes them first: nobody can do both.
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Finds everything wrong with the metadata of an object of `kind`. Values of annotations are never repeated: kubectl
/// keeps a copy of the whole object in one, of a Secret too.
pub(super) fn validate(kind: &Kind, metadata: &ObjectMeta) -> Vec<FieldError> {
    let path = FieldPath::new("metadata");
    let mut errors = Vec::new();
    names(kind, metadata, &path, &mut errors);
    labels(metadata, &path.child("labels"), &mut errors);
    annotations(metadata, &path.child("annotations"), &mut errors);
    for (index, finalizer) in metadata.finalizers.iter().enumerate() {
        invalid(&path.child("finalizers").index(index), finalizer, name::qualified(finalizer), &mut errors);
    }
    if [ORPHAN, FOREGROUND].iter().all(|name| metadata.finalizers.iter().any(|finalizer| finalizer == name)) {
        let detail = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        errors.push(FieldError::invalid(path.child("finalizers"), format!("{:?}", metadata.finalizers), &detail));
    }
    owners(&metadata.owner_references, &path.child("ownerReferences"), &mut errors);
    errors
}

fn names(kind: &Kind, metadata: &ObjectMeta, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let check = kind.check_name;
    let ObjectMeta { name, generate_name, namespace, .. } = metadata;
    if name.is_empty() && generate_name.is_empty() {
        errors.push(FieldError::required(path.child("name"), "name or generateName is required"));
    } else if !name.is_empty() {
        invalid(&path.child("name"), name, check(name), errors);
    }
    if !generate_name.is_empty() {
        // What is appended is alphanumeric, so that only the end of a prefix may be what the end of a name may not.
        let sample = format!("{}a", generate_name.trim_end_matches('-'));
        invalid(&path.child("generateName"), generate_name, check(&sample), errors);
    }
    if !kind.is_namespaced() && !namespace.is_empty() {
        errors.push(FieldError::forbidden(path.child("namespace"), "not allowed on this type"));
    } else if !namespace.is_empty() {
        invalid(&path.child("namespace"), namespace, name::label(namespace), errors);
    }
}

fn labels(metadata: &ObjectMeta, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for (key, value) in &metadata.labels {
        invalid(path, key, name::qualified(key), errors);
        invalid(path, value, name::label_value(value), errors);
    }
}

fn annotations(metadata: &ObjectMeta, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for key in metadata.annotations.keys() {
        invalid(path, key, name::qualified(&key.to_lowercase()), errors);
    }
    let size: usize = metadata.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long(path.clone(), MAX_ANNOTATIONS));
    }
}

fn owners(owners: &[OwnerReference], path: &FieldPath, errors: &mut Vec<FieldError>) {
    let mut controllers = 0;
    for (index, owner) in owners.iter().enumerate() {
        let path = path.index(index);
        let fields =
            [("apiVersion", &owner.api_version), ("kind", &owner.kind), ("name", &owner.name), ("uid", &owner.uid)];
        for (name, value) in fields {
            if value.is_empty() {
                errors.push(FieldError::required(path.child(name), "must not be empty"));
            }
        }
        controllers += usize::from(owner.controller == Some(true));
    }
    if controllers > 1 {
        let detail = "only one reference can have controller set to true";
        errors.push(FieldError::invalid(path.clone(), controllers, detail));
    }
}

fn invalid(path: &FieldPath, value: &str, problems: Vec<String>, errors: &mut Vec<FieldError>) {
    errors.extend(problems.into_iter().map(|problem| FieldError::invalid(path.clone(), value, &problem)));
}
