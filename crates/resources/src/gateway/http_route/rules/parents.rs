use std::collections::HashMap;

use super::super::super::reference::MAX_NAME;
use super::super::ParentRef;
use crate::field::{FieldError, FieldPath, Findings};
use crate::name;

const MAX_PARENTS: usize = 32;

/// Checks the references to parents: each well formed, and no two of them the same.
pub(super) fn check(parents: &[ParentRef], path: &FieldPath, findings: &mut Findings) {
    if !findings.most(path, parents.len(), MAX_PARENTS) {
        return;
    }
    let mut seen: HashMap<_, Vec<&ParentRef>> = HashMap::new();
    for (index, parent) in parents.iter().enumerate() {
        let path = path.index(index);
        findings.text(&path.child("name"), &parent.name, MAX_NAME);
        if let Some(namespace) = &parent.namespace {
            findings.each(&path.child("namespace"), namespace, name::label(namespace));
        }
        if let Some(section) = &parent.section_name {
            findings.each(&path.child("sectionName"), section, name::subdomain(section));
        }
        if let Some(port) = parent.port {
            findings.port(&path.child("port"), port);
        }
        let earlier = seen.entry((&parent.group, &parent.kind, &parent.namespace, &parent.name)).or_default();
        if earlier.iter().any(|other| other.section_name == parent.section_name && other.port == parent.port) {
            let mut error = FieldError::duplicate(path, &parent.name);
            error.message.push_str(": sectionName or port must be unique among references to the same parent");
            findings.add(error);
        } else if earlier.iter().any(|other| is_whole(other) != is_whole(parent)) {
            let detail = "sectionName or port must be specified when another reference names the same parent";
            findings.invalid(&path, &parent.name, detail);
        }
        earlier.push(parent);
    }
}

/// Whether it refers to all listeners.
fn is_whole(parent: &ParentRef) -> bool {
    parent.section_name.is_none() && parent.port.is_none()
}
