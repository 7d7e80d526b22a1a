use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn passes(bucket: &Bucket, at: Duration, requests: usize) -> usize {
    (0..requests).filter(|_| bucket.take(at)).count()
}

#[test]
fn a_new_bucket_is_full_and_a_token_gathers_at_a_time() {
    let bucket = Bucket::new(Rate::new(5.0, SECOND, 3), SECOND);
    assert_eq!(passes(&bucket, SECOND, 10), 3);
    assert_eq!(passes(&bucket, SECOND + Duration::from_millis(199), 10), 0);
    assert_eq!(passes(&bucket, SECOND + Duration::from_millis(200), 10), 1);
    assert_eq!(passes(&bucket, SECOND + Duration::from_millis(999), 10), 3);
}

/// What has gathered meanwhile is put in when the bucket is empty: what is left, the token that made for it, and a full bucket.
#[test]
fn after_a_while_without_requests_twice_as_many_pass() {
    let bucket = Bucket::new(Rate::new(5.0, SECOND, 3), Duration::ZERO);
    assert_eq!(passes(&bucket, SECOND * 60, 14), 7);
    assert_eq!(passes(&bucket, SECOND * 60, 14), 0);
}

#[test]
fn rates_are_for_any_time_and_within_bounds() {
    let bucket = Bucket::new(Rate::new(60.0, SECOND * 60, 1), Duration::ZERO);
    assert_eq!(passes(&bucket, Duration::ZERO, 3), 1);
    assert_eq!(passes(&bucket, Duration::from_millis(999), 3), 0);
    assert_eq!(passes(&bucket, SECOND, 3), 1);
    for (tokens, capacity, interval) in [(f64::MAX, 0, 1), (f64::MIN_POSITIVE, 1, 1_000_000_000_000_000_000)] {
        let rate = Rate::new(tokens, SECOND, capacity);
        assert_eq!((rate.interval(), rate.capacity()), (interval, 1));
    }
    let never = Bucket::new(Rate::new(f64::MIN_POSITIVE, SECOND, 1), Duration::ZERO);
    assert_eq!(passes(&never, SECOND * 1_000_000, 3), 1);
}

#[test]
fn time_that_goes_back_gives_nothing() {
    let bucket = Bucket::new(Rate::new(1.0, SECOND, 1), SECOND * 10);
    assert_eq!(passes(&bucket, SECOND * 10, 2), 1);
    assert_eq!(passes(&bucket, SECOND, 2), 0);
    assert_eq!(passes(&bucket, SECOND * 11, 2), 1);
}

#[test]
fn threads_share_what_there_is() {
    let bucket = Arc::new(Bucket::new(Rate::new(1.0, SECOND, 1000), Duration::ZERO));
    let passed = Arc::new(AtomicUsize::new(0));
    for at in [Duration::ZERO, SECOND * 5000] {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| passed.fetch_add(passes(&bucket, at, 2000), Relaxed));
            }
        });
    }
    // A thousand, and after a while one and a thousand.
    assert_eq!(passed.load(Relaxed), 1000 + 1 + 1000);
}

/// A bucket by the words: tokens that lie in it, and drops that fall beside it at known times.
struct Slow {
    tokens: Vec<()>,
    capacity: usize,
    drops: VecDeque<u64>,
    next: u64,
    interval: u64,
}

impl Slow {
    fn take(&mut self, now: u64) -> bool {
        while self.next <= now {
            self.drops.push_back(self.next);
            self.next += self.interval;
        }
        if self.tokens.pop().is_some() {
            return true;
        }
        let Some(_) = self.drops.pop_front() else { return false };
        // The one that fell first is for who asks.
        while self.tokens.len() < self.capacity && self.drops.pop_front().is_some() {
            self.tokens.push(());
        }
        self.drops.clear();
        true
    }
}

proptest! {
    #[test]
    fn a_bucket_counts_as_one_whose_drops_are_counted(
        interval in 1u64..50,
        capacity in 1u64..8,
        steps in proptest::collection::vec(0u64..120, 1..200),
    ) {
        let rate = Rate::new(1.0, Duration::from_nanos(interval), capacity);
        let bucket = Bucket::new(rate, Duration::ZERO);
        let mut slow = Slow {
            tokens: vec![(); capacity as usize],
            capacity: capacity as usize,
            drops: VecDeque::new(),
            next: interval,
            interval,
        };
        let mut now = 0;
        for step in steps {
            // Most requests come close upon another.
            now += if step < 60 { 0 } else { step - 60 };
            prop_assert_eq!(bucket.take(Duration::from_nanos(now)), slow.take(now), "at {}", now);
        }
    }
}
