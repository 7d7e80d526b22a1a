//! Which servers do not take an OPT record in a question, for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// For how long a server is asked without an OPT record once it was found to need that. It may be replaced by a better one.
const PLAIN_FOR: Duration = Duration::from_secs(10 * 60);
/// For how long silence is not laid to the OPT record once a question with one was answered: it is a lost datagram, or a slow name.
const PROVEN_FOR: Duration = Duration::from_secs(60);

/// What is known of one server. It concerns the form of questions alone, so that no name's trouble keeps another from being asked.
#[derive(Debug, Default)]
pub(super) struct EdnsMemory(Mutex<Known>);

#[derive(Clone, Copy, Debug, Default)]
enum Known {
    #[default]
    Nothing,
    TakesItUntil(Instant),
    PlainUntil(Instant),
}

impl EdnsMemory {
    /// Whether to ask with an OPT record.
    pub(super) fn ask_with(&self) -> bool {
        !matches!(self.known(), Known::PlainUntil(end) if Instant::now() < end)
    }

    /// Whether a question with an OPT record was answered lately.
    pub(super) fn is_proven(&self) -> bool {
        matches!(self.known(), Known::TakesItUntil(end) if Instant::now() < end)
    }

    /// A question with an OPT record was answered.
    pub(super) fn took_it(&self) {
        self.learn(Known::TakesItUntil(Instant::now() + PROVEN_FOR));
    }

    /// A question was refused with an OPT record and answered without.
    pub(super) fn refused_it(&self) {
        self.learn(Known::PlainUntil(Instant::now() + PLAIN_FOR));
    }

    /// A question was ignored with an OPT record, and answered without.
    pub(super) fn ignored_it(&self) {
        if !self.is_proven() {
            self.refused_it();
        }
    }

    fn known(&self) -> Known {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, known: Known) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}
