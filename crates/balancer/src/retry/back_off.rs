use std::time::Duration;

/// Random waits that grow: each is below an interval which doubles from the base up to the maximum.
///
/// This is what Envoy does. (Its manual says that the n-th is below `(2^n - 1) * base`, which was so long ago.)
#[derive(Debug, Clone)]
pub struct BackOff {
    next: Duration,
    max: Duration,
}

impl BackOff {
    /// Begins with `base`, which should not be above `max`.
    #[must_use]
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { next: base.min(max), max }
    }

    /// The next wait. `random` is uniform over all of `u64`.
    pub fn next(&mut self, random: u64) -> Duration {
        let below = self.next;
        self.next = self.next.saturating_mul(2).min(self.max);
        fraction(below, random)
    }
}

/// A uniform share of `whole`, below it.
fn fraction(whole: Duration, random: u64) -> Duration {
    let nanos = (whole.as_nanos().min(u128::from(u64::MAX)) * u128::from(random)) >> u64::BITS;
    Duration::from_nanos(nanos as u64)
}

/// A wait that the endpoint asked for, up to half as long again: not all come back at once.
pub(super) fn at_least(wait: Duration, random: u64) -> Duration {
    wait.saturating_add(fraction(wait / 2, random))
}

/// The wait that a `Retry-After` header in seconds asks for. As Envoy, this does not take dates, for which two clocks would
/// have to agree.
#[must_use]
pub fn parse_retry_after(value: &[u8]) -> Option<Duration> {
    let value = value.trim_ascii();
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let seconds = std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
