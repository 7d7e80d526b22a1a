//! Ports that objects of other dialects than the Gateway API ask for, with listeners of their own. Whoever has Gateways decides who
//! gets a port; nobody decides where there are none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use backstay_resources::Timestamp;

use super::Graph;
use crate::change::ObjectKey;

/// A port of a fleet.
pub(crate) type FleetPort = (Arc<str>, u16);

/// What one object wants of a port.
#[derive(Debug, Clone, PartialEq)]
pub struct PortClaim {
    /// Whose proxies are to listen.
    pub fleet: Arc<str>,
    /// The TCP port.
    pub port: u16,
    /// Of several, the oldest object gets it.
    pub created: Timestamp,
    /// `HTTP` or `HTTPS`.
    pub protocol: &'static str,
    /// Addresses to listen on; an empty text stands for all.
    pub addresses: Vec<String>,
}

/// All claims, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Ports {
    claims: BTreeMap<FleetPort, BTreeMap<ObjectKey, PortClaim>>,
    owners: HashMap<ObjectKey, FleetPort>,
    touched: BTreeSet<FleetPort>,
    conflicts: HashMap<ObjectKey, String>,
}

impl Graph {
    /// From now on `owner` claims this port and no other, or none. Told in [`FrontEnd::read`](crate::FrontEnd::read), it is decided
    /// before any front end behind the one that has Gateways compiles; whose outcome differs is looked at.
    pub fn claim_port(&mut self, owner: &ObjectKey, claim: Option<PortClaim>) {
        let place = claim.as_ref().map(|claim| (claim.fleet.clone(), claim.port));
        let before = match &place {
            Some(place) => self.ports.owners.insert(owner.clone(), place.clone()),
            None => self.ports.owners.remove(owner),
        };
        if before != place
            && let Some(before) = before
        {
            if let Some(claims) = self.ports.claims.get_mut(&before) {
                claims.remove(owner);
                if claims.is_empty() {
                    self.ports.claims.remove(&before);
                }
            }
            self.ports.touched.insert(before);
            self.ports.conflicts.remove(owner);
        }
        if let (Some(place), Some(claim)) = (place, claim) {
            let claims = self.ports.claims.entry(place.clone()).or_default();
            if claims.get(owner) != Some(&claim) {
                claims.insert(owner.clone(), claim);
                self.ports.touched.insert(place);
            }
        }
    }

    /// Why `owner` does not get the port that it claims. `None`: it does.
    pub fn port_conflict(&self, owner: &ObjectKey) -> Option<&str> {
        self.ports.conflicts.get(owner).map(String::as_str)
    }

    /// The claims on a port.
    pub(crate) fn claims(&self, port: &FleetPort) -> impl Iterator<Item = (&ObjectKey, &PortClaim)> {
        self.ports.claims.get(port).into_iter().flatten()
    }

    /// Ports with other claims than before.
    pub(crate) fn take_claimed(&mut self) -> BTreeSet<FleetPort> {
        std::mem::take(&mut self.ports.touched)
    }

    /// Whether `owner` gets the port that it claims, or why not. Where that differs, it is looked at.
    pub(crate) fn settle_port(&mut self, owner: &ObjectKey, conflict: Option<String>) {
        let before = match &conflict {
            Some(conflict) => self.ports.conflicts.insert(owner.clone(), conflict.clone()),
            None => self.ports.conflicts.remove(owner),
        };
        if before != conflict {
            self.touch(owner.clone());
        }
    }
}
