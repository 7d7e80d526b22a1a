use std::sync::Arc;

use super::Subscription;
use super::draft::{Draft, Terms};
use crate::Snapshot;
use crate::snapshot::Full;

/// How far a client that holds nothing has come with everything there is. It gets the parts of one snapshot, which all streams that
/// begin with it share; what has changed since follows them.
#[derive(Debug, Default)]
pub(super) enum Initial {
    /// It is not that client, or has all parts.
    #[default]
    Done,
    /// The next response is the first part.
    Due,
    /// Some parts were sent; [`Subscription::seen`] is the snapshot that they are of.
    Sending { full: Arc<Full>, next: usize },
}

impl Initial {
    /// Whether the client was told of a resource of the snapshot: parts are in the order of names.
    pub(super) fn has_told(&self, name: &str) -> bool {
        match self {
            Self::Done => true,
            Self::Due => false,
            Self::Sending { full, next } => {
                let last = full.parts[..*next].last().and_then(|part| part.resources.last());
                last.is_some_and(|(last, _)| name <= &**last)
            }
        }
    }
}

impl Subscription {
    /// The next part for a client that holds nothing, if it has not got all of them.
    pub(super) fn next_part(&mut self, snapshot: &Snapshot, terms: &Terms<'_>) -> Option<Draft> {
        if matches!(self.initial, Initial::Due) {
            self.seen = snapshot.clone();
            let full = snapshot.full(terms.type_url, terms.variant, terms.part_bytes());
            self.initial = if full.parts.is_empty() { Initial::Done } else { Initial::Sending { full, next: 0 } };
        }
        let Initial::Sending { full, next } = &mut self.initial else { return None };
        let part = full.parts.get(*next).cloned()?;
        let shared = full.clone();
        *next += 1;
        if *next == full.parts.len() {
            self.initial = Initial::Done;
        }
        self.reply = false;
        // It answers what was asked for meanwhile.
        self.due.retain(|name, _| part.resources.binary_search_by(|(other, _)| other.cmp(name)).is_err());
        Some(Draft { part, version: self.version(terms), shared: Some(shared), ..Draft::default() })
    }

    /// Bytes of the next part, or as many as are enough to tell that they are more than `enough`.
    pub(super) fn next_part_bytes(&self, enough: usize, snapshot: &Snapshot, terms: &Terms<'_>) -> usize {
        match &self.initial {
            Initial::Done => 0,
            Initial::Sending { full, next } => full.parts.get(*next).map_or(0, |part| part.body.len()),
            Initial::Due => {
                let mut bytes = 0;
                for resource in snapshot.resources(terms.type_url) {
                    bytes += resource.field_len(terms.variant);
                    if bytes >= enough {
                        break;
                    }
                }
                bytes
            }
        }
    }
}
