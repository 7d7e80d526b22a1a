use std::sync::Arc;
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Detector, EjectionChange, FailurePercentage, Outcome, OutlierConfigError, OutlierDetection};
use crate::{EjectionReason, EndpointSet, EndpointSpec, Start};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn endpoints(count: usize) -> Arc<EndpointSet> {
    let specs = (0..count).map(|index| EndpointSpec::new(index.to_string())).collect();
    EndpointSet::new(specs, Start::Usable, Duration::ZERO)
}

/// As many endpoints as are asked for, half of which may be ejected.
fn detector(count: usize, config: OutlierDetection) -> (Arc<EndpointSet>, Detector) {
    let set = endpoints(count);
    let detector = Detector::new(OutlierDetection { max_ejection_percent: 50, ..config }, &set);
    (set, detector)
}

fn ejected(index: usize, reason: EjectionReason) -> EjectionChange {
    EjectionChange::Ejected { index, reason }
}

/// What changes while an endpoint answers, or fails to.
fn run(
    detector: &Detector,
    set: &EndpointSet,
    index: usize,
    outcomes: &[Outcome],
    now: Duration,
) -> Vec<EjectionChange> {
    outcomes.iter().filter_map(|outcome| detector.report(set, index, *outcome, now)).collect()
}

const BAD: Outcome = Outcome::Answered(500);
const GOOD: Outcome = Outcome::Answered(200);

#[test]
fn five_in_a_row_eject_at_once() {
    let (set, detector) = detector(2, OutlierDetection::default());
    assert_eq!(run(&detector, &set, 1, &[BAD, BAD, BAD, BAD, GOOD, BAD, BAD, BAD, BAD], at(0)), []);
    assert!(!set.state(1).unwrap().is_ejected());
    assert_eq!(run(&detector, &set, 1, &[BAD; 8], at(0)), [ejected(1, EjectionReason::Consecutive5xx)]);
    let state = set.state(1).unwrap();
    assert!(state.is_ejected() && detector.ejected() == 1);
    assert_eq!((state.ejected_since(), state.ejections()), (Some(at(0)), 1));
    assert_eq!(state.ejection_reason(), Some(EjectionReason::Consecutive5xx));
    assert_eq!(detector.time_left(state, at(10)), detector.config().base_ejection_time - (at(10) - at(0)));
    assert_eq!(detector.time_left(set.state(0).unwrap(), at(10)), Duration::ZERO);
}

#[test]
fn a_row_that_is_longer_than_it_may_be_now_is_full() {
    let (set, patient) = detector(2, OutlierDetection { consecutive_5xx: 10, ..OutlierDetection::default() });
    assert_eq!(run(&patient, &set, 0, &[BAD; 7], at(0)), []);
    let strict = Detector::new(OutlierDetection { consecutive_5xx: 5, ..patient.config().clone() }, &set);
    assert_eq!(run(&strict, &set, 0, &[BAD], at(0)), [ejected(0, EjectionReason::Consecutive5xx)]);
}

#[test]
fn failures_to_connect_count_as_answers_unless_they_are_split() {
    let local = [Outcome::Failed, Outcome::TimedOut, Outcome::Failed, Outcome::TimedOut, Outcome::Failed];
    let (set, plain) = detector(2, OutlierDetection::default());
    assert_eq!(run(&plain, &set, 0, &local, at(0)), [ejected(0, EjectionReason::Consecutive5xx)]);
    let split = OutlierDetection { split_local_origin: true, ..OutlierDetection::default() };
    let (set, split) = detector(4, split);
    assert_eq!(run(&split, &set, 0, &local, at(0)), [ejected(0, EjectionReason::ConsecutiveLocalOriginFailure)]);
    let broken = [Outcome::Connected; 2].into_iter().chain([BAD]).collect::<Vec<_>>().repeat(5);
    assert_eq!(run(&split, &set, 1, &broken, at(0)), [ejected(1, EjectionReason::Consecutive5xx)]);
    let seldom = [&local[..4], &[Outcome::Connected], &local[..4]].concat();
    assert_eq!(run(&split, &set, 2, &seldom, at(0)), []);
}

