//! The `Programmed` condition.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::ObjectStatus;

use super::{Feed, FleetResource, Refusal, Tracked, Tracker};

/// The reason of `Programmed` of what nothing uses.
pub(crate) const NOT_REFERENCED: &str = "NotReferenced";

/// Whether proxies serve what an object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Programmed {
    /// Every proxy of every fleet concerned has acknowledged it.
    Yes,
    /// Nothing was compiled for any fleet, since nothing uses it or it is not valid.
    Unused,
    /// Not every proxy has answered.
    Pending {
        /// The fleets waited for.
        fleets: String,
        /// Whether none of their proxies is connected.
        nobody: bool,
    },
    /// A proxy refused it.
    Refused {
        /// Which, what, and the proxy's own words.
        message: String,
    },
}

/// Everything that must be acknowledged for an object, without repetition.
pub(super) fn programs(status: &ObjectStatus) -> Vec<FleetResource> {
    let mut programs = status.programs.clone();
    programs.extend(status.report.listeners.iter().flat_map(|listener| listener.programs.iter().cloned()));
    programs.sort();
    programs.dedup();
    programs
}

impl Tracker {
    /// Whether proxies serve all of `programs`, which are those of `tracked` or some of them.
    pub(crate) fn programmed(&self, tracked: &Tracked, programs: &[FleetResource]) -> Programmed {
        if programs.is_empty() {
            return Programmed::Unused;
        }
        if let Some(message) = self.refusal_of(programs) {
            return Programmed::Refused { message };
        }
        if tracked.settled == Some(tracked.status.generation) {
            return Programmed::Yes;
        }
        let mut fleets: Vec<&str> = programs.iter().map(|(fleet, _)| &**fleet).collect();
        fleets.dedup();
        let served =
            |(fleet, resource): &FleetResource| self.fleets.get(fleet).is_some_and(|state| state.is_served(resource));
        let nobody = !programs.iter().any(served);
        Programmed::Pending { fleets: fleets.join(", "), nobody }
    }

    /// The name of a proxy that refuses a listener because it does not have the address, and its own words.
    pub(crate) fn refused_address(&self, program: &FleetResource) -> Option<(&str, &str)> {
        let refusals = self.refusals.get(program)?.iter().filter_map(|(id, type_url)| {
            let stream = self.streams.get(id)?;
            Some((stream.node_id.as_str(), stream.types.get(type_url)?.refused.get(&program.1)?))
        });
        let of_address = refusals.filter(|(_, refusal)| refusal.field == "address");
        of_address.map(|(node, refusal)| (node, refusal.message.as_str())).min()
    }

    /// A proxy that refuses a resource, and what it says of it: the first by its name.
    pub(crate) fn refusal(&self, program: &FleetResource) -> Option<(&str, &Refusal)> {
        let refusals = self.refusals.get(program)?.iter().filter_map(|(id, type_url)| {
            let stream = self.streams.get(id)?;
            Some((stream.node_id.as_str(), stream.types.get(type_url)?.refused.get(&program.1)?))
        });
        refusals.min_by_key(|(node, _)| *node)
    }

    /// The resources of a fleet that some proxy refuses.
    pub(crate) fn refused_names(&self, fleet: &str) -> BTreeSet<Arc<str>> {
        let of_fleet = self.refusals.keys().filter(|(of, _)| **of == *fleet);
        of_fleet.map(|(_, name)| name.clone()).collect()
    }

    /// Whether all proxies of a fleet have answered for a revision, of everything that they ask for. Cheap, however many there are.
    pub(crate) fn reached(&self, fleet: &str, revision: u64) -> bool {
        let lowest = |feed: &Feed| feed.synchronised.first_key_value().map(|(lowest, _)| *lowest);
        let feeds = self.fleets.get(fleet).into_iter().flat_map(|fleet| fleet.types.values());
        feeds.filter_map(lowest).all(|lowest| lowest >= revision)
    }

    /// The proxies of a fleet that have not answered for a revision of something that they ask for.
    pub(crate) fn behind(&self, fleet: &str, revision: u64) -> Vec<&str> {
        let behind = self.proxies(fleet).into_iter().filter(|stream| stream.synchronised() < revision);
        behind.map(|stream| stream.node_id.as_str()).collect()
    }

    fn refusal_of(&self, programs: &[FleetResource]) -> Option<String> {
        programs.iter().find_map(|program| {
            let (_, resource) = program;
            let refusals = self.refusals.get(program)?.iter().filter_map(|(id, type_url)| {
                let stream = self.streams.get(id)?;
                Some((&stream.node_id, stream.types.get(type_url)?.refused.get(resource)?))
            });
            let mut refusals: Vec<_> = refusals.collect();
            refusals.sort_by_key(|(node, _)| node.as_str());
            // A proxy is one, also where it refuses it as several types, or has two streams for a moment.
            refusals.dedup_by_key(|(node, _)| node.as_str());
            let (node, refusal) = refusals.first()?;
            let others = match refusals.len() - 1 {
                0 => String::new(),
                count => format!(" (and {count} more)"),
            };
            Some(format!("proxy {node}{others} refused {resource}: {}", refusal.sentence()))
        })
    }
}
