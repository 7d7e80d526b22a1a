use std::time::Duration;

use backstay_destination::lookup::{FailureBackoff, Settings};

use super::{Ending, wait};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn after_addresses_the_ttl_floored() {
    let settings = Settings::default();
    for (ttl, expected) in [(0, 5), (1, 5), (5, 5), (8, 8), (86_400, 86_400)] {
        assert_eq!(wait(&settings, Ending::Addresses(s(ttl)), s(0), 0), s(expected));
    }
    let settings = Settings { min_refresh_rate: Duration::from_millis(2900), ..settings };
    assert_eq!(wait(&settings, Ending::Addresses(s(0)), s(0), 0), s(2), "whole seconds");
}

#[test]
fn after_none_the_refresh_rate_alone() {
    let backoff = Some(FailureBackoff { base: Duration::from_millis(500), max: s(4) });
    let settings = Settings { failure_backoff: backoff, ..Settings::default() };
    assert_eq!(wait(&settings, Ending::Empty, s(290), 0), s(60));
    let settings = Settings { refresh_rate: Duration::from_millis(1), ..settings };
    assert_eq!(wait(&settings, Ending::Empty, s(0), 0), s(1), "never a hot loop");
}

#[test]
fn after_a_failure_without_backoff_the_refresh_rate_within_the_hosts_life() {
    let settings = Settings { min_refresh_rate: s(1), host_ttl: s(60), ..Settings::default() };
    assert_eq!(wait(&settings, Ending::Failure(1), s(0), 0), s(60));
    assert_eq!(wait(&settings, Ending::Failure(1), s(50), 0), s(10));
    assert_eq!(wait(&settings, Ending::Failure(1), Duration::from_millis(59_100), 0), s(1), "floored");
    assert_eq!(wait(&settings, Ending::Failure(1), s(61), 0), s(1), "past its life, floored");
}

#[test]
fn after_a_failure_with_backoff_a_random_share_of_the_ceiling() {
    let backoff = Some(FailureBackoff { base: s(7), max: s(10) });
    let settings = Settings { failure_backoff: backoff, min_refresh_rate: s(1), ..Settings::default() };
    assert_eq!(wait(&settings, Ending::Failure(1), s(0), 8_500), Duration::from_millis(1500));
    assert_eq!(wait(&settings, Ending::Failure(2), s(0), 8_500), Duration::from_millis(8500));
    assert_eq!(wait(&settings, Ending::Failure(2), s(0), 10_000), s(1), "a jitter of zero is floored");
    assert_eq!(wait(&settings, Ending::Failure(u32::MAX), s(0), 9_999), Duration::from_millis(9_999));
}

#[test]
fn absurd_ttls_are_bounded() {
    assert_eq!(wait(&Settings::default(), Ending::Addresses(Duration::MAX), s(0), 0), s(7 * 24 * 3600));
}
