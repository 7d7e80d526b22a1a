//! Which families are asked for, and in which order.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use backstay_destination::lookup::Family;
use futures::future::{BoxFuture, Either, select};

use crate::resolve::{Answer, RecordKind, Resolve};

#[cfg(test)]
mod tests;

/// How long the slower family is waited for once the other has addresses. Envoy's resolver waits as long.
const SECOND_FAMILY_WAIT: Duration = Duration::from_millis(250);

/// Asks for `name` as `family` says. Not limited in time.
pub async fn resolve_family(resolver: &dyn Resolve, name: &Arc<str>, family: Family) -> Answer {
    let ask = |kind| resolver.query(Arc::clone(name), kind);
    match family {
        Family::V4Only => ask(RecordKind::A).await,
        Family::V6Only => ask(RecordKind::Aaaa).await,
        Family::StrictAuto => one_then_other(resolver, name, RecordKind::Aaaa, RecordKind::A).await,
        Family::V4Preferred => one_then_other(resolver, name, RecordKind::A, RecordKind::Aaaa).await,
        Family::All => both(ask(RecordKind::A), ask(RecordKind::Aaaa)).await,
        Family::Auto => both(ask(RecordKind::Aaaa), ask(RecordKind::A)).await,
    }
}

async fn one_then_other(resolver: &dyn Resolve, name: &Arc<str>, one: RecordKind, other: RecordKind) -> Answer {
    match resolver.query(Arc::clone(name), one).await {
        found @ Answer::Addresses(..) => found,
        none => without(none, resolver.query(Arc::clone(name), other).await),
    }
}

/// Both at once, the addresses of `one` before those of `other`.
async fn both(one: BoxFuture<'_, Answer>, other: BoxFuture<'_, Answer>) -> Answer {
    match select(one, other).await {
        Either::Left((first, second)) => combine(first, second, in_turns).await,
        Either::Right((first, second)) => combine(first, second, |other, one| in_turns(one, other)).await,
    }
}

async fn combine(
    first: Answer,
    second: impl Future<Output = Answer>,
    merge: impl FnOnce(Vec<IpAddr>, Vec<IpAddr>) -> Vec<IpAddr>,
) -> Answer {
    let Answer::Addresses(addresses, ttl) = first else {
        return without(first, second.await);
    };
    match tokio::time::timeout(SECOND_FAMILY_WAIT, second).await {
        Ok(Answer::Addresses(more, other_ttl)) => Answer::Addresses(merge(addresses, more), ttl.min(other_ttl)),
        _ => Answer::Addresses(addresses, ttl),
    }
}

/// `second`, given that `first` has no addresses. That there is none is known only if both say so.
fn without(first: Answer, second: Answer) -> Answer {
    match (first, second) {
        (failed @ Answer::Failed(_), Answer::Empty(_)) => failed,
        (_, second) => second,
    }
}

fn in_turns(one: Vec<IpAddr>, other: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        let before = all.len();
        all.extend(one.next());
        all.extend(other.next());
        if all.len() == before {
            return all;
        }
    }
}
