//! Where the objects of manifests are, or are to be.

use super::hints;
use crate::client::{Discovery, ResourceType, Segment};
use crate::manifest::{Document, Problem};

/// An object of the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectRef {
    /// Its kind.
    pub(crate) resource: ResourceType,
    /// Its namespace; does not matter for a cluster-scoped kind.
    pub(crate) namespace: Segment,
    /// Its name.
    pub(crate) name: Segment,
}

/// Finds the object that each document means, or what is wrong: a kind that is not served, or a namespace other than `wanted`,
/// where the command line names one.
pub(crate) fn find<'a>(
    documents: &'a [Document],
    discovery: &Discovery,
    wanted: Option<&Segment>,
) -> (Vec<(&'a Document, ObjectRef)>, Vec<Problem>) {
    let (mut targets, mut problems) = (Vec::new(), Vec::new());
    for document in documents {
        let name = &document.name;
        let Some(resource) = discovery.of(&name.api_version, &name.kind) else {
            // A control plane of another version may lack a kind that this one knows.
            problems.push(match document.kind() {
                None => hints::unknown_kind(document),
                Some(_) => {
                    let message = format!("the control plane does not serve {} {}", name.api_version, name.kind);
                    document.problem("kind", message)
                }
            });
            continue;
        };
        if resource.namespaced {
            problems.extend(clash(document, wanted));
        }
        let namespace = namespace_of(document, wanted);
        targets.push((document, ObjectRef { resource: resource.clone(), namespace, name: name.name.clone() }));
    }
    (targets, problems)
}

/// The namespace that a document's object goes to: its own, or `wanted`, or `default`.
pub(crate) fn namespace_of(document: &Document, wanted: Option<&Segment>) -> Segment {
    document.name.namespace.as_ref().or(wanted).cloned().unwrap_or_else(Segment::default_namespace)
}

/// A document of a namespaced kind that names another namespace than the command line does.
pub(crate) fn clash(document: &Document, wanted: Option<&Segment>) -> Option<Problem> {
    let (own, wanted) = (document.name.namespace.as_ref()?, wanted?);
    (own != wanted).then(|| {
        // The sentence of kubectl.
        let message = format!(
            "the namespace from the provided object \"{own}\" does not match the namespace \"{wanted}\". You must pass \
             '--namespace={own}' to perform this operation."
        );
        document.problem("metadata.namespace", message)
    })
}
