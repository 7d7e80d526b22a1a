//! Backends and the policies for them.

use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::apoxy::BACKEND;
use backstay_resources::backstay::BACKEND_POLICY;
use bytes::Bytes;

use super::{Compiler, Work};
use crate::backend::BackendModel;
use crate::change::ObjectKey;
use crate::fleet::encode;
use crate::output::{ACCEPTED, Finding, ObjectStatus, RESOLVED_REFS, Report};
use crate::route::BackendState;
use crate::secret::SecretUse;
use crate::source::Source;

/// A Backend.
#[derive(Debug)]
pub(super) struct BackendNode {
    pub(super) source: Source<BackendModel>,
    /// Its last good compilation.
    pub(super) compiled: Option<CompiledBackend>,
    /// What is wrong with its policy's references.
    refs_fault: Option<String>,
    /// Whether `compiled` is of another version than the present one.
    stale: bool,
}

/// A compiled Backend.
#[derive(Debug, PartialEq)]
pub(super) struct CompiledBackend {
    encoded: Bytes,
    dynamic: bool,
    authority: Option<SecretUse>,
}

impl BackendNode {
    pub(super) fn new(source: Source<BackendModel>) -> Self {
        Self { source, compiled: None, refs_fault: None, stale: false }
    }
}

impl Compiler {
    /// What routes see of a Backend.
    pub(super) fn backend_state(&self, name: &str) -> BackendState {
        match self.backends.get(name).map(|node| &node.compiled) {
            None => BackendState::Missing,
            Some(None) => BackendState::Unusable,
            Some(Some(compiled)) => BackendState::Usable { dynamic: compiled.dynamic },
        }
    }

    /// The policy that applies to a Backend: the oldest, by name among equally old ones.
    fn winner(&self, backend: &Arc<str>) -> Option<&Arc<str>> {
        let readable = |name: &&Arc<str>| self.policies.get(*name).is_some_and(|policy| policy.good.is_some());
        let age = |name: &&Arc<str>| self.policies.get(*name).map(|policy| policy.created);
        self.links.backend_policies.get(backend).filter(readable).min_by_key(age)
    }

    /// Compiles Backends that may have changed.
    pub(super) fn settle_backends(&mut self, work: &mut Work) {
        for name in std::mem::take(&mut work.backends) {
            work.policy_reports.extend(self.links.backend_policies.get(&name).cloned());
            work.backend_reports.insert(name.clone());
            let Some(node) = self.backends.get(&name) else { continue };
            let before = self.backend_state(&name);
            let (compiled, refs_fault) = match &node.source.good {
                Some(model) => self.compile_backend(&name, model),
                None => (None, None),
            };
            let Some(node) = self.backends.get_mut(&name) else { continue };
            node.refs_fault = refs_fault;
            node.stale = compiled.is_none() || node.source.fault.is_some();
            if let Some(compiled) = compiled {
                self.compiled += 1;
                if node.compiled.as_ref() != Some(&compiled) {
                    node.compiled = Some(compiled);
                    self.backend_usage.touch(&name);
                }
            }
            if self.backend_state(&name) != before {
                work.routes.extend(self.links.backend_routes.get(&name).cloned());
            }
        }
    }

    /// Compiles one Backend. `None` where that would need a Secret there is nothing of: to send it without would trust
    /// more authorities than the user asked for.
    fn compile_backend(&self, name: &Arc<str>, model: &BackendModel) -> (Option<CompiledBackend>, Option<String>) {
        let mut config: config::Backend = model.config.clone();
        let policy = self.winner(name).and_then(|policy| self.policies.get(policy)).and_then(|it| it.good.as_ref());
        let policy = policy.filter(|policy| policy.check(name, &config).is_ok());
        let authority = policy.and_then(|policy| policy.authority.clone());
        let refs_fault = authority.as_ref().and_then(|authority| self.authority_fault(authority));
        if authority.as_ref().is_some_and(|authority| !self.has_authority(&authority.secret)) {
            return (None, refs_fault);
        }
        if let Some(policy) = policy {
            policy.apply(&mut config);
        }
        let encoded = encode(config::resource::Kind::Backend(config));
        (Some(CompiledBackend { encoded, dynamic: model.dynamic, authority }), refs_fault)
    }

    fn authority_fault(&self, authority: &SecretUse) -> Option<String> {
        let fault = self.check_secret(authority).err()?;
        Some(format!("tls.caCertificateRef: {} {fault}", authority.secret))
    }

