use backstay_token::Refusal;
use backstay_upstream::counts::Count;

/// What was made of the tokens of requests.
#[derive(Debug, Default)]
pub struct TokenCounts {
    /// Tokens whose signature was verified.
    pub verified: Count,
    /// Tokens whose signature had been verified before.
    pub remembered: Count,
    /// Key sets that were fetched.
    pub fetched: Count,
    /// Key sets that could not be fetched.
    pub fetches_failed: Count,
    /// Requests that waited for a key set.
    pub waited: Count,
    /// Requests that could not wait for a key set, since too many did.
    pub crowded: Count,
    refused: [Count; Refusal::NAMES.len()],
}

impl TokenCounts {
    /// Counts a request whose token was refused.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let index = Refusal::NAMES.iter().position(|name| *name == refusal.name());
        if let Some(count) = index.and_then(|index| self.refused.get(index)) {
            count.increment(1);
        }
    }

    /// How many were refused, by cause.
    #[must_use]
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        Refusal::NAMES.into_iter().zip(self.refused.iter().map(Count::get)).collect()
    }
}
