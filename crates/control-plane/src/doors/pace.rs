//! How many handshakes an address begins.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts what begins within each second.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    /// When the second began, and how many began in it.
    second: Mutex<(Instant, usize)>,
}

impl Pace {
    /// At most so many in each second.
    pub(super) fn new(most: usize) -> Self {
        Self { most, second: Mutex::new((Instant::now(), 0)) }
    }

    /// Whether another one may begin now.
    pub(super) fn take(&self) -> bool {
        let now = Instant::now();
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(second.0) >= Duration::from_secs(1) {
            *second = (now, 0);
        }
        second.1 += 1;
        second.1 <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Pace};

    #[tokio::test(start_paused = true)]
    async fn so_many_begin_in_a_second_and_no_more() {
        let pace = Pace::new(2);
        assert_eq!([pace.take(), pace.take(), pace.take()], [true, true, false]);
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(!pace.take());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(pace.take());
    }
}
