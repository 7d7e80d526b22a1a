//! Secrets: as they are, and as they last could serve.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use backstay_model::{Kind as ResourceKind, ResourceName};
use backstay_resources::Object;
use backstay_resources::core::{SECRET, Secret};
use bytes::Bytes;
use serde_json::{Value, json};

use super::fleet_refs::FleetRefs;
use super::{Graph, Offer};
use crate::change::ObjectKey;
use crate::last_good_secret::{LastGoodSecret, LastGoodSecretName};
use crate::output::{ACCEPTED, Condition, ObjectStatus, Report};
use crate::secret::{self, CompiledSecret, Role, SecretFault, SecretModel, SecretName, SecretUse};

const ROLES: [Role; 2] = [Role::Certificate, Role::Authority];

/// All Secrets.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    nodes: HashMap<SecretName, SecretNode>,
    /// Those that changed, and those of which something was restored, and which perhaps nobody needs.
    changed: BTreeSet<SecretName>,
}

/// A Secret, or what remains of it.
/// Holds keys, so it is not printed.
#[derive(Default)]
struct SecretNode {
    /// As it is now.
    model: Option<SecretModel>,
    /// What it has now, by key.
    values: BTreeMap<String, Bytes>,
    /// As it last could serve in each role. Kept while it is needed, so that a mistake with a Secret does not take traffic
    /// away.
    last_good: BTreeMap<Role, CompiledSecret>,
    /// The `metadata.uid` and `metadata.generation` that were read, while it is there.
    read: Option<(String, i64)>,
    /// Whether its type says that it is for proxies.
    is_material: bool,
    /// In which roles it is to be kept beyond this process, since it no longer serves as it is.
    told: BTreeSet<Role>,
}

impl fmt::Debug for SecretNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretNode")
    }
}

impl SecretNode {
    /// What is to be said of it, or which it is when that is nothing: it is gone, or nothing that proxies would ever get.
    fn report(&self, name: &SecretName, refs: &FleetRefs<Arc<str>>) -> Result<ObjectStatus, ObjectKey> {
        let key = ObjectKey { kind: &SECRET, namespace: name.namespace.clone(), name: name.name.clone() };
        let (Some((_, generation)), Some(model)) = (&self.read, &self.model) else { return Err(key) };
        let used = |role: &Role| refs.any(&name.used_as(*role).resource());
        let faults: Vec<_> = ROLES.into_iter().filter(used).filter_map(|role| model.role(role).err()).collect();
        let serves = ROLES.into_iter().any(|role| model.role(role).is_ok());
        let accepted = match faults.first() {
            Some(fault) => Condition::no(ACCEPTED, "Invalid", format!("it {fault}; what it last held stays in use")),
            None if serves => Condition::holds(ACCEPTED),
            None if self.is_material => {
                let fault = model.role(Role::Certificate).err().map(|fault| fault.to_string()).unwrap_or_default();
                Condition::no(ACCEPTED, "Invalid", format!("it {fault}"))
            }
            None => return Err(key),
        };
        let mut programs = Vec::new();
        for role in ROLES.into_iter().filter(|role| model.role(*role).is_ok()) {
            let resource = name.used_as(role).resource();
            programs.extend(refs.fleets(&resource).map(|fleet| (fleet.clone(), resource.clone())));
        }
        programs.sort();
        // Proxies may hold all that they use of it, and yet not what is at fault.
        if !faults.is_empty() {
            programs.clear();
        }
        let mut report = Report::of(vec![accepted]);
        let expires = model.role(Role::Certificate).ok().and_then(|certificate| certificate.expires);
        report.fields.insert("certificateExpires", expires.map_or(Value::Null, |expires| json!(expires)));
        Ok(ObjectStatus { key, generation: *generation, report: report.into(), programs })
    }
}

impl Graph {
    /// Why a Secret, as it is now, cannot serve.
    pub(crate) fn secret_fault(&self, wanted: &SecretUse) -> Option<SecretFault> {
        let model = self.secrets.nodes.get(&wanted.secret).and_then(|node| node.model.as_ref());
        model.ok_or(SecretFault::Missing).and_then(|model| model.role(wanted.role)).err()
    }

    /// What a Secret has now under a key. `None` where there is no such Secret, or it has no such key.
    pub fn secret_value(&self, namespace: &str, name: &str, key: &str) -> Option<Bytes> {
        self.secrets.nodes.get(&SecretName::new(namespace, name))?.values.get(key).cloned()
    }

    /// What there is to send for a Secret, now or kept.
    pub(crate) fn last_good_secret(&self, wanted: &SecretUse) -> Option<&CompiledSecret> {
        self.secrets.nodes.get(&wanted.secret)?.last_good.get(&wanted.role)
    }

