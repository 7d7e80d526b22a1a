#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::RngExt;

/// Exponential backoff: each wait is drawn from the upper half of a window that doubles up to a maximum. The draw keeps a
/// fleet from reconnecting in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    window: Duration,
}

impl Backoff {
    /// The first window is `base`, none is longer than `max`.
    pub fn new(base: Duration, max: Duration) -> Self {
        let base = base.min(max);
        Self { base, max, window: base }
    }

    /// How long to wait now; the next window is twice as long.
    pub fn next(&mut self, rng: &mut impl RngExt) -> Duration {
        let window = self.window;
        self.window = window.saturating_mul(2).min(self.max);
        window.mul_f64(rng.random_range(0.5..=1.0))
    }

    /// It worked: back to the first window.
    pub fn reset(&mut self) {
        self.window = self.base;
    }
}
