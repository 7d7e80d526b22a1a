//! Events of watches, as both the typed services and the one for any kind tell them.

use std::sync::Arc;

use backstay_kube::Happened;
use backstay_kube::operations::Notice;
use backstay_proto::admin::EventType;
use backstay_store::Entry;

/// One event.
pub(crate) struct Told {
    pub(crate) kind: EventType,
    /// The object it is about, if any, and the revision that its etag says.
    pub(crate) entry: Option<(Arc<Entry>, u64)>,
    /// The revision to go on from; 0 where nobody could, since more of what there was is still to come.
    pub(crate) revision: u64,
}

/// Whether what there was at the beginning is still being told.
pub(crate) struct Until {
    initial: bool,
}

impl Until {
    /// A watch that begins with what there is, or after a revision.
    pub(crate) fn new(initial: bool) -> Self {
        Self { initial }
    }

    /// Makes an event of a notice.
    pub(crate) fn tell(&mut self, notice: Notice) -> Told {
        match notice {
            Notice::Object { happened, entry, revision } => {
                let kind = match happened {
                    Happened::Added => EventType::Added,
                    Happened::Modified => EventType::Modified,
                    Happened::Deleted => EventType::Deleted,
                };
                let known = if self.initial { 0 } else { revision };
                Told { kind, entry: Some((entry, revision)), revision: known }
            }
            Notice::Progress { revision, initial: true } => {
                self.initial = false;
                Told { kind: EventType::Synchronized, entry: None, revision }
            }
            Notice::Progress { revision, initial: false } => {
                Told { kind: EventType::Bookmark, entry: None, revision: if self.initial { 0 } else { revision } }
            }
        }
    }
}
