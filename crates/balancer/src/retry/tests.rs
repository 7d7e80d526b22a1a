use std::time::Duration;

use proptest::prelude::{any, prop_assert, proptest};

use super::{
    AttemptResponse, BackOff, Decision, Failure, NoRetry, Retries, RetryConfigError, RetryOn, RetryPolicy,
    parse_retry_after,
};

fn policy(names: &[&str]) -> RetryPolicy {
    let on = RetryPolicy::conditions(names.iter().copied()).expect("known names");
    RetryPolicy {
        on,
        retriable_statuses: vec![418],
        retriable_headers: vec!["x-again".into()],
        ..RetryPolicy::default()
    }
}

fn answer(status: u16, grpc_status: Option<u16>) -> AttemptResponse<'static> {
    AttemptResponse { status, grpc_status, has_header: &|_| false }
}

const FAILURES: [Failure; 6] = [
    Failure::Connect,
    Failure::BeforeRequest,
    Failure::Refused,
    Failure::Reset,
    Failure::PerTryTimeout,
    Failure::Overflow,
];

#[test]
fn each_condition_covers_its_answers_and_failures() {
    use Failure::{BeforeRequest, Connect, PerTryTimeout, Refused, Reset};
    let any_failure: &[Failure] = &FAILURES[..5];
    assert_eq!(any_failure, [Connect, BeforeRequest, Refused, Reset, PerTryTimeout]);
    type Row<'a> = (&'a str, &'a [u16], &'a [Failure]);
    let rows: [Row<'_>; 9] = [
        ("5xx", &[500, 501, 502, 503, 504, 599], any_failure),
        ("gateway-error", &[502, 503, 504], any_failure),
        ("reset", &[], any_failure),
        ("reset-before-request", &[], &[Connect, BeforeRequest]),
        ("connect-failure", &[], &[Connect]),
        ("refused-stream", &[], &[Refused]),
        ("retriable-4xx", &[409], &[]),
        ("retriable-status-codes", &[418], &[]),
        ("retriable-headers", &[], &[]),
    ];
    for (name, statuses, failures) in rows {
        let policy = policy(&[name]);
        for status in [200, 304, 400, 404, 409, 418, 429, 500, 501, 502, 503, 504, 508, 599] {
            assert_eq!(policy.covers_answer(&answer(status, None)), statuses.contains(&status), "{name}: {status}");
        }
        for failure in FAILURES {
            assert_eq!(policy.covers_failure(failure), failures.contains(&failure), "{name}: {failure:?}");
        }
    }
}

#[test]
fn grpc_statuses() {
    let names = ["cancelled", "deadline-exceeded", "resource-exhausted", "internal", "unavailable"];
    for (name, covered) in names.into_iter().zip([1, 4, 8, 13, 14]) {
        let policy = policy(&[name]);
        for status in 0..17 {
            assert_eq!(policy.covers_answer(&answer(200, Some(status))), status == covered, "{name}: {status}");
        }
        assert!(FAILURES.iter().all(|failure| !policy.covers_failure(*failure)));
    }
}

#[test]
fn headers() {
    let with = |name: &'static str| move |asked: &str| asked == name;
    let again = with("x-again");
    let answer = AttemptResponse { status: 200, grpc_status: None, has_header: &again };
    assert!(policy(&["retriable-headers"]).covers_answer(&answer));
    assert!(!policy(&["5xx"]).covers_answer(&answer), "only where it is a condition");
    let limited = with("x-envoy-ratelimited");
    let answer = AttemptResponse { status: 503, grpc_status: None, has_header: &limited };
    assert!(!policy(&["5xx", "gateway-error"]).covers_answer(&answer), "asked too often already");
}

#[test]
fn names() {
    assert_eq!(RetryOn::names().count(), 14);
    assert!(RetryOn::names().all(|name| RetryPolicy::conditions([name]).is_ok()));
    let unknown = RetryPolicy::conditions(["5xx", "often"]).unwrap_err();
    assert_eq!(unknown, RetryConfigError::UnknownCondition("often".into()));
    assert!(unknown.to_string().contains("refused-stream"), "{unknown}");
}

