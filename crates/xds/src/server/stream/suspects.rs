//! Which resources of a refused response are at fault, where the client does not say: they are sent again in halves, until each
//! of them was taken, or was refused alone.

use std::collections::VecDeque;
use std::sync::Arc;

type Name = Arc<str>;

/// What is left to be sent again of a type.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// Each is one response.
    groups: VecDeque<Arc<[Name]>>,
    /// Responses that may still be spent on the search.
    left: usize,
}

impl Suspects {
    /// A response was refused that may hold `most` more of its kind. Returns whether it is looked into.
    pub(super) fn refused(&mut self, names: &[Name], was_probe: bool, most: usize) -> bool {
        if names.len() < 2 {
            return false;
        }
        if !was_probe {
            self.left = most;
        }
        // Both halves have to fit: half an answer would let the other half go unheard.
        if self.left < self.groups.len() + 2 {
            return false;
        }
        let (one, other) = names.split_at(names.len() / 2);
        // The smaller parts first, so that few are waiting at any time.
        self.groups.push_front(other.into());
        self.groups.push_front(one.into());
        true
    }

    /// The next to be sent.
    pub(super) fn next(&mut self) -> Option<Arc<[Name]>> {
        let group = self.groups.pop_front()?;
        self.left = self.left.saturating_sub(1);
        Some(group)
    }

    pub(super) fn peek(&self) -> Option<&[Name]> {
        self.groups.front().map(|group| &**group)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}
