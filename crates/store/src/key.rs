//! What an object is called.

use std::fmt;
use std::sync::Arc;

/// The name of one stored object: its resource (`backends.core.apoxy.dev`), its namespace (empty for cluster-scoped
/// resources) and its name, kept as one string `RESOURCE/NAMESPACE/NAME`. Orders as that string does, so that a resource,
/// and a namespace of a resource, are contiguous.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Joins the parts. None of them may contain `/`; API servers check names before they come here.
    #[must_use]
    pub fn new(resource: &str, namespace: &str, name: &str) -> Self {
        debug_assert!(!resource.contains('/') && !namespace.contains('/') && !name.contains('/'));
        Self([resource, namespace, name].join("/").into())
    }

    /// Reads what [`Key::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.bytes().filter(|byte| *byte == b'/').count() == 2).then(|| Self(text.into()))
    }

    /// Such as `backends.core.apoxy.dev`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(0)
    }

    /// Empty for cluster-scoped resources.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.part(1)
    }

    /// The object's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part(2)
    }

    /// `RESOURCE/NAMESPACE/NAME`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A bound for ranges; not the name of an object.
    pub(crate) fn from_raw(text: &str) -> Self {
        Self(text.into())
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(3, '/').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A contiguous range of keys: everything, a resource, or a namespace of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self("".into())
    }

    /// Every object of a resource, in all namespaces.
    #[must_use]
    pub fn resource(resource: &str) -> Self {
        Self(format!("{resource}/").into())
    }

    /// Every object of a resource in one namespace. The empty namespace is that of cluster-scoped resources.
    #[must_use]
    pub fn namespace(resource: &str, namespace: &str) -> Self {
        Self(format!("{resource}/{namespace}/").into())
    }

    /// Whether `key` lies in the range.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        key.as_str().starts_with(&*self.0)
    }

    /// The text that keys in the range begin with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
