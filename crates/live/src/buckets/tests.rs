use std::time::Duration;

use super::{Buckets, LEN};

#[test]
fn a_quantile_is_off_by_an_eighth_at_most() {
    for micros in [100, 999, 1000, 12_345, 99_999, 1_000_000, 60_000_000] {
        let mut buckets = Buckets::default();
        buckets.record(Duration::from_micros(micros));
        let told = buckets.quantile(0.5) * 1000.0;
        let off = (told - micros as f64).abs() / micros as f64;
        assert!(off <= 0.125, "{micros} is told as {told}");
    }
}

#[test]
fn buckets_add_up() {
    let mut one = Buckets::default();
    (0..99).for_each(|_| one.record(Duration::from_millis(1)));
    let mut other = Buckets::default();
    other.record(Duration::from_secs(1));
    one.add(other.counts());
    assert_eq!(one.count(), 100);
    assert!((0.9..1.2).contains(&one.quantile(0.5)), "{}", one.quantile(0.5));
    assert!((0.9..1.2).contains(&one.quantile(0.99)));
    assert!((900.0..1200.0).contains(&one.quantile(1.0)));
    assert!(Buckets::default().quantile(0.5).abs() < f64::EPSILON);
}

#[test]
fn what_takes_forever_and_what_comes_from_elsewhere_has_a_place() {
    let mut buckets = Buckets::default();
    buckets.record(Duration::MAX);
    buckets.add(&[u64::MAX; 200]);
    assert_eq!(buckets.counts().len(), LEN);
    assert_eq!(buckets.count(), u64::MAX);
}
