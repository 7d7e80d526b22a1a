//! Which families are asked for, and in which order.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};

use crate::resolve::{Answer, RecordKind, Resolve};

#[cfg(test)]
mod tests;

/// How long the slower family is waited for once the other has addresses. Envoy's resolver waits as long.
const SECOND_FAMILY_WAIT: Duration = Duration::from_millis(250);

/// The five ways to ask, Envoy's `dns_lookup_family`. IP literals pass in each of them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Family {
    /// AAAA, and A only if that gave no address.
    #[default]
    Auto,
    /// A.
    V4Only,
    /// AAAA.
    V6Only,
    /// A, and AAAA only if that gave no address.
    V4Preferred,
    /// Both at once, addresses of the two in turns, IPv4 first.
    All,
}

/// Asks for `name` as `family` says. Not limited in time.
pub async fn resolve_family(resolver: &dyn Resolve, name: &Arc<str>, family: Family) -> Answer {
    let ask = |kind| resolver.query(Arc::clone(name), kind);
    match family {
        Family::V4Only => ask(RecordKind::A).await,
        Family::V6Only => ask(RecordKind::Aaaa).await,
        Family::Auto => one_then_other(resolver, name, RecordKind::Aaaa, RecordKind::A).await,
        Family::V4Preferred => one_then_other(resolver, name, RecordKind::A, RecordKind::Aaaa).await,
        Family::All => match select(ask(RecordKind::A), ask(RecordKind::Aaaa)).await {
            Either::Left((v4, other)) => combine(v4, other, false).await,
            Either::Right((v6, other)) => combine(v6, other, true).await,
        },
    }
}

async fn one_then_other(resolver: &dyn Resolve, name: &Arc<str>, one: RecordKind, other: RecordKind) -> Answer {
    match resolver.query(Arc::clone(name), one).await {
        found @ Answer::Addresses(..) => found,
        none => without(none, resolver.query(Arc::clone(name), other).await),
    }
}

async fn combine(first: Answer, other: impl Future<Output = Answer>, first_is_v6: bool) -> Answer {
    let Answer::Addresses(mut v4, ttl) = first else {
        return without(first, other.await);
    };
    let Ok(Answer::Addresses(mut v6, other_ttl)) = tokio::time::timeout(SECOND_FAMILY_WAIT, other).await else {
        return Answer::Addresses(v4, ttl);
    };
    if first_is_v6 {
        std::mem::swap(&mut v4, &mut v6);
    }
    Answer::Addresses(in_turns(v4, v6), ttl.min(other_ttl))
}

/// `second`, given that `first` has no addresses. That there is none is known only if both say so.
fn without(first: Answer, second: Answer) -> Answer {
    match (first, second) {
        (failed @ Answer::Failed(_), Answer::Empty(_)) => failed,
        (_, second) => second,
    }
}

fn in_turns(v4: Vec<IpAddr>, v6: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut all = Vec::with_capacity(v4.len() + v6.len());
    let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
    loop {
        let before = all.len();
        all.extend(v4.next());
        all.extend(v6.next());
        if all.len() == before {
            return all;
        }
    }
}
