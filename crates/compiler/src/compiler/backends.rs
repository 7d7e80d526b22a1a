//! Backends and the policies for them.

use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::ConditionStatus;
use backstay_resources::apoxy::BACKEND;
use backstay_resources::backstay::BACKEND_POLICY;
use bytes::Bytes;

use super::{Compiler, Work};
use crate::backend::BackendModel;
use crate::change::ObjectKey;
use crate::fleet::encode;
use crate::output::{ACCEPTED, Finding, INSECURE, ObjectStatus, Program, RESOLVED_REFS, Report};
use crate::policy::{MAX_SENTENCES, PolicyModel};
use crate::route::BackendState;
use crate::secret::{Role, SecretUse};
use crate::source::Source;

/// A Backend.
#[derive(Debug)]
pub(super) struct BackendNode {
    pub(super) source: Source<BackendModel>,
    /// Its last good compilation.
    pub(super) compiled: Option<CompiledBackend>,
    /// What is wrong with its policy's references.
    refs_fault: Option<RefFault>,
    /// Whether `compiled` is of another version than the present one.
    stale: bool,
}

/// A compiled Backend.
#[derive(Debug, PartialEq)]
pub(super) struct CompiledBackend {
    encoded: Bytes,
    dynamic: bool,
    secrets: Vec<SecretUse>,
}

/// What is wrong with a reference to a Secret.
#[derive(Debug)]
struct RefFault {
    /// The reason that conditions give.
    reason: &'static str,
    message: String,
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
    /// more authorities than the user asked for, or lack the certificate that endpoints ask for.
    fn compile_backend(&self, name: &Arc<str>, model: &BackendModel) -> (Option<CompiledBackend>, Option<RefFault>) {
        let mut config: config::Backend = model.config.clone();
        let winner = self.winner(name);
        let mut secrets = Vec::new();
        let mut refs_fault = None;
        if let Some(winner) = winner
            && let Some(policy) = self.policies.get(winner).and_then(|policy| policy.good.as_ref())
        {
            policy.apply(name, &mut config);
            if config.tls.is_some() {
                secrets.extend(policy.secrets().cloned());
                refs_fault = self.refs_fault(policy);
                if let Some(fault) = &mut refs_fault {
                    fault.message = format!("BackendPolicy {winner}: {}", fault.message);
                }
            }
        }
        if secrets.iter().any(|secret| self.kept_secret(secret).is_none()) {
            return (None, refs_fault);
        }
        let encoded = encode(config::resource::Kind::Backend(config));
        (Some(CompiledBackend { encoded, dynamic: model.dynamic, secrets }), refs_fault)
    }

    /// The references of a policy that lead to nothing that serves, by the reason of the first.
    fn refs_fault(&self, policy: &PolicyModel) -> Option<RefFault> {
        let faults = policy.secrets().filter_map(|wanted| {
            let fault = self.secret_fault(wanted)?;
            let (reason, field) = match wanted.role {
                Role::Authority => ("InvalidCACertificateRef", "caCertificateRef"),
                Role::Certificate => ("InvalidClientCertificateRef", "clientCertificateRef"),
            };
            Some(RefFault { reason, message: format!("spec.tls.{field}: {} {fault}", wanted.secret) })
        });
        faults.reduce(|first, next| RefFault { message: format!("{}; {}", first.message, next.message), ..first })
    }

    /// Sends each Backend to the fleets with routes to it.
    pub(super) fn place_backends(&mut self, work: &mut Work) {
        for (name, fleet) in self.backend_usage.take_touched() {
            let used = self.backend_usage.contains(&name, &fleet);
            let compiled = self.backends.get(&name).filter(|_| used).and_then(|node| node.compiled.as_ref());
            let resource = Arc::from(ResourceName::Backend(&name));
            match compiled {
                Some(compiled) => self.fleets.put(&fleet, &resource, compiled.encoded.clone()),
                None => self.fleets.remove(&fleet, &resource),
            }
            let place = (name.clone(), fleet.clone());
            let secrets = compiled.map(|compiled| compiled.secrets.clone()).unwrap_or_default();
            for secret in &secrets {
                self.secret_usage.add(secret, &fleet);
            }
            let before = match secrets.is_empty() {
                true => self.backend_secrets.remove(&place),
                false => self.backend_secrets.insert(place, secrets),
            };
            for secret in before.unwrap_or_default() {
                self.secret_usage.release(&secret, &fleet);
            }
            work.policy_reports.extend(self.links.backend_policies.get(&name).cloned());
            work.backend_reports.insert(name);
        }
    }

