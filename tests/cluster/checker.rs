//! What clients of several control planes may rely on, checked on what they have seen.
//!
//! - Every write that was acknowledged is there: each watch has it, with the revision that the answer told.
//! - A watch has each event once, in order, and its revisions rise.
//! - A write whose outcome is not known is there once or not at all.

use std::collections::{BTreeMap, BTreeSet};

/// A value of an object, which no two writes have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    pub object: String,
    pub value: String,
}

/// What all clients have seen.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Writes that were acknowledged, with the revision that the answer told.
    pub acknowledged: Vec<(Written, u64)>,
    /// Writes of which nobody was told whether they were done.
    pub unknown: Vec<Written>,
    /// The events of each watch, over all its connections.
    pub watches: Vec<Vec<(u64, Written)>>,
}

impl History {
    /// All that is wrong, in words.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let known: BTreeSet<&Written> =
            self.acknowledged.iter().map(|(written, _)| written).chain(&self.unknown).collect();
        for (number, events) in self.watches.iter().enumerate() {
            for pair in events.windows(2) {
                if pair[1].0 <= pair[0].0 {
                    faults.push(format!("watch {number}: {:?} follows {:?}", pair[1], pair[0]));
                }
            }
            let mut seen: BTreeMap<&Written, Vec<u64>> = BTreeMap::new();
            for (revision, written) in events {
                seen.entry(written).or_default().push(*revision);
            }
            for (written, revisions) in &seen {
                if revisions.len() > 1 {
                    faults.push(format!("watch {number}: {written:?} was done at {revisions:?}"));
                }
                if !known.contains(*written) {
                    faults.push(format!("watch {number}: nobody has written {written:?}"));
                }
            }
            for (written, revision) in &self.acknowledged {
                match seen.get(written).map(Vec::as_slice) {
                    Some(revisions) if revisions.contains(revision) => {}
                    Some(revisions) => {
                        faults.push(format!(
                            "watch {number}: {written:?} was acknowledged at {revision}, seen at {revisions:?}"
                        ));
                    }
                    None => faults.push(format!("watch {number}: {written:?} at {revision} is lost")),
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{History, Written};

    fn history(writes: &[bool]) -> History {
        let mut history = History { watches: vec![Vec::new(), Vec::new()], ..History::default() };
        for (index, acknowledged) in writes.iter().enumerate() {
            let written = Written { object: format!("o{}", index % 3), value: index.to_string() };
            let revision = 10 + 2 * index as u64;
            match acknowledged {
                true => history.acknowledged.push((written.clone(), revision)),
                false => history.unknown.push(written.clone()),
            }
            // Of those that are not known, every other one was done.
            if *acknowledged || index % 2 == 0 {
                history.watches.iter_mut().for_each(|events| events.push((revision, written.clone())));
            }
        }
        history
    }

    proptest! {
        #[test]
        fn what_is_right_has_no_faults_and_whatever_is_changed_in_a_watch_is_one(
            writes in prop::collection::vec(any::<bool>(), 2..40),
            at in any::<prop::sample::Index>(),
            kind in 0..5,
        ) {
            let mut history = history(&writes);
            prop_assert_eq!(history.faults(), Vec::<String>::new());
            let acknowledged = history.acknowledged.clone();
            prop_assume!(!acknowledged.is_empty());
            let (written, revision) = acknowledged[at.index(acknowledged.len())].clone();
            let events = &mut history.watches[1];
            let place = events.iter().position(|(_, event)| *event == written).unwrap();
            match kind {
                // Lost.
                0 => drop(events.remove(place)),
                // Twice.
                1 => events.insert(place + 1, (revision, written)),
                // At another revision.
                2 => events[place].0 += 1,
                // Never written.
                3 => events[place].1.value.push('x'),
                // Out of order.
                _ => {
                    prop_assume!(place + 1 < events.len());
                    events.swap(place, place + 1);
                }
            }
            prop_assert_ne!(history.faults(), Vec::<String>::new());
        }
    }
}
