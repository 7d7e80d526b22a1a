//! Strategic merge patches, for the core kinds alone: clients have their Go types and send nothing else for them.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/strategicpatch`. Of the core kinds served here, two lists are merged, both
//! in the metadata and both without a meaningful order: `finalizers`, a set, and `ownerReferences`, by `uid`.

use serde_json::{Map, Value};

const ORDER: &str = "$setElementOrder/";
const DELETE_VALUES: &str = "$deleteFromPrimitiveList/";

/// Why a strategic merge patch cannot be applied, whatever the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MergeError {
    /// `$patch` has a value that is not known.
    #[error("$patch must be replace or delete")]
    Directive,
    /// A directive with this name takes a list.
    #[error("{0} must be a list")]
    NotAList(String),
    /// No directive has this name.
    #[error("{0} is not a directive of strategic merge patches")]
    UnknownDirective(String),
    /// An item of `ownerReferences` is something else.
    #[error("an owner reference must be an object")]
    OwnerNoObject,
    /// Without it nothing says which one is meant.
    #[error("an owner reference is merged by its uid, which is missing")]
    OwnerWithoutUid,
}

/// Merges `patch` into `document`.
pub(super) fn merge(document: &mut Value, patch: &Map<String, Value>) -> Result<(), MergeError> {
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let Some(fields) = document.as_object_mut() else { return Ok(()) };
    match patch.get("$patch").map(Value::as_str) {
        None => {}
        Some(Some("replace")) => {
            *fields = patch.clone();
            fields.remove("$patch");
            return Ok(());
        }
        Some(Some("delete")) => {
            fields.clear();
            return Ok(());
        }
        Some(_) => return Err(MergeError::Directive),
    }
    if let Some(kept) = patch.get("$retainKeys") {
        let kept = kept.as_array().ok_or_else(|| MergeError::NotAList("$retainKeys".to_owned()))?;
        fields.retain(|name, _| kept.iter().any(|kept| kept.as_str() == Some(name)));
    }
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix(DELETE_VALUES) {
            let gone = value.as_array().ok_or_else(|| MergeError::NotAList(name.clone()))?;
            if let Some(items) = fields.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
        } else if name.starts_with(ORDER) || name == "$retainKeys" {
            // The lists that are merged have no order.
        } else if name.starts_with('$') {
            return Err(MergeError::UnknownDirective(name.clone()));
        } else {
            merge_field(fields, name, value)?;
        }
    }
    Ok(())
}

fn merge_field(fields: &mut Map<String, Value>, name: &str, value: &Value) -> Result<(), MergeError> {
    match (name, value) {
        (_, Value::Null) => {
            fields.shift_remove(name);
        }
        (_, Value::Object(patch)) => merge(fields.entry(name).or_insert(Value::Null), patch)?,
        ("finalizers", Value::Array(added)) if fields.contains_key("name") => {
            let mut items = taken(fields, name);
            for item in added {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
            fields.insert(name.to_owned(), Value::Array(items));
        }
        ("ownerReferences", Value::Array(patches)) => {
            let mut items = taken(fields, name);
            for patch in patches {
                merge_owner(&mut items, patch)?;
            }
            fields.insert(name.to_owned(), Value::Array(items));
        }
        (_, value) => {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

fn merge_owner(items: &mut Vec<Value>, patch: &Value) -> Result<(), MergeError> {
    let patch = patch.as_object().ok_or(MergeError::OwnerNoObject)?;
    let uid = patch.get("uid").ok_or(MergeError::OwnerWithoutUid)?;
    let at = items.iter().position(|item| item.get("uid") == Some(uid));
    match (at, patch.get("$patch").and_then(Value::as_str)) {
        (Some(at), Some("delete")) => {
            items.remove(at);
        }
        (None, Some("delete")) => {}
        (Some(at), _) => merge(&mut items[at], patch)?,
        (None, _) => {
            let mut item = Value::Null;
            merge(&mut item, patch)?;
            items.push(item);
        }
    }
    Ok(())
}

/// The list under `name`, taken out; empty if there is none.
fn taken(fields: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match fields.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}
