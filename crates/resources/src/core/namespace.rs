#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::body;
use crate::kind::Column;
use crate::object::Object;
use crate::table;

/// The label by which selectors of namespaces can name one. Kubernetes sets it on each.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) static COLUMNS: &[Column] = &[table::text("Status", "Active, or Terminating while it is being deleted.")];

pub(super) fn cells(object: &Object) -> Vec<Value> {
    vec![table::text_at(object, "/status/phase").into()]
}

/// Labels it with its name, and says in which phase it is.
pub(super) fn fill(object: &mut Object) {
    let metadata = &mut object.metadata;
    if !metadata.name.is_empty() {
        metadata.labels.insert(NAME_LABEL.to_owned(), metadata.name.clone());
    }
    let phase = if metadata.deletion_timestamp.is_some() { "Terminating" } else { "Active" };
    if let Some(status) = body::make(&mut object.body, "status") {
        status.insert("phase".to_owned(), phase.into());
    }
}