#[test]
fn gateway_failures_have_a_row_of_their_own() {
    let config = OutlierDetection { consecutive_5xx: 0, consecutive_gateway_failure: 3, ..OutlierDetection::default() };
    let (set, detector) = detector(2, config);
    let answers = |statuses: &[u16]| statuses.iter().map(|status| Outcome::Answered(*status)).collect::<Vec<_>>();
    assert_eq!(run(&detector, &set, 0, &answers(&[502, 503, 500, 503, 504, 501, 599]), at(0)), []);
    let change = ejected(0, EjectionReason::ConsecutiveGatewayFailure);
    assert_eq!(run(&detector, &set, 0, &answers(&[502, 503, 504]), at(0)), [change]);
    assert_eq!(Outcome::grpc(14), Outcome::Answered(503));
    assert_eq!(Outcome::grpc(0), Outcome::Answered(200));
}

#[test]
fn ejections_grow_and_are_forgotten() {
    let (set, detector) = detector(2, OutlierDetection::default());
    let mut now = 0;
    // 30 s, 60 s and so on, up to 300 s.
    for seconds in [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300] {
        assert_eq!(run(&detector, &set, 0, &[BAD; 5], at(now)).len(), 1);
        assert_eq!(detector.sweep(&set, at(now + seconds - 1)), []);
        assert_eq!(detector.sweep(&set, at(now + seconds)), [EjectionChange::Returned { index: 0 }]);
        now += seconds;
    }
    // Each interval without an ejection takes one back: 10 or 11 are counted.
    (0..11).for_each(|_| assert_eq!(detector.sweep(&set, at(now)), []));
    run(&detector, &set, 0, &[BAD; 5], at(now));
    assert_eq!(detector.sweep(&set, at(now + 30)), [EjectionChange::Returned { index: 0 }]);
}

#[test]
fn a_row_begins_anew_after_an_ejection() {
    let (set, detector) =
        detector(2, OutlierDetection { consecutive_gateway_failure: 6, ..OutlierDetection::default() });
    run(&detector, &set, 0, &[Outcome::Answered(503); 5], at(0));
    detector.sweep(&set, at(30));
    assert_eq!(run(&detector, &set, 0, &[Outcome::Answered(503); 4], at(30)), []);
}

#[test]
fn no_more_than_the_share_is_ejected() {
    let set = endpoints(9);
    let default = Detector::new(OutlierDetection::default(), &set);
    let withheld = |index| EjectionChange::Withheld { index, reason: EjectionReason::Consecutive5xx };
    assert_eq!(run(&default, &set, 0, &[BAD; 10], at(0)), [withheld(0); 2], "one of nine is more than 10 percent");
    assert_eq!(default.ejected(), 0);
    let always_one = OutlierDetection { always_eject_one: true, ..OutlierDetection::default() };
    let always_one = Detector::new(always_one, &set);
    assert_eq!(run(&always_one, &set, 0, &[BAD; 50], at(0)), [ejected(0, EjectionReason::Consecutive5xx)]);
    assert_eq!(run(&always_one, &set, 1, &[BAD; 5], at(0)), [withheld(1)]);
    // One that leaves makes room for another.
    let rest = set.successor((1..9).map(|index| EndpointSpec::new(index.to_string())).collect(), Start::Usable, at(1));
    always_one.adopt(&rest);
    assert_eq!(run(&always_one, &rest, 0, &[BAD; 5], at(1)), [ejected(0, EjectionReason::Consecutive5xx)]);
}

#[test]
fn an_active_check_that_passes_ends_an_ejection() {
    let (set, detector) = detector(2, OutlierDetection::default());
    run(&detector, &set, 0, &[BAD; 5], at(0));
    let state = set.state(0).unwrap();
    state.set_failed_check(true, at(1));
    assert_eq!(detector.check_passed(&set, 0, at(1)), None, "not by its verdict");
    state.set_failed_check(false, at(2));
    assert_eq!(detector.check_passed(&set, 0, at(2)), Some(EjectionChange::Returned { index: 0 }));
    assert_eq!((state.is_ejected(), detector.ejected()), (false, 0));
    run(&detector, &set, 0, &[BAD; 5], at(3));
    assert_eq!(detector.release_all(&set, at(3)), [EjectionChange::Returned { index: 0 }]);
}

fn answer(detector: &Detector, set: &EndpointSet, index: usize, good: usize, bad: usize) {
    // Spread, so that no row of failures decides.
    for turn in 0..good.max(bad) {
        if turn < bad {
            detector.report(set, index, BAD, at(0));
        }
        if turn < good {
            detector.report(set, index, GOOD, at(0));
        }
    }
}

