//! Settings of backends, each kept once where many backends have the same.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use backstay_model::BackendSpec;

/// How many are compared with: backends that are alike mostly come one after another.
const RECENT: usize = 8;

/// The settings that came last, the latest first.
#[derive(Debug, Default)]
pub(super) struct Specs(VecDeque<Weak<BackendSpec>>);

impl Specs {
    /// Settings equal to `spec` that a backend has already, or `spec` itself.
    pub(super) fn shared(&mut self, spec: Arc<BackendSpec>) -> Arc<BackendSpec> {
        self.0.retain(|known| known.strong_count() > 0);
        if let Some(known) = self.0.iter().filter_map(Weak::upgrade).find(|known| *known == spec) {
            return known;
        }
        self.0.truncate(RECENT - 1);
        self.0.push_front(Arc::downgrade(&spec));
        spec
    }
}

#[cfg(test)]
mod tests;
