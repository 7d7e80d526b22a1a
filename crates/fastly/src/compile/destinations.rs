//! What requests can go to: backends, the pool of those that balance load, and directors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::expression::Kind as Expression;
use backstay_proto::config::pool::{Member, Selection};
use backstay_proto::config::variable::{Kind as Variable, Part};

use super::name;
use super::verdict::{Named, Verdict};
use crate::object::{Backend, Director, DirectorType, VersionSpec};

/// Other members of the pool that are tried when a connection cannot be had.
const POOL_RETRIES: u32 = 10;

/// What VCL calls everything that requests can go to.
pub(super) fn names(version: &VersionSpec, verdict: &mut Verdict) -> BTreeSet<String> {
    let mut names: BTreeMap<String, Named<'_>> = BTreeMap::new();
    let backends = version.backends.iter().map(|it| (name::of_backend(&it.name), Named("Backend", &it.name)));
    // One without backends is nothing to select.
    let directors = version.directors.iter().filter(|director| !director.backends.is_empty());
    let directors = directors.map(|it| (name::of_director(&it.name), Named("Director", &it.name)));
    let mut all: Vec<_> = backends.chain(directors).collect();
    if pooled(version).next().is_some() {
        all.push((name::POOL.to_owned(), Named("Director", name::POOL)));
    }
    for (vcl, object) in all {
        if let Some(earlier) = names.get(&vcl) {
            verdict.error(object, format!("VCL calls it {vcl}, as it does {earlier}: rename one of them"));
        } else {
            names.insert(vcl, object);
        }
    }
    names.into_keys().collect()
}

/// Whether a backend has a condition, and so is no default.
pub(super) fn is_conditional(backend: &Backend) -> bool {
    !backend.request_condition.is_empty()
}

/// Members of the pool.
fn pooled(version: &VersionSpec) -> impl Iterator<Item = &Backend> {
    version.backends.iter().filter(|backend| backend.auto_loadbalance && !is_conditional(backend))
}

/// What is selected before any condition is looked at: the pool, if it has members; else the first backend without a condition,
/// by the first director that it belongs to, if there is one.
pub(super) fn default(version: &VersionSpec, verdict: &mut Verdict) -> Option<String> {
    if pooled(version).next().is_some() {
        if pooled(version).all(|backend| backend.weight == 0) {
            verdict.warning(
                "",
                "all backends of the pool have weight 0: requests that meet no condition are answered 503",
            );
        }
        return Some(name::POOL.to_owned());
    }
    match version.backends.iter().find(|backend| !is_conditional(backend)) {
        Some(first) => {
            let director = version.directors.iter().find(|director| director.backends.contains(&first.name));
            Some(director.map_or_else(|| name::of_backend(&first.name), |director| name::of_director(&director.name)))
        }
        None if version.backends.is_empty() => {
            verdict.warning("", "No default director found: the version has no backend, and requests are answered 503");
            None
        }
        None => {
            let message = "No default director found: every backend has a condition, and requests that meet none are answered 503";
            verdict.warning("", message);
            None
        }
    }
}

/// Whether a backend is a member of the pool or of a director: what is not gets requests because it itself is selected.
pub(crate) fn is_member(version: &VersionSpec, backend: &str) -> bool {
    pooled(version).any(|pooled| pooled.name == backend)
        || version.directors.iter().any(|director| director.backends.iter().any(|member| member == backend))
}

/// What draining a backend does in this version.
fn drains(backend: &str, version: &VersionSpec, verdict: &mut Verdict) {
    let object = Named("Backend", backend);
    if !version.backends.iter().any(|known| known.name == backend) {
        return;
    }
    let message = match is_member(version, backend) {
        true => "is drained: the pool and directors give it nothing",
        false => "is drained, which changes nothing: it is in no pool and in no director, and gets what selects it",
    };
    verdict.warning(object, message);
}

