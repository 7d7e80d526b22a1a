//! When a host is asked for again.

use std::time::Duration;

use backstay_destination::lookup::Settings;

#[cfg(test)]
mod tests;

/// How a lookup ended, as far as its successor's time is concerned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// With addresses that may be used for this long.
    Addresses(Duration),
    /// With the answer that there is no address.
    Empty,
    /// With an error or a timeout: the n-th in a row, counted from 1.
    Failure(u32),
}

/// Longest wait kept: a TTL is 31 bits of seconds, and so far ahead nothing is known anyway.
const MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// The wait from the end of a lookup to the next, for a host last used `idle` ago. `random` is any number.
///
/// After addresses: their TTL, at least `min_refresh_rate`, in whole seconds. After none: `refresh_rate`, in whole seconds and at
/// least one. After a failure: the back-off, cut so that it does not outlive the host, at least `min_refresh_rate`. This is
/// what Envoy 1.40 does, but for the floor of one second.
pub(crate) fn wait(settings: &Settings, ending: Ending, idle: Duration, random: u64) -> Duration {
    let whole = |time: Duration| Duration::from_secs(time.as_secs());
    let next = match ending {
        Ending::Addresses(ttl) => whole(ttl).max(whole(settings.min_refresh_rate)),
        Ending::Empty => whole(settings.refresh_rate),
        Ending::Failure(count) => {
            backoff(settings, count, random).min(settings.host_ttl.saturating_sub(idle)).max(settings.min_refresh_rate)
        }
    };
    next.clamp(Duration::from_secs(1), MAX)
}

fn backoff(settings: &Settings, count: u32, random: u64) -> Duration {
    let Some(backoff) = settings.failure_backoff else {
        return settings.refresh_rate;
    };
    let factor = 2_u32.saturating_pow(count.saturating_sub(1));
    let ceiling = backoff.base.saturating_mul(factor).min(backoff.max);
    let milliseconds = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(random % milliseconds)
}
