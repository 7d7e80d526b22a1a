//! Secrets: which proxies get them.

use bytes::Bytes;

use super::{Compiler, Work};
use crate::secret::{Role, SecretFault, SecretModel, SecretName, SecretUse};

/// A Secret, or what remains of it.
#[derive(Debug, Default)]
pub(super) struct SecretNode {
    /// As it is now.
    pub(super) model: Option<SecretModel>,
    /// As it last could serve as an authority. Kept while a Backend needs it, so that a mistake with a Secret does not
    /// take the Backend's traffic away.
    pub(super) authority: Option<Bytes>,
}

impl Compiler {
    /// Whether a Secret, as it is now, can serve.
    pub(super) fn check_secret(&self, wanted: &SecretUse) -> Result<(), SecretFault> {
        let model = self.secrets.get(&wanted.secret).and_then(|node| node.model.as_ref());
        model.ok_or(SecretFault::Missing)?.role(wanted.role).as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Whether there is anything to send for an authority, now or kept.
    pub(super) fn has_authority(&self, secret: &SecretName) -> bool {
        self.secrets.get(secret).is_some_and(|node| node.authority.is_some())
    }

    /// A Secret changed, or is gone.
    pub(super) fn set_secret(&mut self, name: SecretName, model: Option<SecretModel>, work: &mut Work) {
        if self.secrets.get(&name).and_then(|node| node.model.as_ref()) == model.as_ref() {
            return;
        }
        let node = self.secrets.entry(name.clone()).or_default();
        if let Some(Ok(authority)) = model.as_ref().map(|model| &model.authority) {
            node.authority = Some(authority.clone());
        }
        node.model = model;
        self.compiled += 1;
        for role in [Role::Certificate, Role::Authority] {
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
            let encoded = node.and_then(|node| match wanted.role {
                Role::Certificate => node.model.as_ref().and_then(|model| model.certificate.clone().ok()),
                Role::Authority => node.authority.clone(),
            });
            match encoded {
                Some(encoded) => self.fleets.put(&fleet, &wanted.resource(), encoded),
                None => self.fleets.remove(&fleet, &wanted.resource()),
            }
            work.secrets.insert(wanted.secret);
        }
        for name in std::mem::take(&mut work.secrets) {
            let kept = self.secret_usage.any(&name.used_as(Role::Authority));
            let Some(node) = self.secrets.get_mut(&name) else { continue };
            let sound = node.model.as_ref().is_some_and(|model| model.authority.is_ok());
            if !kept && !sound {
                node.authority = None;
            }
            if !kept && node.model.is_none() {
                self.secrets.remove(&name);
            }
        }
    }
}
