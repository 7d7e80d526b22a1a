//! What was observed of Envoy with static clusters and one worker, for all of it that needs no socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use backstay_balancer::{
    AttemptResponse, Breakers, ConfiguredHealth, Decision, Detector, EjectionChange, EndpointSet, EndpointSpec,
    Failure, Limit, Limits, LoadBalancing, Locality, NoRetry, Outcome, OutlierDetection, Overflow, PickContext, Picker,
    PoolConnection, Retries, RetryPolicy, Start,
};

const NOW: Duration = Duration::from_secs(1000);

fn spec(key: &str) -> EndpointSpec {
    EndpointSpec::new(key)
}

fn set(specs: impl IntoIterator<Item = EndpointSpec>) -> Arc<EndpointSet> {
    EndpointSet::new(specs.into_iter().collect(), Start::Usable, Duration::ZERO)
}

/// How often each endpoint is picked.
fn count(set: &Arc<EndpointSet>, config: LoadBalancing, picks: usize) -> Vec<usize> {
    let mut picker = Picker::new(Arc::new(config), 42);
    let mut counts = vec![0; set.len()];
    for _ in 0..picks {
        counts[picker.pick(set, &PickContext::default()).expect("an endpoint").index] += 1;
    }
    counts
}

#[test]
fn one_connection_and_one_that_waits_of_four_slow_requests() {
    let limits = Limits { connections: Some(1), pending_requests: Some(1), ..Limits::default() };
    let (breakers, set) = (Breakers::new(&limits), set([spec("a")]));
    let endpoint = set.state(0).unwrap();
    let connection = breakers.connection(endpoint, PoolConnection::First).unwrap();
    assert_eq!(breakers.connection(endpoint, PoolConnection::Further).unwrap_err(), Overflow::Connections);
    let waiting = breakers.pending_request().unwrap();
    for _ in 0..2 {
        assert_eq!(breakers.pending_request().unwrap_err(), Overflow::PendingRequests);
    }
    assert_eq!(breakers.overflows(Limit::PendingRequests), 2);
    drop((connection, waiting));
    assert_eq!((breakers.active(Limit::Connections), breakers.active(Limit::PendingRequests)), (0, 0));
}

#[test]
fn a_dead_endpoint_is_avoided_by_the_retry() {
    let set = set([spec("live"), spec("dead")]);
    let on = RetryPolicy::conditions(["connect-failure"]).unwrap();
    let policy = RetryPolicy { on, ..RetryPolicy::default() };
    let mut picker = Picker::new(Arc::default(), 1);
    let mut twice = 0;
    for _ in 0..20 {
        let mut retries = Retries::new(&policy);
        let first = picker.pick(&set, &PickContext::default()).unwrap().index;
        if first == 0 {
            continue;
        }
        assert!(matches!(retries.after_failure(Failure::Connect, 7), Decision::After(_)));
        let context = PickContext { exclude: &[first], ..PickContext::default() };
        assert_eq!(picker.pick(&set, &context).unwrap().index, 0);
        twice += 1;
    }
    assert!(twice > 0, "some came to the dead one first");
}

#[test]
fn always_503_is_the_answer_of_the_third_attempt() {
    let on = RetryPolicy::conditions(["5xx"]).unwrap();
    let policy = RetryPolicy { on, attempts: 2, ..RetryPolicy::default() };
    let mut retries = Retries::new(&policy);
    let answer = AttemptResponse { status: 503, grpc_status: None, has_header: &|_| false };
    assert!(matches!(retries.after_answer(&answer, None, 0), Decision::After(_)));
    assert!(matches!(retries.after_answer(&answer, None, 0), Decision::After(_)));
    assert_eq!(retries.after_answer(&answer, None, 0), Decision::No(NoRetry::Exhausted));
}

#[test]
fn one_of_three_healthy_is_panic() {
    let unhealthy = |key| EndpointSpec { stated: ConfiguredHealth::Unhealthy, ..spec(key) };
    let set = set([spec("a"), unhealthy("b"), unhealthy("c")]);
    assert_eq!(count(&set, LoadBalancing::default(), 60), [20, 20, 20]);
    let mut picker = Picker::new(Arc::default(), 0);
    assert!(picker.pick(&set, &PickContext::default()).unwrap().panic);
}

#[test]
fn none_healthy_is_panic_or_nobody() {
    let unhealthy = |key| EndpointSpec { stated: ConfiguredHealth::Unhealthy, ..spec(key) };
    let set = set([unhealthy("a"), unhealthy("b")]);
    assert_eq!(count(&set, LoadBalancing::default(), 40), [20, 20]);
    let never = LoadBalancing { panic_threshold: 0, ..LoadBalancing::default() };
    assert_eq!(Picker::new(Arc::new(never), 0).pick(&set, &PickContext::default()), None);
}

#[test]
fn half_of_the_first_priority() {
    let down = |key| EndpointSpec { stated: ConfiguredHealth::Unhealthy, ..spec(key) };
    let second = EndpointSpec { priority: 1, ..spec("e") };
    let set = set([spec("a"), spec("b"), down("c"), down("d"), second]);
    let counts = count(&set, LoadBalancing::default(), 10_000);
    assert_eq!((counts[2], counts[3]), (0, 0));
    assert!(counts[0].abs_diff(counts[1]) <= 1);
    // 70 : 30; four standard deviations of 10,000 draws are below 200.
    assert!(counts[4].abs_diff(3000) < 200, "{counts:?}");
}

#[test]
fn weights_one_two_three() {
    let weighted = |(key, weight)| EndpointSpec { weight, ..spec(key) };
    let set = set([("a", 1), ("b", 2), ("c", 3)].map(weighted));
    assert_eq!(count(&set, LoadBalancing::default(), 60), [10, 20, 30]);
    let mut picker = Picker::new(Arc::default(), 99);
    let picks: Vec<_> = (0..12).map(|_| picker.pick(&set, &PickContext::default()).unwrap().index + 1).collect();
    let pattern = [3, 2, 3, 1, 2, 3].repeat(3);
    assert!(pattern.windows(12).any(|window| window == picks), "{picks:?} from anywhere in the period");
}

#[test]
fn half_of_a_locality() {
    let at = |key, id| EndpointSpec { locality: Locality { id, weight: 1 }, ..spec(key) };
    let down = EndpointSpec { stated: ConfiguredHealth::Unhealthy, ..at("down", 0) };
    let set = set([at("a", 0), down, at("b", 1)]);
    let config = LoadBalancing { locality_weighted: true, ..LoadBalancing::default() };
    assert_eq!(count(&set, config, 340), [140, 0, 200]);
}

#[test]
fn the_only_endpoint_is_served_whatever_it_answers() {
    let set = set([spec("a")]);
    let detector = Detector::new(OutlierDetection::default(), &set);
    let mut picker = Picker::new(Arc::default(), 0);
    for _ in 0..6 {
        let change = detector.report(&set, 0, Outcome::Answered(500), NOW);
        assert!(matches!(change, None | Some(EjectionChange::Withheld { .. })), "{change:?}");
        assert!(picker.pick(&set, &PickContext::default()).is_some());
    }
    let always_one = OutlierDetection { always_eject_one: true, ..OutlierDetection::default() };
    let detector = Detector::new(always_one, &set);
    let changes: Vec<_> = (0..6).filter_map(|_| detector.report(&set, 0, Outcome::Answered(500), NOW)).collect();
    assert!(matches!(changes[..], [EjectionChange::Ejected { index: 0, .. }]), "{changes:?}");
    assert!(picker.pick(&set, &PickContext::default()).unwrap().panic, "ejected, and panic");
}
