//! Backends and the policies for them.

use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::ConditionStatus;
use backstay_resources::backstay::BACKEND_POLICY;

use super::node::{BackendNode, CompiledBackend, RefFault};
use super::read::backend_changed;
use super::tables::{Tables, backend_key};
use crate::backend::BackendModel;
use crate::change::ObjectKey;
use crate::graph::Graph;
use crate::output::{ACCEPTED, Condition, FleetResource, INSECURE, ObjectStatus, RESOLVED_REFS, Report};
use crate::policy::{MAX_SENTENCES, PolicyModel};
use crate::route::BackendState;
use crate::secret::{Role, SecretUse};

impl Tables {
    /// What routes see of a Backend.
    pub(super) fn backend_state(&self, name: &str) -> BackendState {
        match self.backends.get(name).map(|node| &node.compiled) {
            None => BackendState::Missing,
            Some(None) => BackendState::Unusable,
            Some(Some(compiled)) => BackendState::Usable { dynamic: compiled.dynamic },
        }
    }

    /// The policy that applies to a Backend: the oldest, by name among equally old ones.
    fn winner<'a>(&self, backend: &Arc<str>, graph: &'a Graph) -> Option<&'a Arc<str>> {
        let readable = |name: &&Arc<str>| self.policies.get(*name).is_some_and(|policy| policy.good.is_some());
        let age = |name: &&Arc<str>| self.policies.get(*name).map(|policy| policy.created);
        policies_for(backend, graph).filter(readable).min_by_key(age)
    }

    /// Compiles Backends that may have changed.
    pub(super) fn recompile_backends(&mut self, graph: &mut Graph) {
        for policy in graph.take_dirty(&BACKEND_POLICY) {
            let targets = self.policies.get(&policy.name).and_then(|policy| policy.good.as_ref());
            self.work.backends.extend(targets.into_iter().flat_map(|policy| policy.targets.iter().cloned()));
            // Objects of other dialects that name it.
            graph.changed(&policy);
            self.work.policy_reports.insert(policy.name);
        }
        for name in std::mem::take(&mut self.work.backends) {
            self.work.policy_reports.extend(policies_for(&name, graph).cloned());
            self.work.backend_reports.insert(name.clone());
            let Some(node) = self.backends.get(&name) else { continue };
            let before = self.backend_state(&name);
            let (compiled, refs_fault) = match &node.source.good {
                Some(model) => self.compile_backend(&name, model, graph),
                None => (None, None),
            };
            let Some(node) = self.backends.get_mut(&name) else { continue };
            node.refs_fault = refs_fault.map(Box::new);
            node.stale = compiled.is_none() || node.source.fault.is_some();
            if let Some((config, compiled)) = compiled {
                let needs = compiled.secrets.iter().map(SecretUse::resource).collect();
                let resource = config::resource::Kind::Backend(config);
                graph.offer(&node.resource, resource, needs);
                node.compiled = Some(compiled);
            }
            if self.backend_state(&name) != before {
                backend_changed(graph, &backend_key(&name));
            }
        }
    }

    /// Compiles one Backend. `None` where that would need a Secret there is nothing of: to send it without would trust
    /// more authorities than the user asked for, or lack the certificate that endpoints ask for.
    fn compile_backend(
        &self,
        name: &Arc<str>,
        model: &BackendModel,
        graph: &Graph,
    ) -> (Option<(config::Backend, CompiledBackend)>, Option<RefFault>) {
        let mut config = model.config();
        let winner = self.winner(name, graph);
        let mut secrets = Vec::new();
        let mut refs_fault = None;
        if let Some(winner) = winner
            && let Some(policy) = self.policies.get(winner).and_then(|policy| policy.good.as_ref())
        {
            policy.apply(name, &mut config);
            if config.tls.is_some() {
                secrets.extend(policy.secrets().cloned());
                refs_fault = policy_refs_fault(policy, graph);
                if let Some(fault) = &mut refs_fault {
                    fault.message = format!("BackendPolicy {winner}: {}", fault.message);
                }
            }
        }
        if secrets.iter().any(|secret| graph.last_good_secret(secret).is_none()) {
            return (None, refs_fault);
        }
        (Some((config, CompiledBackend { dynamic: model.dynamic, secrets: secrets.into() })), refs_fault)
    }

    /// Where a Backend is needed, or what it is there, may differ.
    pub(super) fn backend_placed(&mut self, name: &str, graph: &Graph) {
        // Its policies are reported on whenever it is.
        if self.work.backend_reports.contains(name) {
            return;
        }
        let name: Arc<str> = name.into();
        self.work.policy_reports.extend(policies_for(&name, graph).cloned());
        self.work.backend_reports.insert(name);
    }

    pub(super) fn report_backends(&mut self, graph: &mut Graph) {
        for name in std::mem::take(&mut self.work.backend_reports) {
            let Some(node) = self.backends.get(&name) else { continue };
            let accepted = match (&node.source.fault, &node.refs_fault) {
                (Some(fault), _) => Condition::no(ACCEPTED, "Invalid", kept(fault, node.compiled.is_some())),
                (None, Some(fault)) if node.stale => {
                    Condition::no(ACCEPTED, fault.reason, kept(&fault.message, node.compiled.is_some()))
                }
                (None, _) => Condition::holds(ACCEPTED),
            };
            let resolved = match &node.refs_fault {
                None => Condition::holds(RESOLVED_REFS),
                Some(fault) => {
                    Condition::no(RESOLVED_REFS, fault.reason, kept(&fault.message, node.compiled.is_some()))
                }
            };
            // What proxies hold of an earlier version says nothing about the present one.
            graph.report(ObjectStatus {
                key: backend_key(&name),
                generation: node.source.generation,
                report: Report::of(vec![accepted, resolved]).into(),
                programs: if node.stale { Vec::new() } else { backend_programs(node, graph) },
            });
        }
    }

    pub(super) fn report_policies(&mut self, graph: &mut Graph) {
        for name in std::mem::take(&mut self.work.policy_reports) {
            let Some(source) = self.policies.get(&name) else { continue };
            let resolved = match source.good.as_ref().and_then(|policy| policy_refs_fault(policy, graph)) {
                None => Condition::holds(RESOLVED_REFS),
                Some(fault) => Condition::no(RESOLVED_REFS, fault.reason, fault.message),
            };
            let accepted = self.policy_accepted(&name, graph);
            let applies = [&accepted, &resolved].into_iter().all(|found| found.status == ConditionStatus::True);
            let targets = source.good.iter().filter(|_| applies).flat_map(|policy| &policy.targets);
            // Also where a Backend stands as it last could: the policy applies to that.
            let backends = targets.filter_map(|target| self.backends.get(target));
            let mut programs: Vec<FleetResource> = backends.flat_map(|node| backend_programs(node, graph)).collect();
            programs.sort();
            programs.dedup();
            let mut conditions = vec![accepted, resolved];
            if source.good.as_ref().is_some_and(PolicyModel::is_insecure) {
                conditions.push(Condition::yes(INSECURE, "VerificationSkipped", SKIPS_VERIFICATION));
            }
            let certificate = source.good.as_ref().and_then(|policy| policy.certificate.as_ref());
            if let Some(certificate) = certificate.and_then(|wanted| graph.last_good_secret(wanted)) {
                let field = "spec.tls.clientCertificateRef";
                conditions.extend(certificate.expires.map(|expires| Condition::expired(field, expires)));
                conditions.extend(certificate.begins.map(|begins| Condition::not_yet_valid(field, begins)));
            }
            graph.report(ObjectStatus {
                key: ObjectKey { kind: &BACKEND_POLICY, namespace: Arc::default(), name },
                generation: source.generation,
                report: Report::of(conditions).into(),
                programs,
            });
        }
    }

    /// Whether a policy applies to all its targets. The first of these that fails is told: it can be read, its targets
    /// exist, no older policy has them, it suits them.
    fn policy_accepted(&self, name: &Arc<str>, graph: &Graph) -> Condition {
        let Some(source) = self.policies.get(name) else { return Condition::holds(ACCEPTED) };
        if let Some(fault) = &source.fault {
            return Condition::no(ACCEPTED, "Invalid", kept(fault, source.good.is_some()));
        }
        let Some(policy) = &source.good else { return Condition::holds(ACCEPTED) };
        let missing: Vec<&str> =
            policy.targets.iter().filter(|target| !self.backends.contains_key(*target)).map(|it| &**it).collect();
        if !missing.is_empty() {
            let message = format!("there is no Backend named {}", missing.join(", "));
            return Condition::no(ACCEPTED, "TargetNotFound", message);
        }
        for target in &policy.targets {
            if let Some(winner) = self.winner(target, graph).filter(|winner| *winner != name) {
                let older = self.policies.get(winner).is_some_and(|winner| winner.created < source.created);
                let why = if older { "which is older" } else { "which is as old and the first by name" };
                let message = format!(
                    "BackendPolicy {winner}, {why}, applies to Backend {target}, and nothing of this one does: have it \
                     target other Backends, or merge the two"
                );
                return Condition::no(ACCEPTED, "Conflicted", message);
            }
        }
        for target in &policy.targets {
            let Some(model) = self.backends.get(target).and_then(|node| node.source.good.as_ref()) else { continue };
            let misfits = policy.apply(target, &mut model.config());
            if let Some(first) = misfits.first() {
                let sentences: Vec<String> = misfits.iter().take(MAX_SENTENCES).map(ToString::to_string).collect();
                let message = format!("{}; everything else of the policy applies", sentences.join("; "));
                return Condition::no(ACCEPTED, first.reason(), message);
            }
        }
        Condition::holds(ACCEPTED)
    }
}

