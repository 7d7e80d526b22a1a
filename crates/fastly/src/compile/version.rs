//! What a version compiles to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_destination::hostname;
use backstay_proto::config;

use super::backend::{self, CompiledBackend};
use super::conditions::Conditions;
use super::steps::Source;
use super::verdict::{Named, Verdict};
use super::{Context, destinations, name, reply, unapplied, unknown_host, uses};
use crate::condition::Scope;
use crate::object::{ServiceType, VersionSpec};

/// A version, as proxies have it but for the listeners it is attached to. Holds keys, so it is not printed.
pub(super) struct Compiled {
    /// Host names and wildcards, lower case, in the order in which they were made.
    pub(super) domains: Vec<String>,
    pub(super) sequence: config::Sequence,
    pub(super) backends: Vec<CompiledBackend>,
    /// Tables and address sets that the sequence looks things up in.
    pub(super) lookups: BTreeSet<Arc<str>>,
}

/// Compiles a version, and says what is wrong with it. What has errors is of no use.
pub(super) fn compile(version: &VersionSpec, context: &Context<'_>) -> (Compiled, Verdict) {
    let mut verdict = Verdict::default();
    let domains = domains(version, &mut verdict);
    let scope = scope(version, &mut verdict);
    backend::check_healthchecks(version, &mut verdict);
    let backends: Vec<CompiledBackend> =
        version.backends.iter().filter_map(|backend| backend::compile(backend, version, &mut verdict)).collect();
    let resources: BTreeMap<&str, Arc<str>> = version
        .backends
        .iter()
        .map(|backend| (backend.name.as_str(), name::backend(&version.service, &backend.name)))
        .collect();
    let conditions = Conditions::read(version, &scope, &mut verdict);
    let default = destinations::default(version, &mut verdict);
    let destinations = destinations::compile(version, context.drained, &resources, &mut verdict);
    let mut steps = Source { version, scope: &scope, conditions: &conditions }.steps(default, &mut verdict);
    if let Some(step) = unknown_host::beyond(&domains) {
        steps.insert(0, step);
    }
    unapplied::check(version, context, &conditions, &mut verdict);
    if context.kind == ServiceType::Wasm {
        verdict.warning("", "no program is run: requests go to the pool or the first backend, as without one");
    }
    let mut lookups = BTreeSet::new();
    uses::lookups(&steps, &mut lookups);
    let sequence = config::Sequence {
        steps,
        destinations,
        local_replies: reply::replies(),
        backend_header: context.backend_header.to_owned(),
        ..Default::default()
    };
    (Compiled { domains, sequence, backends, lookups }, verdict)
}

fn domains(version: &VersionSpec, verdict: &mut Verdict) -> Vec<String> {
    if version.domains.is_empty() {
        // In these words scripts know it.
        verdict.error("", "Version has no associated domains");
    }
    let mut domains = Vec::new();
    for domain in &version.domains {
        let canonical = hostname::canonical(&domain.name);
        if !hostname::is_pattern(&canonical) {
            verdict.error(Named("Domain", &domain.name), "is neither a host name nor *. and one");
        } else if !domains.contains(&canonical) {
            domains.push(canonical);
        }
    }
    domains
}

/// What conditions can name.
fn scope(version: &VersionSpec, verdict: &mut Verdict) -> Scope {
    let lists = version.acls.iter().map(|acl| (acl.name.clone(), name::address_set(&acl.id)));
    let tables = version.dictionaries.iter().map(|it| (it.name.clone(), name::table(&it.id)));
    Scope { destinations: destinations::names(version, verdict), lists: lists.collect(), tables: tables.collect() }
}
