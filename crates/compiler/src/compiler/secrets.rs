//! Secrets: which proxies get them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Compiler, Work};
use crate::kept::Kept;
use crate::secret::{CompiledSecret, Role, SecretFault, SecretModel, SecretName, SecretUse};

const ROLES: [Role; 2] = [Role::Certificate, Role::Authority];

/// A Secret, or what remains of it.
/// Holds keys, so it is not printed.
#[derive(Default)]
pub(super) struct SecretNode {
    /// As it is now.
    pub(super) model: Option<SecretModel>,
    /// As it last could serve in each role. Kept while it is needed, so that a mistake with a Secret does not take traffic
    /// away.
    pub(super) kept: BTreeMap<Role, CompiledSecret>,
    /// In which roles it is to be kept beyond this process, since it no longer serves as it is.
    pub(super) told: BTreeSet<Role>,
}

impl fmt::Debug for SecretNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretNode")
    }
}

impl Compiler {
    /// Why a Secret, as it is now, cannot serve.
    pub(super) fn secret_fault(&self, wanted: &SecretUse) -> Option<SecretFault> {
        let model = self.secrets.get(&wanted.secret).and_then(|node| node.model.as_ref());
        model.ok_or(SecretFault::Missing).and_then(|model| model.role(wanted.role)).err()
    }

    /// What there is to send for a Secret, now or kept.
    pub(super) fn kept_secret(&self, wanted: &SecretUse) -> Option<&CompiledSecret> {
        self.secrets.get(&wanted.secret)?.kept.get(&wanted.role)
    }

    /// A Secret changed, or is gone.
    pub(super) fn set_secret(&mut self, name: SecretName, model: Option<SecretModel>, work: &mut Work) {
        if self.secrets.get(&name).and_then(|node| node.model.as_ref()) == model.as_ref() {
            return;
        }
        let node = self.secrets.entry(name.clone()).or_default();
        for role in ROLES {
            if let Some(Ok(compiled)) = model.as_ref().map(|model| model.role(role)) {
                node.kept.insert(role, compiled.clone());
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
            let encoded = node.and_then(|node| Some(node.kept.get(&wanted.role)?.encoded.clone()));
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
            let serves = |role: &Role| model.is_some_and(|model| model.role(*role).is_ok());
            node.kept.retain(|role, _| needed(role) || serves(role));
            for role in ROLES {
                let kept = node.kept.get(&role).filter(|_| !serves(&role));
                if kept.is_some() != node.told.contains(&role) {
                    work.kept.insert(name.used_as(role).into(), kept.cloned().map(Kept));
                    if kept.is_some() {
                        node.told.insert(role)
                    } else {
                        node.told.remove(&role)
                    };
                }
            }
            if node.kept.is_empty() && node.model.is_none() {
                self.secrets.remove(&name);
            }
        }
    }
}