#[test]
fn waits_double_up_to_the_maximum() {
    let millis = |random| {
        let mut back_off = BackOff::new(Duration::from_millis(25), Duration::from_millis(250));
        (0..7).map(|_| back_off.next(random).as_nanos().div_ceil(1_000_000)).collect::<Vec<_>>()
    };
    assert_eq!(millis(0), [0; 7]);
    // Just below, rounded up.
    assert_eq!(millis(u64::MAX), [25, 50, 100, 200, 250, 250, 250]);
    assert_eq!(millis(u64::MAX / 2), [13, 25, 50, 100, 125, 125, 125]);
}

#[test]
fn retries_are_counted() {
    let policy = RetryPolicy { attempts: 2, ..policy(&["5xx"]) };
    let mut retries = Retries::new(&policy);
    assert_eq!(retries.after_answer(&answer(200, None), None, 0), Decision::No(NoRetry::NotCovered));
    assert_eq!(retries.after_failure(Failure::Overflow, 0), Decision::No(NoRetry::NotCovered));
    assert_eq!(retries.left(), 2);
    assert!(matches!(retries.after_failure(Failure::Reset, 0), Decision::After(_)));
    assert!(matches!(retries.after_answer(&answer(500, None), None, 0), Decision::After(_)));
    assert_eq!(retries.after_answer(&answer(500, None), None, 0), Decision::No(NoRetry::Exhausted));
}

#[test]
fn retry_after_is_heeded_up_to_the_longest() {
    let seconds = Duration::from_secs;
    let policy = RetryPolicy { attempts: 9, max_retry_after: Some(seconds(10)), ..policy(&["5xx"]) };
    let mut retries = Retries::new(&policy);
    let mut wait =
        |after: &[u8], random| match retries.after_answer(&answer(503, None), parse_retry_after(after), random) {
            Decision::After(wait) => wait,
            Decision::No(why) => panic!("{why:?}"),
        };
    assert_eq!(wait(b" 4 ", 0), seconds(4));
    assert_eq!(wait(b"4", u64::MAX / 2 + 1), seconds(5), "up to half as long again");
    assert!(wait(b"11", u64::MAX) < Duration::from_millis(25), "too long: the back-off instead");
    assert!(wait(b"Fri, 31 Dec 1999 23:59:59 GMT", u64::MAX) < Duration::from_millis(50));
    let unheeding = RetryPolicy { max_retry_after: None, ..policy.clone() };
    let decision = Retries::new(&unheeding).after_answer(&answer(503, None), Some(seconds(4)), u64::MAX);
    assert!(matches!(decision, Decision::After(wait) if wait < Duration::from_millis(25)));
    for junk in [&b""[..], b"-1", b"1.5", b"+1", b"99999999999999999999999", b"\xff"] {
        assert_eq!(parse_retry_after(junk), None);
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    assert_eq!(RetryPolicy::default().validate(), Ok(()));
    let zero = RetryPolicy { back_off_base: Duration::ZERO, ..RetryPolicy::default() };
    assert!(matches!(zero.validate(), Err(RetryConfigError::BackOff { .. })));
    let inverted = RetryPolicy { back_off_max: Some(Duration::from_millis(1)), ..RetryPolicy::default() };
    assert!(matches!(inverted.validate(), Err(RetryConfigError::BackOff { .. })));
    let status = RetryPolicy { retriable_statuses: vec![200, 600], ..RetryPolicy::default() };
    assert_eq!(status.validate(), Err(RetryConfigError::Status(600)));
}

proptest! {
    #[test]
    fn waits_stay_below_their_interval(base in 1..1000_u64, times in 1..20_u64, randoms in proptest::collection::vec(any::<u64>(), 1..100)) {
        let (base, max) = (Duration::from_millis(base), Duration::from_millis(base * times));
        let (mut back_off, mut below) = (BackOff::new(base, max), base);
        for random in randoms {
            let wait = back_off.next(random);
            prop_assert!(wait < below && wait < max);
            below = (below * 2).min(max);
        }
    }
}
