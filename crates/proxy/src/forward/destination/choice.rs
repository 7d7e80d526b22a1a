//! Which member of a destination gets a request.

use backstay_balancer::members::{Candidate, by_hash, by_weight, is_quorum};
use backstay_balancer::{Health, hash_of};
use backstay_model::sequence::{Cause, DestinationKind, Pool, Selection};
use backstay_upstream::{Backend, Discovery};
use std::sync::Arc;

use crate::config::{Destination, Member};

/// What comes of a choice.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::forward) enum Choice {
    /// The position of a member.
    Member(usize),
    /// None can take the request.
    None(Cause),
}

/// Chooses a member of `destination` that is not among those `tried`. `key` is the hash that members are chosen by, where they are.
/// `below` is asked for a random number below another.
pub(in crate::forward) fn choose(
    destination: &Destination,
    key: Option<u64>,
    tried: &[usize],
    below: impl FnOnce(u64) -> u64,
) -> Choice {
    let pool = match &destination.kind {
        // Whether it can serve is for its own settings to say.
        DestinationKind::Backend(_) => return Choice::Member(0),
        DestinationKind::Pool(pool) => pool,
    };
    let healthy: Vec<_> = candidates(pool).filter(|(_, member)| can_serve(member)).map(|(one, _)| one).collect();
    let weight = |candidates: &mut dyn Iterator<Item = Candidate>| -> u64 {
        candidates.map(|candidate| u64::from(candidate.weight)).sum()
    };
    if healthy.is_empty() {
        return Choice::None(Cause::PoolUnhealthy);
    }
    let all = weight(&mut candidates(pool).map(|(one, _)| one));
    if !is_quorum(weight(&mut healthy.iter().copied()), all, pool.quorum) {
        return Choice::None(Cause::QuorumNotReached);
    }
    let mut left = healthy.iter().copied().filter(|candidate| !tried.contains(&candidate.index));
    let chosen = match (&pool.selection, key) {
        (Selection::Hash(_), Some(key)) => by_hash(left, key),
        (Selection::Fallback, _) => left.next().map(|candidate| candidate.index),
        (Selection::Random | Selection::Hash(_), _) => by_weight(left, below),
    };
    chosen.map_or(Choice::None(Cause::PoolUnhealthy), Choice::Member)
}

/// Whether `destination` could be selected now.
pub(in crate::forward) fn is_healthy(destination: &Destination) -> bool {
    match &destination.kind {
        DestinationKind::Backend(member) => can_serve(member),
        DestinationKind::Pool(pool) => {
            let (mut healthy, mut all) = (0, 0);
            for (candidate, member) in candidates(pool) {
                let weight = u64::from(candidate.weight);
                all += weight;
                healthy += if can_serve(member) { weight } else { 0 };
            }
            healthy > 0 && is_quorum(healthy, all, pool.quorum)
        }
    }
}

/// The members that take anything.
fn candidates(pool: &Pool<Arc<Backend>>) -> impl Iterator<Item = (Candidate, &Member)> {
    let hashes = matches!(pool.selection, Selection::Hash(_));
    pool.members.iter().enumerate().filter(|(_, member)| member.weight > 0).map(move |(index, member)| {
        let identity = if hashes { hash_of(member.name.as_bytes()) } else { 0 };
        (Candidate { index, weight: member.weight, identity }, member)
    })
}

/// Whether one of its endpoints can be used.
fn can_serve(member: &Member) -> bool {
    match member.backend.as_ref().map(|backend| &backend.discovery) {
        None => false,
        Some(Discovery::Dynamic(_)) => true,
        Some(Discovery::Addresses(list)) => {
            let endpoints = list.load();
            let set = endpoints.set();
            (0..set.len()).any(|index| set.health(index).is_some_and(|health| health != Health::Unhealthy))
        }
    }
}
