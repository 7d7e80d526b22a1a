use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::Backoff;

#[test]
fn doubles_up_to_the_maximum_and_starts_over_after_success() {
    let mut rng = SmallRng::seed_from_u64(7);
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    let windows = [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
    for window in windows.map(Duration::from_millis) {
        let wait = backoff.next(&mut rng);
        assert!(wait >= Duration::from_millis(100) && wait <= window, "{wait:?} is not up to {window:?}");
    }
    backoff.reset();
    assert!(backoff.next(&mut rng) <= Duration::from_millis(200));
}

#[test]
fn clients_do_not_wait_in_step() {
    let wait = |seed| {
        let mut rng = SmallRng::seed_from_u64(seed);
        Backoff::new(Duration::from_secs(1), Duration::from_secs(2)).next(&mut rng)
    };
    let waits: std::collections::BTreeSet<_> = (0..32).map(wait).collect();
    assert!(waits.len() > 16, "{waits:?}");
}

#[test]
fn the_maximum_also_bounds_the_base() {
    let mut rng = SmallRng::seed_from_u64(1);
    let mut backoff = Backoff::new(Duration::from_secs(60), Duration::from_secs(2));
    assert!(backoff.next(&mut rng) <= Duration::from_secs(2));
}
