//! What may change of an object whose deletion is under way.

use crate::field::{FieldError, FieldPath};
use crate::kind::Kind;
use crate::object::Object;

/// Finalizers may only go.
pub(super) fn finalizers(new: &Object, old: &Object) -> Option<FieldError> {
    let added: Vec<&String> =
        new.metadata.finalizers.iter().filter(|name| !old.metadata.finalizers.contains(name)).collect();
    if added.is_empty() {
        return None;
    }
    let detail = format!("no finalizer can be added while the object is being deleted: {added:?}");
    Some(FieldError::forbidden(FieldPath::new("metadata").child("finalizers"), &detail))
}

/// Whether `new` asks for what `old` asks for: nothing but metadata and status differ.
pub(super) fn asks_for_the_same(kind: &Kind, new: &Object, old: &Object) -> bool {
    let wishes = |object: &Object| {
        let mut body = object.body.clone();
        body.remove("status");
        body
    };
    let mut old = old.clone();
    (kind.default)(&mut old);
    wishes(new) == wishes(&old)
}
