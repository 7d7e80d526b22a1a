use backstay_upstream::counts::Count;

/// What answers requests before their action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Preflights, which are answered in place of the action.
    Cors,
    /// Hosts that are not served, and requests without TLS.
    Security,
    /// Programs that are not wanted.
    Bots,
    /// Requests without a token that is good enough.
    Token,
    /// More requests than may pass.
    RateLimit,
}

/// Requests that a guard answered in place of the action, by guard.
#[derive(Debug, Default)]
pub struct GuardCounts([Count; Guard::ALL.len()]);

impl Guard {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cors, Self::Security, Self::Bots, Self::Token, Self::RateLimit];

    /// Its name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cors => "cors",
            Self::Security => "security",
            Self::Bots => "bots",
            Self::Token => "token",
            Self::RateLimit => "rate_limit",
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
