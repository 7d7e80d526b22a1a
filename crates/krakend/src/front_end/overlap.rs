//! Configurations on one listener that want the same requests.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey};
use backstay_destination::hostname;

use super::KrakendFrontEnd;

/// A listener of a fleet, by its resource.
pub(super) type FleetListener = (Arc<str>, Arc<str>);

impl KrakendFrontEnd {
    /// A configuration is on these listeners and no others. Those beside it are looked at, since one may take what another wants.
    pub(super) fn stand_on(&mut self, key: &ObjectKey, listeners: BTreeSet<FleetListener>, graph: &mut Graph) {
        let Some(node) = self.configs.get_mut(key) else { return };
        let before = std::mem::replace(&mut node.listeners, listeners.clone());
        if before == listeners {
            return;
        }
        self.leave(key, before, graph);
        for listener in listeners {
            let here = self.shared.entry(listener).or_default();
            here.iter().for_each(|other| graph.touch(other.clone()));
            here.insert(key.clone());
        }
    }

    /// A configuration is on these listeners no longer.
    pub(super) fn leave(&mut self, key: &ObjectKey, listeners: BTreeSet<FleetListener>, graph: &mut Graph) {
        for listener in listeners {
            let Some(here) = self.shared.get_mut(&listener) else { continue };
            here.remove(key);
            here.iter().for_each(|other| graph.touch(other.clone()));
            if here.is_empty() {
                self.shared.remove(&listener);
            }
        }
    }

    /// What an older configuration on the same listener takes of what this one wants: a sentence.
    pub(super) fn overlap(&self, key: &ObjectKey) -> Option<String> {
        let node = self.configs.get(key)?;
        let served = node.served.as_ref()?;
        let beside: BTreeSet<&ObjectKey> =
            node.listeners.iter().filter_map(|listener| self.shared.get(listener)).flatten().collect();
        for other in beside.into_iter().filter(|other| *other != key) {
            let Some(older) = self.configs.get(other) else { continue };
            if (older.source.created, other) > (node.source.created, key) {
                continue;
            }
            let Some(taken) = older.served.as_ref() else { continue };
            if !meet(&served.spec.hostnames, &taken.spec.hostnames) {
                continue;
            }
            let theirs: BTreeSet<&str> = taken.compiled.route.rules.iter().map(|rule| rule.name.as_str()).collect();
            let both: Vec<&str> = served
                .compiled
                .route
                .rules
                .iter()
                .map(|rule| rule.name.as_str())
                .filter(|name| theirs.contains(name))
                .collect();
            if let Some(first) = both.first() {
                let more = both.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                return Some(format!(
                    "{other}, which is older, has the same hosts on the same listener, and takes {first}{more}: give \
                     the two different hostnames"
                ));
            }
        }
        None
    }
}

/// Whether two lists have a host in common, taken literally: of two names the more specific one wins, and nothing is taken.
fn meet(one: &[String], other: &[String]) -> bool {
    let canonical = |names: &[String]| -> BTreeSet<String> {
        match names.is_empty() {
            true => BTreeSet::from([String::new()]),
            false => names.iter().map(|name| hostname::canonical(name)).collect(),
        }
    };
    !canonical(one).is_disjoint(&canonical(other))
}