    /// Takes over what an earlier process kept of a Secret.
    pub(crate) fn restore_secret(&mut self, name: LastGoodSecretName, secret: LastGoodSecret) {
        let LastGoodSecretName { namespace, name, role } = name;
        let name = SecretName { namespace, name };
        self.offer_secret(&name.used_as(role), &secret.0);
        let node = self.secrets.nodes.entry(name.clone()).or_default();
        node.last_good.insert(role, secret.0);
        node.told.insert(role);
        self.secrets.changed.insert(name);
    }

    /// A Secret changed, or is gone.
    pub(crate) fn read_secret(&mut self, key: &ObjectKey, object: Option<&Object>) {
        let name = SecretName { namespace: key.namespace.clone(), name: key.name.clone() };
        let model = object.map(SecretModel::parse);
        let values = object.map(secret::values).unwrap_or_default();
        let read = object.map(|it| (it.metadata.uid.clone(), it.metadata.generation));
        let before = self.secrets.nodes.get(&name).and_then(|node| node.read.as_ref());
        if before.map(|(uid, _)| uid) != read.as_ref().map(|(uid, _)| uid) {
            self.reports.forget(key);
        }
        if before != read.as_ref() && (object.is_some() || before.is_some()) {
            let node = self.secrets.nodes.entry(name.clone()).or_default();
            node.read = read;
            node.is_material = object.is_some_and(Secret::is_material);
            self.secrets.changed.insert(name.clone());
        }
        let is_same = |node: &SecretNode| node.model == model && node.values == values;
        if self.secrets.nodes.get(&name).map_or_else(|| model.is_none(), is_same) {
            return;
        }
        for role in ROLES {
            if let Some(Ok(compiled)) = model.as_ref().map(|model| model.role(role)) {
                self.offer_secret(&name.used_as(role), compiled);
                let node = self.secrets.nodes.entry(name.clone()).or_default();
                node.last_good.insert(role, compiled.clone());
            }
        }
        let node = self.secrets.nodes.entry(name.clone()).or_default();
        (node.model, node.values) = (model, values);
        self.compiled += 1;
        self.changed(key);
        self.secrets.changed.insert(name);
    }

    fn offer_secret(&mut self, secret: &SecretUse, compiled: &CompiledSecret) {
        let name = secret.resource();
        self.offers.0.insert(name.clone(), Offer { encoded: compiled.encoded.clone(), needs: Box::default() });
        self.refs.touch(&name);
    }

    /// Lets go of what is no longer needed of Secrets that changed, or are among `placed`. Returns what has to be kept of
    /// them beyond this process, or no longer.
    pub(crate) fn keep_secrets(
        &mut self,
        placed: &BTreeSet<Arc<str>>,
    ) -> BTreeMap<LastGoodSecretName, Option<LastGoodSecret>> {
        let mut changed = std::mem::take(&mut self.secrets.changed);
        // Most of what is placed are Backends: their names need no more than a look at what they begin with.
        let secrets = placed.iter().filter(|name| ResourceKind::of(name) == Some(ResourceKind::Secret));
        changed.extend(secrets.filter_map(|name| match ResourceName::parse(name)? {
            ResourceName::Certificate { namespace, secret } | ResourceName::Authority { namespace, secret } => {
                Some(SecretName::new(namespace, secret))
            }
            _ => None,
        }));
        let mut kept = BTreeMap::new();
        for name in changed {
            let Some(node) = self.secrets.nodes.get_mut(&name) else { continue };
            let report = node.report(&name, &self.refs);
            self.reports.say_or_forget(report);
            for role in ROLES {
                let serves = node.model.as_ref().is_some_and(|model| model.role(role).is_ok());
                if !serves && node.last_good.contains_key(&role) {
                    let resource = name.used_as(role).resource();
                    if !self.refs.any(&resource) {
                        node.last_good.remove(&role);
                        self.offers.0.remove(&resource);
                    }
                }
                let stands = node.last_good.get(&role).filter(|_| !serves);
                let told = if stands.is_some() { node.told.insert(role) } else { node.told.remove(&role) };
                if told {
                    kept.insert(name.used_as(role).into(), stands.cloned().map(LastGoodSecret));
                }
            }
            if node.last_good.is_empty() && node.model.is_none() {
                self.secrets.nodes.remove(&name);
            }
        }
        kept
    }

    #[cfg(test)]
    pub(crate) fn remembered_secrets(&self) -> (usize, usize) {
        let nodes = &self.secrets.nodes;
        (nodes.len(), nodes.values().map(|node| node.last_good.len()).sum())
    }

    /// Whether this is a kind that the graph itself knows.
    pub(crate) fn is_secret(key: &ObjectKey) -> bool {
        *key.kind == SECRET
    }
}
