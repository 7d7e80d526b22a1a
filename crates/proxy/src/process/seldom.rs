//! Lines of the log that would otherwise fill it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use backstay_upstream::uptime;

/// How often one line is said at most.
const EVERY: Duration = Duration::from_secs(10);

/// Says when something was last said that is not to be said often. Shared by all threads.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    /// When it may be said again, in milliseconds of this process's time.
    next: AtomicU64,
}

impl Seldom {
    /// Whether it may be said now. If so, it has been.
    pub(crate) fn may_be_said(&self) -> bool {
        self.may_be_said_at(uptime())
    }

    fn may_be_said_at(&self, now: Duration) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Relaxed);
        next <= millis(now) && self.next.compare_exchange(next, millis(now + EVERY), Relaxed, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_once_in_ten_seconds() {
        let seldom = Seldom::default();
        let said = (0..300).filter(|tenths| seldom.may_be_said_at(Duration::from_millis(100 * tenths))).count();
        assert_eq!(said, 3);
    }
}