    pub(super) fn report_backends(&mut self, work: &mut Work) {
        for name in std::mem::take(&mut work.backend_reports) {
            let Some(node) = self.backends.get(&name) else { continue };
            let accepted = match (&node.source.fault, &node.refs_fault) {
                (Some(fault), _) => Finding::no(ACCEPTED, "Invalid", kept(fault, node.compiled.is_some())),
                (None, Some(fault)) if node.stale => {
                    Finding::no(ACCEPTED, fault.reason, kept(&fault.message, node.compiled.is_some()))
                }
                (None, _) => Finding::holds(ACCEPTED),
            };
            let resolved = match &node.refs_fault {
                None => Finding::holds(RESOLVED_REFS),
                Some(fault) => Finding::no(RESOLVED_REFS, fault.reason, kept(&fault.message, node.compiled.is_some())),
            };
            // What proxies hold of an earlier version says nothing about the present one.
            let compiled = node.compiled.as_ref().filter(|_| !node.stale);
            self.reports.say(ObjectStatus {
                key: ObjectKey::new(&BACKEND, "", &name),
                generation: node.source.generation,
                report: Report::Backend { conditions: vec![accepted, resolved] },
                programs: compiled.map(|compiled| self.backend_programs(&name, compiled)).unwrap_or_default(),
            });
        }
    }

    /// What proxies must have for a Backend: itself and the Secrets it needs, in each fleet that sends requests to it.
    fn backend_programs(&self, name: &Arc<str>, compiled: &CompiledBackend) -> Vec<Program> {
        let mut resources: Vec<Arc<str>> = vec![ResourceName::Backend(name).into()];
        resources.extend(compiled.secrets.iter().map(SecretUse::resource));
        resources.sort();
        let fleets = self.backend_usage.fleets(name);
        fleets.flat_map(|fleet| resources.iter().map(|resource| (fleet.clone(), resource.clone()))).collect()
    }

    pub(super) fn report_policies(&mut self, work: &mut Work) {
        for name in std::mem::take(&mut work.policy_reports) {
            let Some(source) = self.policies.get(&name) else { continue };
            let resolved = match source.good.as_ref().and_then(|policy| self.refs_fault(policy)) {
                None => Finding::holds(RESOLVED_REFS),
                Some(fault) => Finding::no(RESOLVED_REFS, fault.reason, fault.message),
            };
            let accepted = self.policy_accepted(&name);
            let applies = [&accepted, &resolved].into_iter().all(|found| found.status == ConditionStatus::True);
            let targets = source.good.iter().filter(|_| applies).flat_map(|policy| &policy.targets);
            // Also where a Backend stands as it last could: the policy applies to that.
            let compiled = targets.filter_map(|target| Some((target, self.backends.get(target)?.compiled.as_ref()?)));
            let mut programs: Vec<Program> =
                compiled.flat_map(|(target, compiled)| self.backend_programs(target, compiled)).collect();
            programs.sort();
            programs.dedup();
            let mut conditions = vec![accepted, resolved];
            if source.good.as_ref().is_some_and(PolicyModel::is_insecure) {
                conditions.push(Finding::yes(INSECURE, "VerificationSkipped", SKIPS_VERIFICATION));
            }
            let certificate = source.good.as_ref().and_then(|policy| policy.certificate.as_ref());
            if let Some(expires) = certificate.and_then(|wanted| self.kept_secret(wanted)?.expires) {
                conditions.push(Finding::expired("spec.tls.clientCertificateRef", expires));
            }
            self.reports.say(ObjectStatus {
                key: ObjectKey::new(&BACKEND_POLICY, "", &name),
                generation: source.generation,
                report: Report::BackendPolicy { conditions },
                programs,
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
                let older = self.policies.get(winner).is_some_and(|winner| winner.created < source.created);
                let why = if older { "which is older" } else { "which is as old and the first by name" };
                let message = format!(
                    "BackendPolicy {winner}, {why}, applies to Backend {target}, and nothing of this one does: have it \
                     target other Backends, or merge the two"
                );
                return Finding::no(ACCEPTED, "Conflicted", message);
            }
        }
        for target in &policy.targets {
            let Some(model) = self.backends.get(target).and_then(|node| node.source.good.as_ref()) else { continue };
            let misfits = policy.apply(target, &mut model.config.clone());
            if let Some(first) = misfits.first() {
                let sentences: Vec<String> = misfits.iter().take(MAX_SENTENCES).map(ToString::to_string).collect();
                let message = format!("{}; everything else of the policy applies", sentences.join("; "));
                return Finding::no(ACCEPTED, first.reason(), message);
            }
        }
        Finding::holds(ACCEPTED)
    }
}

const SKIPS_VERIFICATION: &str = "spec.tls.insecureSkipVerify is set: any certificate is accepted, so that whoever is on \
    the way to the endpoints can pass for them, and read and change all traffic";

/// Adds what that means.
fn kept(fault: impl std::fmt::Display, has_last_good: bool) -> String {
    let effect = if has_last_good { "the last good version stays in use" } else { "it is not in use" };
    format!("{fault}; {effect}")
}
