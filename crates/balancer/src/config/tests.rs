use std::time::Duration;

use super::{ConfigError, LeastRequest, LoadBalancing, Maglev, Policy, RingHash, SlowStart, is_prime};

fn with(policy: Policy) -> Result<(), ConfigError> {
    LoadBalancing { policy, ..LoadBalancing::default() }.validate()
}

fn slow(slow_start: SlowStart) -> Result<(), ConfigError> {
    LoadBalancing { slow_start: Some(slow_start), ..LoadBalancing::default() }.validate()
}

#[test]
fn defaults_are_valid() {
    assert_eq!(LoadBalancing::default().validate(), Ok(()));
    assert_eq!(with(Policy::LeastRequest(LeastRequest::default())), Ok(()));
    assert_eq!(with(Policy::RingHash(RingHash::default())), Ok(()));
    assert_eq!(with(Policy::Maglev(Maglev::default())), Ok(()));
    assert_eq!(slow(SlowStart::over(Duration::from_secs(1))), Ok(()));
}

#[test]
fn what_is_out_of_range_is_named() {
    let panic = LoadBalancing { panic_threshold: 101, ..LoadBalancing::default() };
    assert_eq!(panic.validate(), Err(ConfigError::PanicThreshold(101)));
    let factor = LoadBalancing { overprovisioning_factor: 99, ..LoadBalancing::default() };
    assert_eq!(factor.validate(), Err(ConfigError::OverprovisioningFactor(99)));
    let least = |choice_count, active_request_bias| LeastRequest { choice_count, active_request_bias };
    assert_eq!(with(Policy::LeastRequest(least(1, 1.0))), Err(ConfigError::ChoiceCount(1)));
    assert_eq!(with(Policy::LeastRequest(least(2, -0.5))), Err(ConfigError::ActiveRequestBias(-0.5)));
    assert!(with(Policy::LeastRequest(least(2, f64::NAN))).is_err());
    for (minimum_size, maximum_size) in [(0, 1), (9, 8), (1, 8_388_609)] {
        assert!(with(Policy::RingHash(RingHash { minimum_size, maximum_size })).is_err());
    }
    for table_size in [0, 1, 4, 65_536, 5_000_023] {
        assert_eq!(with(Policy::Maglev(Maglev { table_size })), Err(ConfigError::TableSize(table_size)));
    }
    let start = SlowStart::over(Duration::from_secs(1));
    assert_eq!(slow(SlowStart { window: Duration::ZERO, ..start }), Err(ConfigError::SlowStartWindow));
    assert_eq!(slow(SlowStart { aggression: 0.0, ..start }), Err(ConfigError::Aggression(0.0)));
    assert_eq!(slow(SlowStart { min_weight_percent: 101, ..start }), Err(ConfigError::MinWeightPercent(101)));
}

#[test]
fn primes() {
    let primes: Vec<_> = (0..30).filter(|n| is_prime(*n)).collect();
    assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    assert!(is_prime(65_537) && is_prime(5_000_011) && !is_prime(65_537 * 3));
}
