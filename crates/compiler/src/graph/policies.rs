//! BackendPolicies, for backends of other dialects that name one.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_proto::config;

use super::Graph;
use crate::policy::PolicyModel;

/// Those that can be read, by name.
#[derive(Debug, Default)]
pub(super) struct Policies(HashMap<Arc<str>, PolicyModel>);

/// What a policy made of a backend.
#[derive(Debug, Default)]
pub struct Governed {
    /// Secrets that the backend needs because of it.
    pub needs: Vec<Arc<str>>,
    /// What does not apply to it, in words.
    pub misfits: Vec<String>,
}

impl Graph {
    /// A policy as it is now. What cannot be read stays as it last was; `None`: it is gone.
    pub(crate) fn set_policy(&mut self, name: &Arc<str>, policy: Option<PolicyModel>) {
        match policy {
            Some(policy) => self.policies.0.insert(name.clone(), policy),
            None => self.policies.0.remove(name),
        };
    }

    /// Adds to a backend what a BackendPolicy says. Whoever links to the policy is looked at when that differs.
    ///
    /// # Errors
    /// When there is no such policy, or a Secret of it is not there: the backend would go without what protects it.
    pub fn govern(&self, policy: &str, backend: &str, config: &mut config::Backend) -> Result<Governed, String> {
        let Some(model) = self.policies.0.get(policy) else {
            return Err(format!("there is no BackendPolicy {policy}, or none that can be read"));
        };
        let before = config.clone();
        let misfits = model.apply(&backend.into(), config).iter().map(ToString::to_string).collect();
        // What the policy says nothing of stays as it is without it.
        config.timeouts = config.timeouts.take().or(before.timeouts);
        config.limits = config.limits.take().or(before.limits);
        config.connections = config.connections.take().or(before.connections);
        config.retries = config.retries.take().or(before.retries);
        config.load_balancing = config.load_balancing.take().or(before.load_balancing);
        let mut governed = Governed { needs: Vec::new(), misfits };
        for secret in model.secrets().filter(|_| config.tls.is_some()) {
            if self.last_good_secret(secret).is_none() {
                return Err(format!(
                    "BackendPolicy {policy} needs {}, which is not there or cannot serve",
                    secret.secret
                ));
            }
            governed.needs.push(secret.resource());
        }
        Ok(governed)
    }
}