#[test]
fn the_one_that_is_worse_than_the_others() {
    let config = OutlierDetection { consecutive_5xx: 0, ..OutlierDetection::default() };
    let (set, detector) = detector(10, config);
    (0..9).for_each(|index| answer(&detector, &set, index, 99, 1));
    answer(&detector, &set, 9, 50, 50);
    assert_eq!(detector.sweep(&set, at(10)), [ejected(9, EjectionReason::SuccessRate)]);
    // The next interval begins with nothing.
    answer(&detector, &set, 8, 49, 50);
    assert_eq!(detector.sweep(&set, at(20)), [], "99 requests are too few to judge");
}

#[test]
fn rates_are_compared_among_enough_endpoints() {
    let config = OutlierDetection { consecutive_5xx: 0, ..OutlierDetection::default() };
    let (set, detector) = detector(4, config);
    (0..3).for_each(|index| answer(&detector, &set, index, 100, 0));
    answer(&detector, &set, 3, 0, 100);
    assert_eq!(detector.sweep(&set, at(10)), []);
}

#[test]
fn too_many_failures() {
    let failure_percentage = Some(FailurePercentage::default());
    let config =
        OutlierDetection { consecutive_5xx: 0, success_rate: None, failure_percentage, ..OutlierDetection::default() };
    let (set, detector) = detector(5, config);
    answer(&detector, &set, 0, 15, 85);
    answer(&detector, &set, 1, 16, 84);
    answer(&detector, &set, 2, 0, 49);
    assert_eq!(detector.sweep(&set, at(10)), [ejected(0, EjectionReason::FailurePercentage)]);
}

#[test]
fn local_failures_have_rates_of_their_own() {
    let config = OutlierDetection {
        split_local_origin: true,
        consecutive_local_origin_failure: 0,
        success_rate: None,
        failure_percentage: Some(FailurePercentage::default()),
        ..OutlierDetection::default()
    };
    let (set, detector) = detector(5, config);
    run(&detector, &set, 2, &[Outcome::Failed; 50], at(0));
    assert_eq!(detector.sweep(&set, at(10)), [ejected(2, EjectionReason::FailurePercentage)]);
}

#[test]
fn what_is_out_of_range_is_named() {
    let with = |change: fn(&mut OutlierDetection)| {
        let mut config = OutlierDetection::default();
        change(&mut config);
        config.validate()
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|config| config.base_ejection_time = at(1000)), Ok(()), "the longest is then the base");
    let short = OutlierConfigError::MaxEjectionTime { max: at(1), base: at(30) };
    assert_eq!(with(|config| config.max_ejection_time = Some(at(1))), Err(short));
    assert_eq!(with(|config| config.interval = at(0)), Err(OutlierConfigError::Interval));
    assert!(matches!(with(|config| config.max_ejection_percent = 101), Err(OutlierConfigError::Percentage { .. })));
}

#[test]
fn threads_together_eject_no_more_than_the_share() {
    let (set, detector) = detector(8, OutlierDetection::default());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..8).for_each(|index| drop(run(&detector, &set, index, &[BAD; 40], at(0)))));
        }
    });
    let ejected = (0..8).filter(|index| set.state(*index).unwrap().is_ejected()).count();
    assert_eq!((ejected, detector.ejected()), (4, 4));
}

proptest! {
    #[test]
    fn the_share_is_never_exceeded(
        count in 1..12_usize,
        percent in 0..=100_u32,
        steps in vec((0..12_usize, 0..6_u8), 1..300),
    ) {
        let set = endpoints(count);
        let config = OutlierDetection { max_ejection_percent: percent, consecutive_5xx: 2, ..OutlierDetection::default() };
        let detector = Detector::new(config, &set);
        let mut now = 0;
        for (index, step) in steps {
            match step {
                0 => {
                    now += 10;
                    detector.sweep(&set, at(now));
                }
                1 => drop(detector.report(&set, index % count, GOOD, at(now))),
                2 => drop(detector.check_passed(&set, index % count, at(now))),
                _ => drop(detector.report(&set, index % count, BAD, at(now))),
            }
            let ejected = (0..count).filter(|index| set.state(*index).unwrap().is_ejected()).count();
            prop_assert_eq!(ejected, detector.ejected());
            prop_assert!(100 * ejected <= percent as usize * count, "{} of {}", ejected, count);
        }
    }
}
