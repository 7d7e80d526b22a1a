//! Where requests can go.

use std::num::NonZeroU16;
use std::sync::Arc;

use backstay_expression::Text;
use backstay_proto::config::{self, destination, pool};

use super::expression::text;
use super::scope::Scope;
use crate::fault::{Checked, Together, Within, all, refuse, unknown};
use crate::route::reference::backend_ref;

/// Longest name of a destination or a member, in bytes: it can be the value of a header.
const MAX_NAME: usize = 512;

/// Where requests can go. `B` stands for a backend, as in [`Action`](crate::Action).
#[derive(Clone, Debug)]
pub struct Destination<B = Arc<str>> {
    /// What steps, headers, the access log and metrics call it.
    pub name: Arc<str>,
    /// What it is.
    pub kind: DestinationKind<B>,
}

/// What a destination is.
#[derive(Clone, Debug)]
pub enum DestinationKind<B = Arc<str>> {
    /// One backend.
    Backend(Member<B>),
    /// Several.
    Pool(Pool<B>),
}

/// Several backends for one destination. A member is healthy while one of its endpoints is.
#[derive(Clone, Debug)]
pub struct Pool<B = Arc<str>> {
    /// Its members.
    pub members: Box<[Member<B>]>,
    /// How one is chosen.
    pub selection: Selection,
    /// Percent of the members' weight that must be healthy, or the pool is not: 0 to 100. 0: any healthy member will do.
    pub quorum: u8,
    /// How many other members are tried when a connection cannot be had.
    pub retries: usize,
}

/// How a member of a pool is chosen.
#[derive(Clone, Debug)]
pub enum Selection {
    /// By weight.
    Random,
    /// By the hash of this, and by weight: what is absent hashes as empty.
    Hash(Text),
    /// The first in order.
    Fallback,
}

/// A backend of a destination.
#[derive(Clone, Debug)]
pub struct Member<B = Arc<str>> {
    /// The backend; `None` once it was looked for and is not there (yet).
    pub backend: Option<B>,
    /// Name of the Backend resource.
    pub resource: Arc<str>,
    /// Port of its endpoints; `None` takes the authority's (dynamic backends only).
    pub port: Option<NonZeroU16>,
    /// 0 takes nothing. Of the only backend of a destination it does not count.
    pub weight: u32,
    /// What headers, the access log and metrics call it.
    pub name: Arc<str>,
}

impl<B> Destination<B> {
    /// Its backends.
    #[must_use]
    pub fn members(&self) -> &[Member<B>] {
        match &self.kind {
            DestinationKind::Backend(member) => std::slice::from_ref(member),
            DestinationKind::Pool(pool) => &pool.members,
        }
    }
}

impl Destination {
    /// The same on what `find` finds for the backends that it names.
    pub(super) fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> Destination<B> {
        let member = |member: &Member| Member {
            backend: find(&member.resource, member.port),
            resource: Arc::clone(&member.resource),
            port: member.port,
            weight: member.weight,
            name: Arc::clone(&member.name),
        };
        let kind = match &self.kind {
            DestinationKind::Backend(only) => DestinationKind::Backend(member(only)),
            DestinationKind::Pool(pool) => DestinationKind::Pool(Pool {
                members: pool.members.iter().map(member).collect(),
                selection: pool.selection.clone(),
                quorum: pool.quorum,
                retries: pool.retries,
            }),
        };
        Destination { name: Arc::clone(&self.name), kind }
    }
}

/// The names of `destinations`, each of which must be another.
pub(super) fn names(destinations: &[config::Destination]) -> Checked<Vec<Arc<str>>> {
    all(destinations.iter().enumerate().map(|(index, message)| {
        let twice = destinations.iter().take(index).any(|earlier| earlier.name == message.name);
        let name = if twice { refuse("name", "is that of another destination") } else { name(&message.name) };
        name.within_element("destinations", index)
    }))
}

fn name(name: &str) -> Checked<Arc<str>> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return refuse("name", format!("must be 1 to {MAX_NAME} bytes, none of them a control character"));
    }
    Ok(name.into())
}

/// A destination whose name was looked at before.
pub(super) fn destination(message: &config::Destination, scope: &mut Scope) -> Checked<Destination> {
    let kind = match &message.kind {
        None => return unknown(""),
        Some(destination::Kind::Backend(reference)) => {
            let (resource, port) = backend_ref(reference).within("backend")?;
            let name = Arc::clone(&resource);
            DestinationKind::Backend(Member { backend: Some(Arc::clone(&resource)), resource, port, weight: 1, name })
        }
        Some(destination::Kind::Pool(message)) => DestinationKind::Pool(self::pool(message, scope).within("pool")?),
    };
    Ok(Destination { name: message.name.as_str().into(), kind })
}

fn pool(message: &config::Pool, scope: &mut Scope) -> Checked<Pool> {
    let members = message.members.iter().enumerate();
    let members: Checked<Vec<_>> = all(members.map(|(index, one)| member(one).within_element("members", index)));
    let members = members.and_then(|members| {
        if members.is_empty() { refuse("members", "must hold at least one member") } else { Ok(members) }
    });
    let key = message.hash_key.as_ref().map(|key| text(key, scope).within("hash_key")).transpose();
    let selection = match pool::Selection::try_from(message.selection) {
        Ok(pool::Selection::Hash) => key.and_then(|key| match key {
            Some(key) => Ok(Selection::Hash(key)),
            None => refuse("hash_key", "must be set where members are selected by its hash"),
        }),
        Ok(_) if message.hash_key.is_some() => refuse("hash_key", "must not be set where nothing is hashed"),
        Ok(pool::Selection::Random) => Ok(Selection::Random),
        Ok(pool::Selection::Fallback) => Ok(Selection::Fallback),
        Err(_) => unknown("selection"),
    };
    let quorum = match u8::try_from(message.quorum) {
        Ok(percent) if percent <= 100 => Ok(percent),
        _ => refuse("quorum", "is a percentage, 0 to 100"),
    };
    let (members, selection, quorum) = (members, selection, quorum).together()?;
    let retries = usize::try_from(message.retries).unwrap_or(usize::MAX);
    Ok(Pool { members: members.into(), selection, quorum, retries })
}

fn member(message: &pool::Member) -> Checked<Member> {
    let backend = match &message.backend {
        None => refuse("backend", "must be set"),
        Some(reference) => backend_ref(reference).within("backend"),
    };
    let name = if message.name.is_empty() { Ok(None) } else { name(&message.name).map(Some) };
    let ((resource, port), name) = (backend, name).together()?;
    let name = name.unwrap_or_else(|| Arc::clone(&resource));
    Ok(Member { backend: Some(Arc::clone(&resource)), resource, port, weight: message.weight, name })
}
