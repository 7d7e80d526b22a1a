//! ReferenceGrants: what objects of other namespaces may refer to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use backstay_resources::Object;
use backstay_resources::core::SECRET;
use backstay_resources::gateway::{REFERENCE_GRANT, ReferenceGrant, ReferenceGrantSpec};

use super::tables::Tables;
use crate::change::ObjectKey;
use crate::graph::Graph;
use crate::secret::SecretName;

/// The grants of each namespace, by name.
#[derive(Debug, Default)]
pub(super) struct Grants(HashMap<Arc<str>, BTreeMap<Arc<str>, ReferenceGrantSpec>>);

impl Grants {
    /// Whether a Gateway may refer to a Secret of another namespace.
    pub(super) fn let_gateway(&self, gateway: &ObjectKey, secret: &SecretName) -> bool {
        let from = (gateway.kind.group, gateway.kind.kind);
        let to = (SECRET.group, SECRET.kind);
        let grants = self.0.get(&secret.namespace).into_iter().flat_map(BTreeMap::values);
        grants.into_iter().any(|grant| grant.lets(from, &gateway.namespace, to, &secret.name))
    }
}

/// Stands for all grants of a namespace: what depends on one depends on each.
pub(super) fn grants_key(namespace: &Arc<str>) -> ObjectKey {
    ObjectKey { kind: &REFERENCE_GRANT, namespace: Arc::clone(namespace), name: Arc::default() }
}

impl Tables {
    /// A grant that cannot be read grants nothing: what it said before is no reason to let anybody in.
    pub(super) fn read_grant(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let spec = object.and_then(|object| object.typed::<ReferenceGrant>().ok()).map(|grant| grant.spec);
        let grants = self.grants.0.entry(Arc::clone(&key.namespace)).or_default();
        let before = match spec.clone() {
            Some(spec) => grants.insert(Arc::clone(&key.name), spec),
            None => grants.remove(&key.name),
        };
        if grants.is_empty() {
            self.grants.0.remove(&key.namespace);
        }
        if before != spec {
            graph.changed(&grants_key(&key.namespace));
        }
    }
}
