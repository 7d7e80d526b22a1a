//! What is known of a kind of object without its Rust type.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use crate::field::FieldError;
use crate::object::Object;

/// Whether objects of a kind live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One name space for all.
    Cluster,
    /// Names are unique within a namespace.
    Namespaced,
}

/// What can be done with objects of a kind, as Kubernetes calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Make one.
    Create,
    /// Delete one.
    Delete,
    /// Delete all that a selector names.
    DeleteCollection,
    /// Read one.
    Get,
    /// Read all.
    List,
    /// Change part of one.
    Patch,
    /// Replace one.
    Update,
    /// Follow changes.
    Watch,
}

impl Verb {
    /// Everything.
    pub const ALL: &'static [Self] = &[
        Self::Create,
        Self::Delete,
        Self::DeleteCollection,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Update,
        Self::Watch,
    ];

    /// Everything, except that objects are deleted one at a time.
    pub const SINGLE: &'static [Self] =
        &[Self::Create, Self::Delete, Self::Get, Self::List, Self::Patch, Self::Update, Self::Watch];

    /// As discovery and access reviews have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

/// A column of `kubectl get`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub name: &'static str,
    /// OpenAPI type: `string`, `integer`.
    pub kind: &'static str,
    /// OpenAPI format, `name` for the name column.
    pub format: &'static str,
    /// What it shows.
    pub description: &'static str,
    /// Above 0 only with `-o wide`.
    pub priority: i32,
}

/// A kind of object. Two are the same when their group and plural are: versions of a kind share objects.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Version within the group.
    pub version: &'static str,
    /// Such as `Backend`.
    pub kind: &'static str,
    /// Such as `backends`.
    pub plural: &'static str,
    /// Such as `backend`.
    pub singular: &'static str,
    /// Where objects live.
    pub scope: Scope,
    /// For `kubectl get SHORT`.
    pub short_names: &'static [&'static str],
    /// For `kubectl get CATEGORY`.
    pub categories: &'static [&'static str],
    /// Whether it has the status subresource.
    pub has_status: bool,
    /// What is wrong with a name for one of its objects: names are the syntax of [`crate::name`] that Kubernetes gives the kind.
    pub check_name: fn(&str) -> Vec<String>,
    /// What can be done with its objects.
    pub verbs: &'static [Verb],
    /// Whether its objects hold what must not be seen in logs, in errors or in debug output.
    pub sensitive: bool,
    /// Hides, in an object that is told to a client, what may be written and not be read. None: all may be read.
    pub redact: Option<fn(&mut Object)>,
    /// JSON schema of the whole object: OpenAPI v3 as Kubernetes publishes it, references resolved. Built once. It is
    /// what is published, what unknown fields are found with, and what types are checked against.
    pub schema: fn() -> &'static Value,
    /// Columns of a table after NAME and before AGE, which all kinds have.
    pub columns: &'static [Column],
    /// The cells of those columns for one object.
    pub cells: fn(&Object) -> Vec<Value>,
    /// Fields that field selectors know besides `metadata.name` and `metadata.namespace`.
    pub selectable: &'static [Selectable],
    /// Fills in defaults and canonical spellings. The object has been checked against the schema.
    pub default: fn(&mut Object),
    /// Finds everything wrong with an object that has the right shape, defaults filled in. `old` is the stored object
    /// when this is an update.
    pub validate: fn(new: &Object, old: Option<&Object>) -> Vec<FieldError>,
    /// What of a valid object will hardly do what it seems to be for.
    pub warn: fn(&Object) -> Vec<String>,
}

/// A field for field selectors.
#[derive(Debug, Clone, Copy)]
pub struct Selectable {
    /// Such as `spec.protocol`.
    pub path: &'static str,
    /// Its value in an object, as selectors compare it.
    pub value: fn(&Object) -> String,
}

impl Kind {
    /// `GROUP/VERSION`, or `VERSION` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The store's name for it: `PLURAL.GROUP`, or `PLURAL` for the core group.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// What tells it from other kinds, of whichever version.
    const fn identity(&self) -> (&'static str, &'static str) {
        (self.plural, self.group)
    }

    /// An object of this kind for debug output: whole, unless the kind is sensitive.
    #[must_use]
    pub fn show<'a>(&self, object: &'a Object) -> impl fmt::Debug + use<'a> {
        Shown { object, whole: !self.sensitive }
    }

    /// Whether objects of this kind live in namespaces.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Kind {}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// An object of a known kind.
struct Shown<'a> {
    object: &'a Object,
    whole: bool,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.whole {
            return self.object.fmt(formatter);
        }
        let Object { api_version, kind, metadata, body } = self.object;
        let mut shown = formatter.debug_struct("Object");
        shown.field("api_version", api_version).field("kind", kind);
        shown.field("metadata", metadata).field("body", body).finish()
    }
}

#[cfg(test)]
mod tests;
