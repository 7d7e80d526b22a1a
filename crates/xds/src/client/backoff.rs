#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::RngExt;

/// Exponential backoff with full jitter: each wait is drawn from between a least one and the end of a window that doubles up to a
/// maximum. The draw keeps a fleet from reconnecting in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    window: Duration,
}

impl Backoff {
    /// No wait is shorter than `base`, and none longer than `max`. The first window is twice `base`.
    pub fn new(base: Duration, max: Duration) -> Self {
        let base = base.min(max);
        Self { base, max, window: first(base, max) }
    }

    /// How long to wait now; the next window is twice as long.
    pub fn next(&mut self, rng: &mut impl RngExt) -> Duration {
        let window = self.window;
        self.window = window.saturating_mul(2).min(self.max);
        self.base + (window - self.base).mul_f64(rng.random_range(0.0..=1.0))
    }

    /// It worked: back to the first window.
    pub fn reset(&mut self) {
        self.window = first(self.base, self.max);
    }
}

fn first(base: Duration, max: Duration) -> Duration {
    base.saturating_mul(2).min(max)
}
