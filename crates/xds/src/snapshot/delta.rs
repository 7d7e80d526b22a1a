use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

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

/// What has more names or bytes is made for each stream by itself.
const MOST_NAMES: usize = 64;
const MOST_BYTES: usize = 64 << 10;

/// Those of one snapshot and type that were asked for last.
#[derive(Clone, Debug, Default)]
pub(super) struct Deltas(Arc<Mutex<VecDeque<Kept>>>);

/// The step since which, for whom, and what.
type Kept = (u64, Variant, Arc<Delta>);

impl Deltas {
    /// The changes since the step `since`, which are of these names, if these are known. Nothing if they are not, or too many to be kept.
    pub(super) fn get<'a, N: Iterator<Item = &'a Arc<str>>>(
        &self,
        since: u64,
        variant: Variant,
        names: impl FnOnce() -> Option<N>,
        make: impl FnOnce(Vec<&'a Arc<str>>) -> Delta,
    ) -> Option<Arc<Delta>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., delta)) = kept.iter().find(|(step, of, _)| (*step, *of) == (since, variant)) {
            return Some(Arc::clone(delta));
        }
        let mut changed: Vec<_> = names()?.take(MOST_NAMES + 1).collect();
        if changed.len() > MOST_NAMES {
            return None;
        }
        changed.sort_unstable();
        changed.dedup();
        let delta = Arc::new(make(changed));
        if delta.bytes > MOST_BYTES {
            return None;
        }
        kept.truncate(KEPT - 1);
        kept.push_front((since, variant, Arc::clone(&delta)));
        Some(delta)
    }
}
