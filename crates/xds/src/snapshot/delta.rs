use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Part;
use crate::Variant;

/// What has changed of a type between two snapshots, as responses carry it: the same for all streams that had the first and get the
/// second.
#[derive(Debug)]
pub(crate) struct Delta {
    /// What is new.
    pub(crate) part: Part,
    /// What is gone.
    pub(crate) removed: Arc<[Arc<str>]>,
    /// Bytes of all of it in a response, about.
    pub(crate) bytes: usize,
}

impl Delta {
    /// Bytes of the name of something that is gone, about.
    pub(crate) fn removed_len(name: &str) -> usize {
        name.len() + 6
    }

    /// Whether all is as it was.
    pub(crate) fn is_empty(&self) -> bool {
        self.part.resources.is_empty() && self.removed.is_empty()
    }
}

/// How many are kept of a snapshot: streams that are behind, are so by different numbers of changes.
const KEPT: usize = 4;

/// What has more names is looked up by each stream for itself.
const MOST_NAMES: usize = 4_096;

/// What is larger is kept for as long as a stream sends it.
const SMALL: usize = 64 << 10;

/// Those of one snapshot and type that were asked for last.
#[derive(Clone, Debug, Default)]
pub(super) struct Deltas(Arc<Mutex<VecDeque<(Of, Kept)>>>);

/// The step since which, and for whom.
type Of = (u64, Variant);

#[derive(Debug)]
enum Kept {
    Here(Arc<Delta>),
    Sent(Weak<Delta>),
    TooMuch,
}

impl Deltas {
    /// The changes since a step, which are of these names, if these are known. Nothing if they are not, or if there are too many for one
    /// response of `limit` bytes.
    pub(super) fn get<'a, N: Iterator<Item = &'a Arc<str>>>(
        &self,
        of: Of,
        limit: usize,
        names: impl FnOnce() -> Option<N>,
        make: impl FnOnce(Vec<&'a Arc<str>>) -> Delta,
    ) -> Option<Arc<Delta>> {
        // Held while it is made: whoever comes meanwhile wants the same.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(other, _)| *other == of);
        match known.map(|at| &kept[at].1) {
            Some(Kept::Here(delta)) => return Some(Arc::clone(delta)),
            Some(Kept::TooMuch) => return None,
            Some(Kept::Sent(delta)) => {
                if let Some(delta) = delta.upgrade() {
                    return Some(delta);
                }
            }
            None => {}
        }
        if let Some(at) = known {
            kept.remove(at);
        }
        let mut changed: Vec<_> = names()?.take(MOST_NAMES + 1).collect();
        changed.sort_unstable();
        changed.dedup();
        let delta = (changed.len() <= MOST_NAMES).then(|| Arc::new(make(changed)));
        let delta = delta.filter(|delta| delta.bytes <= limit);
        kept.truncate(KEPT - 1);
        kept.push_front((
            of,
            match &delta {
                Some(delta) if delta.bytes <= SMALL => Kept::Here(delta.clone()),
                Some(delta) => Kept::Sent(Arc::downgrade(delta)),
                None => Kept::TooMuch,
            },
        ));
        delta
    }
}
