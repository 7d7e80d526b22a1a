//! A new endpoint is given its share little by little.

use std::time::Duration;

use crate::config::SlowStart;

#[cfg(test)]
mod tests;

impl SlowStart {
    /// What the weight of an endpoint that has been usable for `age` is multiplied by: above 0, at most 1.
    #[must_use]
    pub fn factor(&self, age: Duration) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let age = age.max(Duration::from_millis(1)).as_secs_f64();
        let grown = (age / self.window.as_secs_f64()).powf(self.aggression.recip());
        // Not 0: an endpoint without a share would never have a turn, nor be asked again when it may have one.
        grown.max(f64::from(self.min_weight_percent) / 100.0).clamp(1e-6, 1.0)
    }
}
