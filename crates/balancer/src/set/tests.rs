use std::sync::Arc;
use std::time::Duration;

use super::EndpointSet;
use crate::{ConfiguredHealth, EndpointSpec, Health, Start};

const NOW: Duration = Duration::from_secs(100);

fn specs(keys: &[&str]) -> Vec<EndpointSpec> {
    keys.iter().map(|key| EndpointSpec::new(*key)).collect()
}

#[test]
fn what_is_known_outlives_the_set() {
    let first = EndpointSet::new(specs(&["a", "b"]), Start::Usable, NOW);
    first.state(1).unwrap().set_failed_check(true, NOW);
    let request = first.state(1).unwrap().begin_request();
    let second = first.successor(specs(&["c", "b", "c"]), Start::AwaitCheck, NOW);
    assert_eq!(second.health(1), Some(Health::Unhealthy));
    assert_eq!(second.state(1).unwrap().active_requests(), 1);
    drop(request);
    assert_eq!((second.state(1).unwrap().active_requests(), second.state(1).unwrap().requests()), (0, 1));
    assert!(second.state(0).unwrap().has_failed_check(), "a new one awaits its check");
    assert!(Arc::ptr_eq(second.state(0).unwrap(), second.state(2).unwrap()), "one key is one endpoint");
    assert!(second.state(3).is_none());
}

#[test]
fn health_is_the_worst_of_what_is_said() {
    let stated = |stated| EndpointSpec { stated, ..EndpointSpec::new(format!("{stated:?}")) };
    let specs = vec![
        stated(ConfiguredHealth::Healthy),
        stated(ConfiguredHealth::Degraded),
        stated(ConfiguredHealth::Unhealthy),
    ];
    let set = EndpointSet::new(specs, Start::Usable, NOW);
    let health = || [0, 1, 2].map(|index| set.health(index).unwrap());
    assert_eq!(health(), [Health::Healthy, Health::Degraded, Health::Unhealthy]);
    for index in 0..3 {
        assert!(set.state(index).unwrap().set_degraded(true, NOW));
    }
    assert_eq!(health(), [Health::Degraded, Health::Degraded, Health::Unhealthy]);
    set.state(0).unwrap().set_failed_check(true, NOW);
    assert_eq!(health()[0], Health::Unhealthy);
}

#[test]
fn only_news_is_news() {
    let set = EndpointSet::new(specs(&["a"]), Start::Usable, NOW);
    let (state, before) = (set.state(0).unwrap(), set.generation());
    assert!(!state.set_failed_check(false, NOW));
    assert_eq!(set.generation(), before);
    assert!(state.set_failed_check(true, NOW));
    assert!(!state.set_failed_check(true, NOW));
    assert_eq!(set.generation(), before + 1);
}

#[test]
fn age_counts_from_when_it_was_last_usable() {
    let set = EndpointSet::new(specs(&["a"]), Start::Usable, NOW);
    let state = set.state(0).unwrap();
    let later = NOW + Duration::from_secs(60);
    assert_eq!(state.age(later), Duration::from_secs(60));
    state.set_failed_check(true, later);
    state.set_ejected(true, later);
    state.set_failed_check(false, later);
    assert_eq!(state.age(later), Duration::from_secs(60), "still ejected");
    state.set_ejected(false, later);
    assert_eq!(state.age(later), Duration::ZERO);
    assert_eq!(state.age(NOW), Duration::ZERO, "a clock that stepped back is no age");
}
