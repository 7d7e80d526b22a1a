use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Why an endpoint was ejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EjectionReason {
    /// Answers of 500 or more in a row.
    Consecutive5xx,
    /// Answers of 502, 503 or 504 in a row.
    ConsecutiveGatewayFailure,
    /// Failures to connect, resets or time-outs in a row.
    ConsecutiveLocalOriginFailure,
    /// Fewer successes than the others.
    SuccessRate,
    /// Too many failures.
    FailurePercentage,
}

impl EjectionReason {
    /// In the order of their declaration.
    pub const ALL: [Self; 5] = [
        Self::Consecutive5xx,
        Self::ConsecutiveGatewayFailure,
        Self::ConsecutiveLocalOriginFailure,
        Self::SuccessRate,
        Self::FailurePercentage,
    ];
}

/// What outlier detection has counted for one endpoint. What follows from it is decided there.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    pub(crate) row_5xx: Row,
    pub(crate) row_gateway: Row,
    pub(crate) row_local: Row,
    pub(crate) external: Rate,
    pub(crate) local: Rate,
    /// Ejections in a row.
    pub(crate) ejections: AtomicU32,
    /// When it was last ejected, in milliseconds.
    pub(crate) ejected_at: AtomicU64,
    /// Why, by its place in [`EjectionReason::ALL`].
    pub(crate) reason: AtomicU8,
}

/// Requests of an interval: the upper half counts them, the lower those that succeeded.
#[derive(Debug, Default)]
pub(crate) struct Rate(AtomicU64);

const ONE: u64 = 1 << u32::BITS;

impl Rate {
    pub(crate) fn add(&self, success: bool) {
        self.0.fetch_add(if success { ONE | 1 } else { ONE }, Ordering::Relaxed);
    }

    /// All and successful requests since the last time.
    pub(crate) fn take(&self) -> (u64, u64) {
        let both = self.0.swap(0, Ordering::Relaxed);
        (both >> u32::BITS, both & (ONE - 1))
    }
}

/// Failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Row(AtomicU32);

impl Row {
    /// One more in a row; whether the row is full, in which case the next begins.
    pub(crate) fn step(&self, full: u32) -> bool {
        if full == 0 {
            return false;
        }
        // More than full: the row may have begun when longer ones were allowed.
        let is_full = self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= full;
        if is_full {
            self.0.store(0, Ordering::Relaxed);
        }
        is_full
    }

    pub(crate) fn reset(&self) {
        // Nearly always 0 already: other threads keep their copy of the cache line.
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}

impl Monitor {
    pub(crate) fn ejections(&self) -> u32 {
        self.ejections.load(Ordering::Relaxed)
    }

    pub(crate) fn ejected_at(&self) -> Duration {
        Duration::from_millis(self.ejected_at.load(Ordering::Relaxed))
    }

    pub(crate) fn reason(&self) -> Option<EjectionReason> {
        EjectionReason::ALL.get(usize::from(self.reason.load(Ordering::Relaxed))).copied()
    }

    /// A row that is nearly full must not end a new chance at once.
    pub(crate) fn forgive(&self) {
        self.row_5xx.reset();
        self.row_gateway.reset();
        self.row_local.reset();
    }
}
