//! The kinds that are served, with what is derived from each.

use std::sync::Arc;

use backstay_resources::core::NAMESPACE;
use backstay_resources::event::{self, EVENT, EVENT_OF_GROUP};
use backstay_resources::{Kind, Object};
use backstay_store::{Key, Prefix};

/// A kind with the names derived from it, so that no request has to build them.
#[derive(Debug)]
pub struct ServedKind {
    /// The kind.
    pub kind: &'static Kind,
    /// `GROUP/VERSION`
    pub api_version: String,
    /// As what its objects are stored, where that is another version of the kind.
    pub(crate) stored_as: Option<String>,
    /// The store's name for it.
    pub resource: String,
    /// Such as `BackendList`.
    pub(crate) list_kind: String,
    /// Whether its objects are namespaces, which go once what is in them has gone.
    pub(crate) is_namespace: bool,
    /// Whether its objects are events, which are in memory, in one store for both kinds of them.
    pub(crate) is_event: bool,
}

/// Whether a kind is Kubernetes' own, and of no extension: clients have types for it.
pub(crate) fn is_of_kubernetes(kind: &Kind) -> bool {
    ["", "coordination.k8s.io", "events.k8s.io"].contains(&kind.group)
}

impl ServedKind {
    pub(crate) fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            api_version: kind.api_version(),
            stored_as: None,
            // Both kinds of events are the same objects.
            resource: if *kind == EVENT_OF_GROUP { EVENT.resource() } else { kind.resource() },
            list_kind: format!("{}List", kind.kind),
            is_namespace: is_namespace(kind),
            is_event: *kind == EVENT || *kind == EVENT_OF_GROUP,
        }
    }

    /// Makes an object as this kind has it one as it is stored.
    pub(crate) fn to_stored(&self, object: &mut Object) {
        if *self.kind == EVENT_OF_GROUP {
            event::to_stored(object);
        }
    }

    /// A stored object, as this kind has it.
    ///
    /// # Errors
    /// When it is not encoded as objects are.
    pub(crate) fn decode(&self, stored: &[u8]) -> Result<Object, serde_json::Error> {
        let mut object = Object::decode(stored)?;
        if *self.kind == EVENT_OF_GROUP {
            event::to_told(&mut object);
        }
        Ok(object)
    }

    /// The version in which its objects are stored.
    pub(crate) fn stored_version(&self) -> &str {
        self.stored_as.as_deref().unwrap_or(&self.api_version)
    }

    /// What the store calls an object.
    pub(crate) fn key(&self, namespace: &str, name: &str) -> Key {
        Key::new(&self.resource, namespace, name)
    }

    /// Where the store keeps a namespace's objects, or with `None` all.
    pub(crate) fn prefix(&self, namespace: Option<&str>) -> Prefix {
        match namespace {
            Some(namespace) if self.kind.is_namespaced() => Prefix::namespace(&self.resource, namespace),
            _ => Prefix::resource(&self.resource),
        }
    }
}

/// All kinds that are served.
#[derive(Debug)]
pub(crate) struct ServedKinds(Vec<Arc<ServedKind>>);

impl ServedKinds {
    /// `kinds`, of which the first version of each is stored.
    pub(crate) fn new(kinds: impl IntoIterator<Item = &'static Kind>) -> Self {
        let mut all: Vec<Arc<ServedKind>> = Vec::new();
        for kind in kinds {
            let stored_as = all.iter().find(|known| known.kind == kind).map(|known| known.api_version.clone());
            all.push(Arc::new(ServedKind { stored_as, ..ServedKind::new(kind) }));
        }
        Self(all)
    }

    /// The kind that a URL names.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<ServedKind>> {
        let found = self.0.iter().find(|served| {
            let kind = served.kind;
            kind.group == group && kind.version == version && kind.plural == plural
        });
        found.map(Arc::clone)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<ServedKind>> {
        self.0.iter()
    }

    /// The kinds themselves, in the order that they are listed in.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.0.iter().map(|served| served.kind)
    }
}

fn is_namespace(kind: &Kind) -> bool {
    kind.group == NAMESPACE.group && kind.kind == NAMESPACE.kind
}
