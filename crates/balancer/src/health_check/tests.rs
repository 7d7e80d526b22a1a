use std::time::Duration;

use super::CheckResult::{Failed, Passed, Refused};
use super::{CheckConfigError, CheckResult, Checker, Checks, PastVerdict, Thresholds, Traffic, VerdictRule, Window};

fn checks(rule: VerdictRule) -> Checks {
    Checks {
        interval: Duration::from_secs(5),
        no_traffic_interval: Some(Duration::from_secs(60)),
        unhealthy_interval: Some(Duration::from_secs(1)),
        rule,
    }
}

const THRESHOLDS: VerdictRule = VerdictRule::Thresholds(Thresholds { healthy: 2, unhealthy: 3 });

/// The verdict after each result.
fn verdicts(checker: &mut Checker, results: &[CheckResult]) -> Vec<bool> {
    results.iter().map(|result| checker.record(*result, Traffic::Some).healthy).collect()
}

#[test]
fn the_first_check_decides_if_it_passes() {
    let mut checker = Checker::new(checks(THRESHOLDS));
    assert!(!checker.is_healthy(), "nobody is up who was not seen up");
    let verdict = checker.record(Passed, Traffic::Some);
    assert!(verdict.healthy && verdict.changed);
    let mut late = Checker::new(checks(THRESHOLDS));
    assert_eq!(verdicts(&mut late, &[Failed, Passed, Passed]), [false, false, true], "not after another");
}

#[test]
fn so_many_in_a_row_change_the_verdict() {
    let mut checker = Checker::new(checks(THRESHOLDS));
    let results = [Passed, Failed, Failed, Passed, Failed, Failed, Failed, Passed, Failed, Passed, Passed];
    let expected = [true, true, true, true, true, true, false, false, false, false, true];
    assert_eq!(verdicts(&mut checker, &results), expected);
    assert!(!checker.record(Refused, Traffic::Some).healthy, "one bad answer is enough");
}

#[test]
fn a_window_counts_the_last_ones() {
    let window = |initial| VerdictRule::Window(Window { window: 5, threshold: 3, initial });
    let mut checker = Checker::new(checks(window(2)));
    assert!(!checker.is_healthy());
    // The two taken to have passed leave the window one after the other.
    let results = [Passed, Failed, Failed, Failed, Passed, Passed, Passed, Failed, Failed, Failed];
    let expected = [true, true, true, false, false, false, true, true, true, false];
    assert_eq!(verdicts(&mut checker, &results), expected);
    assert!(Checker::new(checks(window(3))).is_healthy());
    let whole = VerdictRule::Window(Window { window: 64, threshold: 64, initial: 64 });
    let mut whole = Checker::new(checks(whole));
    assert!(
        whole.is_healthy()
            && whole.record(Passed, Traffic::Some).healthy
            && !whole.record(Refused, Traffic::Some).healthy
    );
}

#[test]
fn the_next_check_is_due() {
    let mut checker = Checker::new(checks(THRESHOLDS));
    let mut next = |result, traffic| checker.record(result, traffic).next_in.as_secs();
    assert_eq!(next(Passed, Traffic::None), 60);
    assert_eq!(next(Passed, Traffic::Some), 5);
    assert_eq!(next(Refused, Traffic::Some), 1);
    assert_eq!(next(Refused, Traffic::None), 60);
    let plain = Checks { no_traffic_interval: None, unhealthy_interval: None, ..checks(THRESHOLDS) };
    assert_eq!(Checker::new(plain).record(Failed, Traffic::None).next_in.as_secs(), 5);
}

#[test]
fn an_endpoint_can_fail_outside_of_checks_and_verdicts_survive_edits() {
    let mut checker = Checker::resuming(checks(THRESHOLDS), PastVerdict::Up);
    assert!(checker.is_healthy());
    assert!(checker.fail() && !checker.fail());
    assert_eq!(verdicts(&mut checker, &[Passed, Passed]), [false, true]);
    let window = VerdictRule::Window(Window { window: 3, threshold: 3, initial: 0 });
    let mut checker = Checker::resuming(checks(window), PastVerdict::Up);
    assert_eq!(verdicts(&mut checker, &[Passed, Failed]), [true, false]);
    assert!(!Checker::resuming(checks(window), PastVerdict::Down).is_healthy());
}

#[test]
fn what_is_out_of_range_is_named() {
    assert_eq!(checks(THRESHOLDS).validate(), Ok(()));
    let zero = Checks { unhealthy_interval: Some(Duration::ZERO), ..checks(THRESHOLDS) };
    assert_eq!(zero.validate(), Err(CheckConfigError::Interval("unhealthy interval")));
    let never = VerdictRule::Thresholds(Thresholds { healthy: 0, unhealthy: 1 });
    assert!(matches!(checks(never).validate(), Err(CheckConfigError::Thresholds { .. })));
    for (window, threshold, initial) in [(0, 0, 0), (65, 1, 0), (5, 0, 0), (5, 6, 0), (5, 3, 6)] {
        let window = Window { window, threshold, initial };
        assert_eq!(checks(VerdictRule::Window(window)).validate(), Err(CheckConfigError::Window(window)));
    }
}
