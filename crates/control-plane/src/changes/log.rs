//! What came to pass lately.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use backstay_xds::server::StreamId;

/// How much of it is remembered: it is needed for as long as a commit takes to be heard of by whoever waits for it.
const MOST: usize = 256;

/// Something that came to pass, of all changes up to a revision.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) revision: u64,
    pub(super) what: What,
}

/// What came to pass.
#[derive(Debug)]
pub(super) enum What {
    /// They were compiled between these moments, and concern these fleets.
    Compiled((Instant, Instant), BTreeSet<Arc<str>>),
    /// A proxy of a fleet, called so, was sent something.
    Sent(Instant, StreamId, Arc<str>, Box<str>),
    /// A proxy has refused something.
    Refused(StreamId, Box<str>),
    /// A proxy has answered all of it.
    Answered(Instant, StreamId),
}

/// What came to pass lately, in its order.
#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Mark>);

impl Log {
    pub(super) fn push(&mut self, mark: Mark) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(mark);
    }

    /// What concerns a change of this revision.
    pub(super) fn since(&self, revision: u64) -> impl Iterator<Item = &Mark> {
        self.0.iter().filter(move |mark| mark.revision >= revision)
    }
}
