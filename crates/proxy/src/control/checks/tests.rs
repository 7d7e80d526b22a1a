use super::*;

#[test]
fn checks_are_spread_around_their_interval() {
    let interval = Duration::from_secs(10);
    assert_eq!(spread(interval, 0), Duration::from_secs(9));
    assert_eq!(spread(interval, u32::MAX), Duration::from_secs(11));
    let middle = spread(interval, u32::MAX / 2);
    assert!(middle.abs_diff(interval) < Duration::from_millis(1), "{middle:?}");
}
