//! How old a connection may become.

#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::RngExt;

/// How much the ages of connections differ, so that not all end at once: up to this part of the age, more or less.
const SPREAD: f64 = 0.2;

/// How old connections to discovery become.
#[derive(Debug, Clone, Copy)]
pub struct AgeLimits {
    /// After how long the client of a connection is told to make another (GOAWAY), more or less a fifth of it. Proxies do so before they
    /// leave, perhaps to another control plane. Zero: never. Default an hour.
    pub age: Duration,
    /// How long its streams go on then, at most. Default 30 s.
    pub grace: Duration,
}

impl Default for AgeLimits {
    fn default() -> Self {
        Self { age: Duration::from_secs(3600), grace: Duration::from_secs(30) }
    }
}

impl AgeLimits {
    /// The age of one connection; `None` for as long as both sides want.
    pub(super) fn draw(&self, rng: &mut impl RngExt) -> Option<Duration> {
        (!self.age.is_zero()).then(|| self.age.mul_f64(rng.random_range(1.0 - SPREAD..=1.0 + SPREAD)))
    }
}
