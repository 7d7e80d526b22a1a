//! Secrets: which proxies get them.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use super::{Compiler, Work};
use crate::secret::{Role, SecretFault, SecretModel, SecretName, SecretUse};

const ROLES: [Role; 2] = [Role::Certificate, Role::Authority];

/// A Secret, or what remains of it.
/// Holds keys, so it is not printed.
#[derive(Default)]
pub(super) struct SecretNode {
    /// As it is now.
    pub(super) model: Option<SecretModel>,
    /// As it last could serve in each role. Kept while a Backend needs it, so that a mistake with a Secret does not take
    /// the Backend's traffic away.
    pub(super) kept: BTreeMap<Role, Bytes>,
}

impl fmt::Debug for SecretNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretNode")
    }
}

impl Compiler {
    /// Whether a Secret, as it is now, can serve.
    pub(super) fn check_secret(&self, wanted: &SecretUse) -> Result<(), SecretFault> {
        let model = self.secrets.get(&wanted.secret).and_then(|node| node.model.as_ref());
        model.ok_or(SecretFault::Missing)?.role(wanted.role).as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Whether there is anything to send for a Secret, now or kept.
    pub(super) fn can_send(&self, wanted: &SecretUse) -> bool {
        self.secrets.get(&wanted.secret).is_some_and(|node| node.kept.contains_key(&wanted.role))
    }

    /// A Secret changed, or is gone.
    pub(super) fn set_secret(&mut self, name: SecretName, model: Option<SecretModel>, work: &mut Work) {
        if self.secrets.get(&name).and_then(|node| node.model.as_ref()) == model.as_ref() {
            return;
        }
        let node = self.secrets.entry(name.clone()).or_default();
        for role in ROLES {
            if let Some(Ok(encoded)) = model.as_ref().map(|model| model.role(role)) {
                node.kept.insert(role, encoded.clone());
            }
        }
        node.model = model;
        self.compiled += 1;
        for role in ROLES {
            self.secret_usage.touch(&name.used_as(role));
        }
        work.gateways.extend(self.links.secret_gateways.get(&name).cloned());
        for policy in self.links.secret_policies.get(&name) {
            let targets = self.policies.get(policy).and_then(|policy| policy.good.as_ref());
            work.backends.extend(targets.into_iter().flat_map(|policy| policy.targets.iter().cloned()));
            work.policy_reports.insert(policy.clone());
        }
        work.secrets.insert(name);
    }

    /// Sends each Secret where it is needed, and nowhere else.
    pub(super) fn place_secrets(&mut self, work: &mut Work) {
        for (wanted, fleet) in self.secret_usage.take_touched() {
            let node = self.secrets.get(&wanted.secret).filter(|_| self.secret_usage.contains(&wanted, &fleet));
            // A listener gives up a certificate that is lost, so that what is kept is for Backends.
            let encoded = node.and_then(|node| node.kept.get(&wanted.role).cloned());
            match encoded {
                Some(encoded) => self.fleets.put(&fleet, &wanted.resource(), encoded),
                None => self.fleets.remove(&fleet, &wanted.resource()),
            }
            work.secrets.insert(wanted.secret);
        }
        for name in std::mem::take(&mut work.secrets) {
            let needed = |role: &Role| self.secret_usage.any(&name.used_as(*role));
            let Some(node) = self.secrets.get_mut(&name) else { continue };
            let model = node.model.as_ref();
            node.kept.retain(|role, _| needed(role) || model.is_some_and(|model| model.role(*role).is_ok()));
            if node.kept.is_empty() && node.model.is_none() {
                self.secrets.remove(&name);
            }
        }
    }
}
