//! Configurations on one listener that want the same requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey};
use backstay_destination::hostname;

use super::{KrakendFrontEnd, Served};

/// A listener of a fleet, by its resource.
pub(super) type FleetListener = (Arc<str>, Arc<str>);

/// What others see of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Listeners that it is on.
    pub(super) listeners: BTreeSet<FleetListener>,
    /// Canonical; an empty one stands for every host.
    hostnames: BTreeSet<String>,
    /// Names of the rules of its endpoints. What routers answer themselves, each answers alike.
    rules: BTreeSet<String>,
}

impl Standing {
    /// Of what is served, on these listeners.
    pub(super) fn of(served: Option<&Served>, listeners: BTreeSet<FleetListener>) -> Self {
        let Some(Served { spec, compiled }) = served else { return Self::default() };
        let mut hostnames: BTreeSet<String> = spec.hostnames.iter().map(|name| hostname::canonical(name)).collect();
        if hostnames.is_empty() {
            hostnames.insert(String::new());
        }
        let names = compiled.route.rules.iter().map(|rule| &rule.name);
        let rules = names.filter(|name| name.contains(' ')).cloned().collect();
        Self { listeners, hostnames, rules }
    }
}

impl KrakendFrontEnd {
    /// How a configuration stands from now on. Those beside it are looked at where that differs, since one may take what another
    /// wants.
    pub(super) fn stand(&mut self, key: &ObjectKey, standing: Standing, graph: &mut Graph) {
        let Some(node) = self.configs.get_mut(key) else { return };
        if node.standing == standing {
            return;
        }
        let before = std::mem::replace(&mut node.standing, standing.clone());
        self.leave(key, before, graph);
        for listener in standing.listeners {
            let here = self.shared.entry(listener).or_default();
            here.iter().for_each(|other| graph.touch(other.clone()));
            here.insert(key.clone());
        }
    }

    /// A configuration stands so no longer.
    pub(super) fn leave(&mut self, key: &ObjectKey, standing: Standing, graph: &mut Graph) {
        for listener in standing.listeners {
            let Some(here) = self.shared.get_mut(&listener) else { continue };
            here.remove(key);
            here.iter().for_each(|other| graph.touch(other.clone()));
            if here.is_empty() {
                self.shared.remove(&listener);
            }
        }
    }

    /// What an older configuration on the same listener takes of what this one wants: a sentence. Hosts are compared literally: of two
    /// names the more specific one wins, and nothing is taken.
    pub(super) fn overlap(&self, key: &ObjectKey) -> Option<String> {
        let node = self.configs.get(key)?;
        let Standing { listeners, hostnames, rules } = &node.standing;
        let beside: BTreeSet<&ObjectKey> =
            listeners.iter().filter_map(|listener| self.shared.get(listener)).flatten().collect();
        let older = beside.into_iter().filter_map(|other| Some((other, self.configs.get(other)?)));
        let mut older = older.filter(|(other, there)| (there.source.created, *other) < (node.source.created, key));
        older.find_map(|(other, there)| {
            if there.standing.hostnames.is_disjoint(hostnames) {
                return None;
            }
            let mut both = there.standing.rules.intersection(rules);
            let first = both.next()?;
            let more = match both.count() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            Some(format!(
                "{other}, which is older, has the same hosts on the same listener, and takes {first}{more}: give the two different \
                 hostnames"
            ))
        })
    }
}