    /// Sends each Backend to the fleets with routes to it.
    pub(super) fn place_backends(&mut self, work: &mut Work) {
        for (name, fleet) in self.backend_usage.take_touched() {
            let used = self.backend_usage.contains(&name, &fleet);
            let compiled = self.backends.get(&name).filter(|_| used).and_then(|node| node.compiled.as_ref());
            let resource: Arc<str> = format!("backend/{name}").into();
            match compiled {
                Some(compiled) => self.fleets.put(&fleet, &resource, compiled.encoded.clone()),
                None => self.fleets.remove(&fleet, &resource),
            }
            let place = (name.clone(), fleet.clone());
            let before = match compiled.and_then(|compiled| compiled.authority.clone()) {
                Some(authority) => {
                    self.secret_usage.add(&authority, &fleet);
                    self.authorities.insert(place, authority)
                }
                None => self.authorities.remove(&place),
            };
            if let Some(before) = before {
                self.secret_usage.release(&before, &fleet);
            }
            work.backend_reports.insert(name);
        }
    }

    pub(super) fn report_backends(&mut self, work: &mut Work) {
        for name in std::mem::take(&mut work.backend_reports) {
            let Some(node) = self.backends.get(&name) else { continue };
            let accepted = match (&node.source.fault, &node.refs_fault) {
                (Some(fault), _) => Finding::no(ACCEPTED, "Invalid", kept(fault, node.compiled.is_some())),
                (None, Some(fault)) if node.stale => {
                    Finding::no(ACCEPTED, INVALID_AUTHORITY, kept(fault, node.compiled.is_some()))
                }
                (None, _) => Finding::holds(ACCEPTED),
            };
            let resolved = match &node.refs_fault {
                None => Finding::holds(RESOLVED_REFS),
                Some(fault) => Finding::no(RESOLVED_REFS, INVALID_AUTHORITY, kept(fault, node.compiled.is_some())),
            };
            // What proxies hold of an earlier version says nothing about the present one.
            let compiled = node.compiled.as_ref().filter(|_| !node.stale);
            let mut resources: Vec<Arc<str>> = compiled.map(|_| format!("backend/{name}").into()).into_iter().collect();
            resources.extend(compiled.and_then(|it| it.authority.as_ref()).map(SecretUse::resource));
            let fleets = self.backend_usage.fleets(&name);
            let programs = fleets.flat_map(|fleet| resources.iter().map(|resource| (fleet.clone(), resource.clone())));
            self.reports.say(ObjectStatus {
                key: ObjectKey::new(&BACKEND, "", &name),
                generation: node.source.generation,
                report: Report::Backend { conditions: vec![accepted, resolved] },
                programs: programs.collect(),
            });
        }
    }

    pub(super) fn report_policies(&mut self, work: &mut Work) {
        for name in std::mem::take(&mut work.policy_reports) {
            let Some(source) = self.policies.get(&name) else { continue };
            let authority = source.good.as_ref().and_then(|policy| policy.authority.as_ref());
            let resolved = match authority.and_then(|authority| self.authority_fault(authority)) {
                None => Finding::holds(RESOLVED_REFS),
                Some(fault) => Finding::no(RESOLVED_REFS, INVALID_AUTHORITY, format!("spec.{fault}")),
            };
            let conditions = vec![self.policy_accepted(&name), resolved];
            self.reports.say(ObjectStatus {
                key: ObjectKey::new(&BACKEND_POLICY, "", &name),
                generation: source.generation,
                report: Report::BackendPolicy { conditions },
                programs: Vec::new(),
            });
        }
    }

    /// Whether a policy applies to all its targets. The first of these that fails is told: it can be read, its targets
    /// exist, no older policy has them, it suits them.
    fn policy_accepted(&self, name: &Arc<str>) -> Finding {
        let Some(source) = self.policies.get(name) else { return Finding::holds(ACCEPTED) };
        if let Some(fault) = &source.fault {
            return Finding::no(ACCEPTED, "Invalid", kept(fault, source.good.is_some()));
        }
        let Some(policy) = &source.good else { return Finding::holds(ACCEPTED) };
        let missing: Vec<&str> =
            policy.targets.iter().filter(|target| !self.backends.contains_key(*target)).map(|it| &**it).collect();
        if !missing.is_empty() {
            let message = format!("there is no Backend named {}", missing.join(", "));
            return Finding::no(ACCEPTED, "TargetNotFound", message);
        }
        for target in &policy.targets {
            if let Some(winner) = self.winner(target).filter(|winner| *winner != name) {
                let message = format!("BackendPolicy {winner}, which is older, applies to Backend {target}");
                return Finding::no(ACCEPTED, "Conflicted", message);
            }
        }
        let models = policy.targets.iter().filter_map(|target| {
            let model = self.backends.get(target)?.source.good.as_ref()?;
            Some((target, model))
        });
        for (target, model) in models {
            if let Err(fault) = policy.check(target, &model.config) {
                return Finding::no(ACCEPTED, "Invalid", fault.to_string());
            }
        }
        Finding::holds(ACCEPTED)
    }
}

const INVALID_AUTHORITY: &str = "InvalidCACertificateRef";

/// Adds what that means.
fn kept(fault: &str, has_last_good: bool) -> String {
    let effect = if has_last_good { "the last good version stays in use" } else { "it is not in use" };
    format!("{fault}; {effect}")
}
