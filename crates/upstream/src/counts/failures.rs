use backstay_model::sequence::Cause;

use super::Count;

/// Requests of sequences that a destination did not answer, by cause.
#[derive(Debug, Default)]
pub struct FailureCounts([Count; Cause::ALL.len()]);

impl FailureCounts {
    /// Counts one with this cause.
    pub fn count(&self, cause: Cause) {
        if let Some(count) = self.0.get(cause as usize) {
            count.increment(1);
        }
    }

    /// How many there were with each cause.
    pub fn by_cause(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().zip(&self.0).map(|(cause, count)| (cause, count.get()))
    }
}