/// Everything that requests can go to, those of `drained` without a share. `resources` has what backends compiled to.
pub(super) fn compile(
    version: &VersionSpec,
    drained: &BTreeSet<String>,
    resources: &BTreeMap<&str, Arc<str>>,
    verdict: &mut Verdict,
) -> Vec<config::Destination> {
    for name in drained {
        drains(name, version, verdict);
    }
    let reference = |backend: &Backend| {
        let resource = resources.get(backend.name.as_str())?;
        Some(config::BackendRef { backend: resource.to_string(), port: backend.port.into() })
    };
    let destination = |name: String, kind| config::Destination { name, kind: Some(kind) };
    let single = |backend: &Backend| Some((name::of_backend(&backend.name), reference(backend)?));
    let singles = version.backends.iter().filter_map(single);
    let mut destinations: Vec<_> =
        singles.map(|(name, backend)| destination(name, config::destination::Kind::Backend(backend))).collect();
    let member = |backend: &Backend| {
        let name = name::of_backend(&backend.name);
        let weight = if drained.contains(&backend.name) { 0 } else { backend.weight };
        Some(Member { backend: Some(reference(backend)?), weight, name })
    };
    let members: Vec<_> = pooled(version).filter_map(member).collect();
    if !members.is_empty() {
        let retries = POOL_RETRIES.min(u32::try_from(members.len() - 1).unwrap_or(POOL_RETRIES));
        let pool = config::Pool { members, retries, ..Default::default() };
        destinations.push(destination(name::POOL.to_owned(), config::destination::Kind::Pool(pool)));
    }
    for director in &version.directors {
        let members: Vec<_> = members_of(director, version, verdict).into_iter().filter_map(member).collect();
        if !members.is_empty() {
            let pool = config::Pool { members, ..pool(director, verdict) };
            destinations.push(destination(name::of_director(&director.name), config::destination::Kind::Pool(pool)));
        }
    }
    destinations
}

fn members_of<'a>(director: &Director, version: &'a VersionSpec, verdict: &mut Verdict) -> Vec<&'a Backend> {
    let object = Named("Director", &director.name);
    let mut members = Vec::new();
    for name in &director.backends {
        match version.backends.iter().find(|backend| backend.name == *name) {
            Some(backend) => members.push(backend),
            None => verdict.error(object, format!("there is no backend '{name}'")),
        }
    }
    if director.backends.is_empty() {
        verdict.warning(object, "has no backends, and is not used");
    }
    if director.shield.as_deref().is_some_and(|shield| !shield.is_empty()) {
        verdict.warning(object, "shield is not applicable: there are no points of presence to go through");
    }
    members
}

/// A director without its members.
fn pool(director: &Director, verdict: &mut Verdict) -> config::Pool {
    if director.fallback == Some(true) {
        // The first that can serve does: how many others can is no matter.
        return config::Pool { selection: Selection::Fallback.into(), retries: director.retries, ..Default::default() };
    }
    let part = |part: Part| config::Expression {
        kind: Some(Expression::Variable(config::Variable { kind: Some(Variable::Part(part.into())) })),
    };
    let (selection, hash_key) = match director.kind {
        DirectorType::Random => (Selection::Random, None),
        DirectorType::RoundRobin => {
            let message = "type 2 takes backends at random by their weights, not one after another";
            verdict.warning(Named("Director", &director.name), message);
            (Selection::Random, None)
        }
        DirectorType::Hash => {
            let operands = vec![part(Part::Host), part(Part::Target)];
            let kind = Some(Expression::Concatenation(config::Expressions { operands }));
            (Selection::Hash, Some(config::Expression { kind }))
        }
        DirectorType::Client => (Selection::Hash, Some(part(Part::ClientAddress))),
    };
    config::Pool {
        selection: selection.into(),
        hash_key,
        quorum: director.quorum.min(100),
        retries: director.retries,
        ..Default::default()
    }
}
