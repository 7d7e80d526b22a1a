//! What goes in: changes of objects.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use backstay_model::Scoped;
use backstay_resources::{Kind, Object};

/// The name of one object.
#[derive(Clone)]
pub struct ObjectKey {
    /// Its kind. Keys compare it by [`Kind::resource`].
    pub kind: &'static Kind,
    /// Empty for cluster-scoped kinds.
    pub namespace: Arc<str>,
    /// Its own name.
    pub name: Arc<str>,
}

/// An object that was created, changed or deleted.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which one.
    pub key: ObjectKey,
    /// What it is now. `None`: it is gone.
    pub object: Option<Arc<Object>>,
}

impl ObjectKey {
    /// Joins the parts.
    #[must_use]
    pub fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        // The empty text has one place for all, which takes no memory.
        let namespace = if namespace.is_empty() { Arc::default() } else { namespace.into() };
        Self { kind, namespace, name: name.into() }
    }

    /// The name of `object`, which is of the kind `kind`.
    #[must_use]
    pub fn of(kind: &'static Kind, object: &Object) -> Self {
        let namespace = if kind.is_namespaced() { object.metadata.namespace.as_str() } else { "" };
        Self::new(kind, namespace, &object.metadata.name)
    }

    /// `NAMESPACE/NAME`, or `NAME` where there is no namespace.
    #[must_use]
    pub fn path(&self) -> String {
        self.scoped().to_string()
    }

    /// As names of discovery resources have it.
    pub(crate) fn scoped(&self) -> Scoped<'_> {
        Scoped { namespace: &self.namespace, name: &self.name }
    }

    /// A kind is mostly one static, which a look at the address tells.
    fn is_of(&self, kind: &'static Kind) -> bool {
        std::ptr::eq(self.kind, kind) || self.kind == kind
    }
}

impl Change {
    /// `object`, which is of the kind `kind`, was created or changed.
    #[must_use]
    pub fn set(kind: &'static Kind, object: Arc<Object>) -> Self {
        Self { key: ObjectKey::of(kind, &object), object: Some(object) }
    }

    /// The object is gone.
    #[must_use]
    pub fn gone(key: ObjectKey) -> Self {
        Self { key, object: None }
    }
}

impl PartialEq for ObjectKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.namespace == other.namespace && self.is_of(other.kind)
    }
}

impl Eq for ObjectKey {}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let kinds = if self.is_of(other.kind) {
            Ordering::Equal
        } else {
            (self.kind.plural, self.kind.group).cmp(&(other.kind.plural, other.kind.group))
        };
        kinds.then_with(|| (&self.namespace, &self.name).cmp(&(&other.namespace, &other.name)))
    }
}

impl Hash for ObjectKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Keys are hashed often. Few kinds have a plural in common, so the group would add little.
        (self.kind.plural, &self.namespace, &self.name).hash(state);
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind.kind, self.path())
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind.resource(), self.path())
    }
}
