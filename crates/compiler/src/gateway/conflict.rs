//! Listeners of one fleet that want the same port.
//!
//! Within a Gateway, listeners that cannot be told apart are all refused, as the Gateway API demands. Between Gateways
//! the older one wins, so that a new Gateway never takes traffic from one that serves.
//!
//! Addresses are separate sockets: a listener on one address and a listener on another never conflict. Nor do a listener
//! on all addresses and one on a single address, which the operating system prefers for its connections, as long as both
//! speak the same protocol; with different protocols the younger is refused.

use std::collections::{BTreeMap, HashMap};

use backstay_resources::Timestamp;

use crate::change::ObjectKey;

/// What one listener wants of a port.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    pub(crate) gateway: &'a ObjectKey,
    pub(crate) created: Timestamp,
    /// Position within its Gateway.
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    pub(crate) protocol: &'a str,
    /// Canonical; empty for all hosts.
    pub(crate) hostname: String,
    /// Empty text stands for all.
    pub(crate) addresses: &'a [String],
}

/// Why a listener does not get its port.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conflict {
    /// Reason of the condition `Conflicted`.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// What is taken on one address.
struct Taken<'a> {
    protocol: &'a str,
    owner: &'a Claim<'a>,
    hostnames: HashMap<&'a str, &'a Claim<'a>>,
}

/// Decides who does not get one port, among all listeners of a fleet that want it.
pub(crate) fn conflicts(claims: &mut [Claim<'_>]) -> Vec<(ObjectKey, usize, Conflict)> {
    claims.sort_by_cached_key(|claim| (claim.created, claim.gateway.path(), claim.gateway.clone(), claim.index));
    let mut losers = Vec::new();
    let mut taken: BTreeMap<&str, Taken<'_>> = BTreeMap::new();
    for siblings in claims.chunk_by(|one, other| one.gateway == other.gateway) {
        let mut winners = Vec::new();
        for claim in siblings {
            let conflict = among_siblings(claim, siblings).or_else(|| with_older(claim, &taken));
            match conflict {
                Some(conflict) => losers.push((claim.gateway.clone(), claim.index, conflict)),
                None => winners.push(claim),
            }
        }
        for claim in winners {
            for address in claim.addresses {
                let entry = taken.entry(address).or_insert_with(|| Taken {
                    protocol: claim.protocol,
                    owner: claim,
                    hostnames: HashMap::new(),
                });
                entry.hostnames.insert(&claim.hostname, claim);
            }
        }
    }
    losers
}

fn among_siblings(claim: &Claim<'_>, siblings: &[Claim<'_>]) -> Option<Conflict> {
    let others = || siblings.iter().filter(|other| other.index != claim.index);
    if let Some(other) = others().find(|other| other.protocol != claim.protocol) {
        let message =
            format!("listener {} has the same port with protocol {}; use another port", other.name, other.protocol);
        return Some(Conflict { reason: "ProtocolConflict", message });
    }
    let other = others().find(|other| other.hostname == claim.hostname)?;
    let message = format!("listener {} has the same port, protocol and hostname", other.name);
    Some(Conflict { reason: "HostnameConflict", message })
}

fn with_older(claim: &Claim<'_>, taken: &BTreeMap<&str, Taken<'_>>) -> Option<Conflict> {
    for address in claim.addresses {
        let overlapping = taken.iter().filter(|(other, _)| address.is_empty() || other.is_empty() || address == *other);
        for (_, other) in overlapping {
            if other.protocol != claim.protocol {
                let Claim { gateway, name, .. } = other.owner;
                let message = format!(
                    "listener {name} of {gateway}, which is older, has the same port with protocol {}; use another port",
                    other.protocol
                );
                return Some(Conflict { reason: "ProtocolConflict", message });
            }
        }
        let holder = taken.get(address.as_str()).and_then(|taken| taken.hostnames.get(claim.hostname.as_str()));
        if let Some(Claim { gateway, name, .. }) = holder {
            let message =
                format!("listener {name} of {gateway}, which is older, has the same port, protocol and hostname");
            return Some(Conflict { reason: "HostnameConflict", message });
        }
    }
    None
}
