use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::config::OutlierDetection;
use super::detector::EjectionReason;

/// What came of a request, or of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with this status. For gRPC see [`Outcome::grpc`].
    Answered(u16),
    /// A connection was established, or one kept was taken: where local origin is split, its failures are no longer in a row.
    Connected,
    /// The connection could not be established, or was lost or reset before the answer.
    Failed,
    /// A timeout of the proxy passed.
    TimedOut,
}

impl Outcome {
    /// An answer with this gRPC status, as the HTTP status that Envoy takes it for.
    #[must_use]
    pub const fn grpc(status: u16) -> Self {
        Self::Answered(match status {
            0 => 200,
            1 => 499,
            3 | 9 | 11 => 400,
            4 => 504,
            5 => 404,
            6 | 10 => 409,
            7 => 403,
            8 => 429,
            12 => 501,
            14 => 503,
            16 => 401,
            _ => 500,
        })
    }
}

/// What outlier detection counts for one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    row_5xx: AtomicU32,
    row_gateway: AtomicU32,
    row_local: AtomicU32,
    pub(super) external: Rate,
    pub(super) local: Rate,
    /// Ejections in a row.
    pub(super) ejections: AtomicU32,
    /// When it was last ejected, in milliseconds.
    pub(super) ejected_at: AtomicU64,
    /// Why, by its place in [`EjectionReason::ALL`].
    pub(super) reason: AtomicU8,
}

/// Requests of an interval: the upper half counts them, the lower those that succeeded.
#[derive(Debug, Default)]
pub(super) struct Rate(AtomicU64);

const ONE: u64 = 1 << u32::BITS;

impl Rate {
    fn add(&self, success: bool) {
        self.0.fetch_add(if success { ONE | 1 } else { ONE }, Ordering::Relaxed);
    }

    /// All and successful requests since the last time.
    pub(super) fn take(&self) -> (u64, u64) {
        let both = self.0.swap(0, Ordering::Relaxed);
        (both >> u32::BITS, both & (ONE - 1))
    }
}

impl Monitor {
    /// Counts; tells if the endpoint has now failed too often in a row.
    pub(super) fn report(&self, config: &OutlierDetection, outcome: Outcome) -> Option<EjectionReason> {
        match (outcome, config.split_local_origin) {
            (Outcome::Answered(status), _) => self.answered(config, status),
            (Outcome::Failed, false) => self.answered(config, 503),
            (Outcome::TimedOut, false) => self.answered(config, 504),
            (Outcome::Connected, false) => None,
            (Outcome::Connected, true) => {
                if config.counts_rates() {
                    self.local.add(true);
                }
                reset(&self.row_local);
                None
            }
            (Outcome::Failed | Outcome::TimedOut, true) => {
                if config.counts_rates() {
                    self.local.add(false);
                }
                step(&self.row_local, config.consecutive_local_origin_failure)
                    .then_some(EjectionReason::ConsecutiveLocalOriginFailure)
            }
        }
    }

    fn answered(&self, config: &OutlierDetection, status: u16) -> Option<EjectionReason> {
        let failed = (500..600).contains(&status);
        if config.counts_rates() {
            self.external.add(!failed);
        }
        if !failed {
            reset(&self.row_5xx);
            reset(&self.row_gateway);
            return None;
        }
        let gateway = if matches!(status, 502..=504) {
            step(&self.row_gateway, config.consecutive_gateway_failure)
        } else {
            reset(&self.row_gateway);
            false
        };
        let all = step(&self.row_5xx, config.consecutive_5xx);
        match (gateway, all) {
            (true, _) => Some(EjectionReason::ConsecutiveGatewayFailure),
            (false, true) => Some(EjectionReason::Consecutive5xx),
            (false, false) => None,
        }
    }

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
    pub(super) fn forgive(&self) {
        reset(&self.row_5xx);
        reset(&self.row_gateway);
        reset(&self.row_local);
    }
}

/// One more in a row; whether the row is full, in which case the next begins.
fn step(row: &AtomicU32, full: u32) -> bool {
    if full == 0 {
        return false;
    }
    // More than full: the row may have begun when longer ones were allowed.
    let is_full = row.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= full;
    if is_full {
        row.store(0, Ordering::Relaxed);
    }
    is_full
}

fn reset(row: &AtomicU32) {
    // Nearly always 0 already: other threads keep their copy of the cache line.
    if row.load(Ordering::Relaxed) != 0 {
        row.store(0, Ordering::Relaxed);
    }
}
