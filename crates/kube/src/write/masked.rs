//! Updates that name the fields they are about.

use serde_json::{Map, Value};

/// The fields of an object that are replaced, and what by.
#[derive(Debug)]
pub(crate) struct Masked {
    /// An object that has the new values; a field that it lacks is taken away.
    pub(crate) fields: Map<String, Value>,
    /// Paths of names, such as `spec`, `endpoints`. None goes through a list.
    pub(crate) paths: Vec<Vec<String>>,
    /// The version that the object must have.
    pub(crate) version: Option<u64>,
}

impl Masked {
    /// The object that this makes of another.
    pub(super) fn apply(&self, mut live: Map<String, Value>) -> Map<String, Value> {
        for path in &self.paths {
            let Some((last, parents)) = path.split_last() else { continue };
            let wanted = parents.iter().try_fold(&self.fields, |fields, name| fields.get(name)?.as_object());
            match wanted.and_then(|fields| fields.get(last)) {
                Some(value) => set(&mut live, parents, last, value.clone()),
                None => unset(&mut live, parents, last),
            }
        }
        let metadata = live.entry("metadata").or_insert_with(|| Map::new().into()).as_object_mut();
        if let (Some(metadata), Some(version)) = (metadata, self.version) {
            metadata.insert("resourceVersion".into(), version.to_string().into());
        }
        live
    }
}

fn set(fields: &mut Map<String, Value>, parents: &[String], last: &str, value: Value) {
    let Some((first, rest)) = parents.split_first() else {
        fields.insert(last.to_owned(), value);
        return;
    };
    let below = fields.entry(first.as_str()).or_insert_with(|| Map::new().into());
    if !below.is_object() {
        *below = Map::new().into();
    }
    if let Some(below) = below.as_object_mut() {
        set(below, rest, last, value);
    }
}

fn unset(fields: &mut Map<String, Value>, parents: &[String], last: &str) {
    match parents.split_first() {
        None => drop(fields.shift_remove(last)),
        Some((first, rest)) => {
            if let Some(below) = fields.get_mut(first).and_then(Value::as_object_mut) {
                unset(below, rest, last);
            }
        }
    }
}

#[cfg(test)]
mod tests;
