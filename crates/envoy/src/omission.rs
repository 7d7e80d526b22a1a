//! What is not given to Envoy.

use std::sync::Arc;

/// Something that a resource asks for and Envoy does not get.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Omission {
    /// Name of the resource that asks for it, as in `backstay.config.v1`.
    pub resource: Arc<str>,
    /// Path of the field; empty when it is the whole.
    pub field: String,
    /// A sentence about it, without the field.
    pub message: String,
    /// What comes of it.
    pub severity: Severity,
}

/// What comes of an omission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is served without the setting, or nearly as it says.
    Approximate,
    /// It is not served at all.
    LeftOut,
}

/// Collects omissions of one resource.
#[derive(Debug)]
pub(crate) struct Omissions<'a> {
    resource: &'a Arc<str>,
    all: Vec<Omission>,
}

impl<'a> Omissions<'a> {
    pub(crate) fn of(resource: &'a Arc<str>) -> Self {
        Self { resource, all: Vec::new() }
    }

    /// Something is served nearly as asked for.
    pub(crate) fn approximate(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add(field.into(), message.into(), Severity::Approximate);
    }

    /// Something is not served.
    pub(crate) fn left_out(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.add(field.into(), message.into(), Severity::LeftOut);
    }

    pub(crate) fn into_vec(self) -> Vec<Omission> {
        self.all
    }

    fn add(&mut self, field: String, message: String, severity: Severity) {
        let omission = Omission { resource: Arc::clone(self.resource), field, message, severity };
        if !self.all.contains(&omission) {
            self.all.push(omission);
        }
    }
}
