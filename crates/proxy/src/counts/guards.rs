use backstay_upstream::counts::Count;

/// What answers requests before their action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Programs that are not wanted.
    Bots,
    /// Requests without a token that is good enough.
    Token,
}

/// Requests that a guard answered in place of the action, by guard.
#[derive(Debug, Default)]
pub struct GuardCounts([Count; Guard::ALL.len()]);

impl Guard {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Bots, Self::Token];

    /// Its name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bots => "bots",
            Self::Token => "token",
        }
    }
}

impl GuardCounts {
    /// Counts a request that `guard` answered.
    pub(crate) fn count(&self, guard: Guard) {
        if let Some(count) = self.0.get(guard as usize) {
            count.increment(1);
        }
    }

    /// How many `guard` has answered.
    #[must_use]
    pub fn get(&self, guard: Guard) -> u64 {
        self.0.get(guard as usize).map_or(0, Count::get)
    }
}
