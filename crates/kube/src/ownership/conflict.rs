//! What stands in the way of an apply.
//!
//! Source: Kubernetes, `apimachinery/pkg/util/managedfields`, for the words, which kubectl prints.

use super::element;
use super::managers::{Manager, Operation};
use super::set::FieldSet;

/// How many conflicts of one apply are told at most.
pub(crate) const MAX_TOLD: usize = 200;

/// A field that one applies and another owns, with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// Who owns it, as messages name it.
    pub(crate) manager: String,
    /// The path of the field as sets of fields have it.
    elements: Vec<String>,
}

impl Conflict {
    /// One for each field of `fields`, which `manager` owns.
    pub(super) fn each(manager: &Manager<'_>, fields: &FieldSet<'_>) -> Vec<Self> {
        let name = named(manager);
        let mut conflicts = Vec::new();
        fields.each(&mut Vec::new(), &mut |path| {
            let elements = path.iter().map(|element| (*element).to_owned()).collect();
            conflicts.push(Self { manager: name.clone(), elements });
        });
        conflicts
    }

    /// The path of the field, such as `.spec.listeners[name="http"].port`.
    pub(crate) fn field(&self) -> String {
        let elements: Vec<&str> = self.elements.iter().map(String::as_str).collect();
        element::shown(&elements)
    }

    /// Whether the field is one of these.
    pub(super) fn is_in(&self, fields: &FieldSet<'_>) -> bool {
        let elements: Vec<&str> = self.elements.iter().map(String::as_str).collect();
        fields.has(&elements)
    }

    /// All of them, for a person; the first [`MAX_TOLD`] by their fields.
    pub(crate) fn message(conflicts: &[Self]) -> String {
        if let [one] = conflicts {
            return format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager, one.field());
        }
        let told = &conflicts[..conflicts.len().min(MAX_TOLD)];
        let mut managers: Vec<&str> = told.iter().map(|conflict| conflict.manager.as_str()).collect();
        managers.sort_unstable();
        managers.dedup();
        let mut lines = Vec::new();
        for manager in managers {
            lines.push(format!("conflicts with {manager}:"));
            let fields = told.iter().filter(|conflict| conflict.manager == manager).map(Self::field);
            lines.extend(fields.map(|field| format!("- {field}")));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    }
}

/// A manager as messages name it.
fn named(manager: &Manager<'_>) -> String {
    let mut name = format!("{:?}", manager.name);
    if !manager.subresource.is_empty() {
        name.push_str(&format!(" with subresource {:?}", manager.subresource));
    }
    if manager.operation == Operation::Update {
        name.push_str(&format!(" using {}", manager.api_version));
    }
    name
}
