//! Creating or changing an object to what a manifest says.

use http::Method;
use serde_json::Value;

use super::merge::{last_applied, three_way, with_last_applied};
use super::{Client, Error, JSON, MERGE_PATCH, ResourceType, Segment};

/// Query of every write: who writes, and that unknown fields are errors.
const WRITE: &str = "fieldManager=backstay-client-side-apply&fieldValidation=Strict";

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The object was not there.
    Created,
    /// The object was otherwise.
    Configured,
    /// The object was as wanted.
    Unchanged,
}

impl Applied {
    /// As kubectl says it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Creates `object`, or changes what is stored to what it says. Fields that an earlier apply set and this one does not
/// are removed; fields that others set stay.
///
/// # Errors
/// When the control plane cannot be reached or refuses.
pub(crate) async fn apply(
    client: &Client,
    resource: &ResourceType,
    namespace: &Segment,
    name: &Segment,
    object: &Value,
) -> Result<(Applied, Value), Error> {
    let mut object = object.clone();
    if resource.namespaced {
        object["metadata"]["namespace"] = Value::from(namespace.as_str());
    }
    let object = with_last_applied(&object);
    let path = resource.object(namespace, name);
    let current = match client.get(&path, JSON).await {
        Ok(current) => current,
        Err(error) if error.is_not_found() => {
            let path = format!("{}?{WRITE}", resource.collection(Some(namespace)));
            return Ok((Applied::Created, client.call(Method::POST, &path, JSON, Some((JSON, &object))).await?));
        }
        Err(error) => return Err(error),
    };
    let patch = three_way(&last_applied(&current), &object, &current);
    if patch.is_empty() {
        return Ok((Applied::Unchanged, current));
    }
    let body = Value::Object(patch);
    let stored = client.call(Method::PATCH, &format!("{path}?{WRITE}"), JSON, Some((MERGE_PATCH, &body))).await?;
    // A patch that only spells out defaults changes nothing, and the server then leaves the object alone.
    let version = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
    let applied = if version(&stored) == version(&current) { Applied::Unchanged } else { Applied::Configured };
    Ok((applied, stored))
}
