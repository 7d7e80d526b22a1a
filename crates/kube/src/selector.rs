//! Which objects of a collection a request is about.
//!
//! Source: Kubernetes, "Labels and Selectors", "Field Selectors".

mod fields;
mod labels;
#[cfg(test)]
mod tests;

use backstay_resources::Object;
use backstay_store::Entry;

use self::fields::FieldRequirement;
use self::labels::LabelRequirement;
use crate::served::ServedKind;
use crate::status::Failure;

/// A label selector and a field selector; both must match.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    labels: Vec<LabelRequirement>,
    fields: Vec<FieldRequirement>,
}

impl Selection {
    /// Reads both selectors; empty ones match everything.
    pub(crate) fn parse(served: &ServedKind, labels: &str, fields: &str) -> Result<Self, Failure> {
        Ok(Self {
            labels: labels::parse(labels)
                .map_err(|why| Failure::bad_request(format!("unable to parse requirement: {why}")))?,
            fields: fields::parse(served.kind, fields).map_err(Failure::bad_request)?,
        })
    }

    /// Whether it matches every object.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The one name that it selects, if it selects one: what is looked for needs no search then.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.iter().find_map(FieldRequirement::name)
    }

    /// Whether it matches a stored object, which is decoded as far as needed.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        let (name, namespace) = (entry.key.name(), entry.key.namespace());
        if !self.fields.iter().all(|field| field.matches_key(name, namespace)) {
            return false;
        }
        if !self.labels.is_empty() && !labels::matches(&self.labels, &entry.value.bytes()) {
            return false;
        }
        if self.fields.iter().all(FieldRequirement::is_key) {
            return true;
        }
        match Object::decode(&entry.value.bytes()) {
            Ok(object) => self.fields.iter().all(|field| field.matches_object(&object)),
            Err(error) => {
                tracing::error!(key = %entry.key, %error, "a stored object cannot be decoded");
                false
            }
        }
    }
}
