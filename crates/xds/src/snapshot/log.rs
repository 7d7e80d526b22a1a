use std::sync::Arc;

use imbl::OrdMap;

/// Which names changed in which step, for as many of the latest steps as fit.
///
/// A persistent map and not a queue: a log is cloned with every snapshot and then appended to.
#[derive(Clone, Default)]
pub(super) struct Log {
    steps: OrdMap<u64, Arc<[Arc<str>]>>,
    names: usize,
    /// The last step that was dropped for lack of room. What came after it is complete.
    dropped: u64,
}

impl Log {
    /// Records the names changed in `step`, and drops the oldest steps beyond `capacity` names.
    pub(super) fn append(&mut self, step: u64, names: Vec<Arc<str>>, capacity: usize) {
        self.names += names.len();
        self.steps.insert(step, names.into());
        while self.names > capacity
            && let Some(&(oldest, ref names)) = self.steps.get_min()
        {
            self.names -= names.len();
            self.dropped = oldest;
            self.steps.remove(&oldest);
        }
    }

    /// The names changed after `step`, perhaps repeated; nothing if the log no longer reaches back to it.
    pub(super) fn since(&self, step: u64) -> Option<impl Iterator<Item = &Arc<str>>> {
        let after = step.saturating_add(1)..;
        (step >= self.dropped).then(|| self.steps.range(after).flat_map(|(_, names)| names.iter()))
    }
}
