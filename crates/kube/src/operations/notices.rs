//! What watches tell, as it is.

use std::sync::Arc;

use backstay_store::Entry;

use crate::status::Failure;
use crate::view::Bookmark;
use crate::watching::{Happened, Teller};

/// One step of a watch.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Something happened to an object.
    Object {
        /// What.
        happened: Happened,
        /// The object as it is now, or was when it went.
        entry: Arc<Entry>,
        /// When it happened.
        revision: u64,
    },
    /// All up to this revision has been told.
    Progress {
        /// The revision.
        revision: u64,
        /// Whether that is all that there was at the beginning.
        initial: bool,
    },
}

/// How many notices are made at once.
const BATCH: usize = 256;

/// Tells events as they are.
pub(super) struct Notices;

impl Teller for Notices {
    type Batch = Vec<Result<Notice, Failure>>;

    fn is_empty(batch: &Self::Batch) -> bool {
        batch.is_empty()
    }

    fn is_full(batch: &Self::Batch) -> bool {
        batch.len() >= BATCH
    }

    fn object(&self, happened: Happened, entry: &Arc<Entry>, revision: u64, batch: &mut Self::Batch) {
        batch.push(Ok(Notice::Object { happened, entry: Arc::clone(entry), revision }));
    }

    fn bookmark(&self, revision: u64, bookmark: Bookmark, batch: &mut Self::Batch) {
        batch.push(Ok(Notice::Progress { revision, initial: bookmark == Bookmark::InitialEventsEnd }));
    }

    fn failure(&self, failure: Failure, batch: &mut Self::Batch) {
        batch.push(Err(failure));
    }
}