/// The policies that name a Backend, sorted.
fn policies_for<'a>(backend: &Arc<str>, graph: &'a Graph) -> impl Iterator<Item = &'a Arc<str>> + use<'a> {
    let key = backend_key(backend);
    graph.dependents(&key, &BACKEND_POLICY).map(|policy| &policy.name)
}

/// The references of a policy that lead to nothing that serves, by the reason of the first.
fn policy_refs_fault(policy: &PolicyModel, graph: &Graph) -> Option<RefFault> {
    let faults = policy.secrets().filter_map(|wanted| {
        let fault = graph.secret_fault(wanted)?;
        let (reason, field) = match wanted.role {
            Role::Authority => ("InvalidCACertificateRef", "caCertificateRef"),
            Role::Certificate => ("InvalidClientCertificateRef", "clientCertificateRef"),
        };
        Some(RefFault { reason, message: format!("spec.tls.{field}: {} {fault}", wanted.secret) })
    });
    faults.reduce(|first, next| RefFault { message: format!("{}; {}", first.message, next.message), ..first })
}

/// What proxies must have for a Backend: itself and the Secrets it needs, in each fleet that sends requests to it.
fn backend_programs(node: &BackendNode, graph: &Graph) -> Vec<FleetResource> {
    let Some(compiled) = &node.compiled else { return Vec::new() };
    let mut resources = vec![node.resource.clone()];
    resources.extend(compiled.secrets.iter().map(SecretUse::resource));
    resources.sort();
    let fleets = graph.fleets_with(&node.resource);
    fleets.flat_map(|fleet| resources.iter().map(|resource| (fleet.clone(), resource.clone()))).collect()
}

const SKIPS_VERIFICATION: &str = "spec.tls.insecureSkipVerify is set: any certificate is accepted, so that whoever is on \
    the way to the endpoints can pass for them, and read and change all traffic";

/// Adds what that means.
fn kept(fault: impl std::fmt::Display, has_last_good: bool) -> String {
    let effect = if has_last_good { "the last good version stays in use" } else { "it is not in use" };
    format!("{fault}; {effect}")
}
