use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{PickContext, Picker};
use crate::{
    ConfiguredHealth, EndpointKey, EndpointSet, EndpointSpec, Health, LeastRequest, LoadBalancing, Locality, Maglev,
    Policy, RingHash, SlowStart, Start,
};

fn set(weights: &[u32]) -> Arc<EndpointSet> {
    let spec =
        |(at, weight): (usize, &u32)| EndpointSpec { weight: *weight, ..EndpointSpec::new(format!("10.0.0.{at}:80")) };
    EndpointSet::new(weights.iter().enumerate().map(spec).collect(), Start::Usable, Duration::ZERO)
}

fn config(policy: Policy) -> Arc<LoadBalancing> {
    Arc::new(LoadBalancing { policy, ..LoadBalancing::default() })
}

fn policies() -> [Policy; 5] {
    [
        Policy::RoundRobin,
        Policy::LeastRequest(LeastRequest::default()),
        Policy::Random,
        Policy::RingHash(RingHash::default()),
        Policy::Maglev(Maglev { table_size: 251 }),
    ]
}

fn pick(picker: &mut Picker, set: &Arc<EndpointSet>) -> usize {
    picker.pick(set, &PickContext::default()).expect("an endpoint").index
}

fn counts(picker: &mut Picker, set: &Arc<EndpointSet>, picks: usize) -> Vec<usize> {
    let mut counts = vec![0; set.len()];
    (0..picks).for_each(|_| counts[pick(picker, set)] += 1);
    counts
}

#[test]
fn round_robin_takes_turns_and_threads_begin_at_different_places() {
    let set = set(&[7; 10]);
    let mut starts = BTreeSet::new();
    for seed in 0..30 {
        let mut picker = Picker::new(Arc::default(), seed);
        let first = pick(&mut picker, &set);
        assert!((1..25).all(|turn| pick(&mut picker, &set) == (first + turn) % 10));
        starts.insert(first);
    }
    assert!(starts.len() > 5, "{starts:?}");
}

#[test]
fn a_change_of_health_is_seen_by_the_next_pick() {
    let set = set(&[1; 4]);
    for policy in policies() {
        let mut picker = Picker::new(config(policy), 3);
        pick(&mut picker, &set);
        set.state(2).unwrap().set_failed_check(true, Duration::ZERO);
        assert!((0..200).all(|_| pick(&mut picker, &set) != 2));
        set.state(2).unwrap().set_failed_check(false, Duration::ZERO);
        assert!((0..200).any(|_| pick(&mut picker, &set) == 2));
    }
}

#[test]
fn another_set_is_seen_by_the_next_pick() {
    let first = set(&[1; 3]);
    let second = first.successor(vec![EndpointSpec::new("new")], Start::Usable, Duration::ZERO);
    let empty = first.successor(Vec::new(), Start::Usable, Duration::ZERO);
    for policy in policies() {
        let mut picker = Picker::new(config(policy), 3);
        pick(&mut picker, &first);
        assert!((0..10).all(|_| pick(&mut picker, &second) == 0));
        assert_eq!(picker.pick(&empty, &PickContext::default()), None);
    }
}

#[test]
fn least_request_prefers_the_idle() {
    let set = set(&[1; 2]);
    let _busy = [0; 5].map(|_| set.state(0).unwrap().begin_request());
    let mut picker = Picker::new(config(Policy::LeastRequest(LeastRequest::default())), 3);
    let counts = counts(&mut picker, &set, 4000);
    // The busy one only when it is drawn twice.
    assert!(counts[0].abs_diff(1000) < 150, "{counts:?}");
}

#[test]
fn least_request_with_weights_divides_them_by_active_requests() {
    let set = set(&[1, 3]);
    let policy = |active_request_bias| Policy::LeastRequest(LeastRequest { choice_count: 2, active_request_bias });
    let mut idle = Picker::new(config(policy(1.0)), 3);
    assert_eq!(counts(&mut idle, &set, 400), [100, 300]);
    let _busy = [0; 5].map(|_| set.state(1).unwrap().begin_request());
    let mut picker = Picker::new(config(policy(1.0)), 3);
    let busy = counts(&mut picker, &set, 300);
    assert!(busy[0].abs_diff(200) <= 1, "1 to 3/6: {busy:?}");
    let mut unbiased = Picker::new(config(policy(0.0)), 3);
    assert_eq!(counts(&mut unbiased, &set, 400), [100, 300]);
}

#[test]
fn slow_start_gives_a_new_endpoint_less_at_first() {
    let old = set(&[1; 2]);
    let at = Duration::from_secs(100);
    let mut specs: Vec<_> = (0..2).map(|index| old.spec(index).unwrap().clone()).collect();
    specs.push(EndpointSpec::new("new"));
    let set = old.successor(specs, Start::Usable, at);
    let slow_start = Some(SlowStart::over(Duration::from_secs(10)));
    let mut picker = Picker::new(Arc::new(LoadBalancing { slow_start, ..LoadBalancing::default() }), 3);
    let mut share = |now| {
        let context = PickContext { now, ..PickContext::default() };
        (0..2100).filter(|_| picker.pick(&set, &context).unwrap().index == 2).count()
    };
    assert!(share(at).abs_diff(100) <= 3, "a tenth of its weight: 1 in 21");
    assert!(share(at + Duration::from_secs(5)).abs_diff(420) <= 12, "half: 1 in 5");
    assert_eq!(share(at + Duration::from_secs(10)), 700, "all of it: in turn");
}

#[test]
fn hashes_stay_where_they_are() {
    let set = set(&[1; 5]);
    for policy in policies().into_iter().skip(3) {
        let mut one = Picker::new(config(policy.clone()), 3);
        let mut other = Picker::new(config(policy), 4);
        for hash in (0..200_u64).map(|n| crate::hash_of(&n.to_le_bytes())) {
            let context = PickContext { hash: Some(hash), ..PickContext::default() };
            assert_eq!(one.pick(&set, &context), other.pick(&set, &context));
        }
    }
}

#[test]
fn threads_that_pick_while_health_flaps_see_the_end_of_it() {
    for policy in policies() {
        let (set, config) = (set(&[1; 6]), config(policy));
        set.prepare(&config);
        std::thread::scope(|scope| {
            for seed in 0..3 {
                let (set, config) = (&set, &config);
                scope.spawn(move || {
                    let mut picker = Picker::new(Arc::clone(config), seed);
                    for turn in 0..300 {
                        set.state(turn % 6).unwrap().set_failed_check(turn % 3 == 0, Duration::ZERO);
                        pick(&mut picker, set);
                    }
                });
            }
        });
        (0..6).for_each(|index| {
            set.state(index).unwrap().set_failed_check(index == 4, Duration::ZERO);
        });
        let mut picker = Picker::new(config, 3);
        assert!((0..100).all(|_| pick(&mut picker, &set) != 4));
    }
}

#[test]
fn locality_weights_say_how_much_a_locality_takes() {
    let spec = |(key, id, weight)| EndpointSpec { locality: Locality { id, weight }, ..EndpointSpec::new(key) };
    let specs = [("a", 1, 3), ("b", 2, 1), ("c", 2, 1), ("d", 3, 0)].map(spec).to_vec();
    let set = EndpointSet::new(specs, Start::Usable, Duration::ZERO);
    let with = |policy| Arc::new(LoadBalancing { policy, locality_weighted: true, ..LoadBalancing::default() });
    let mut picker = Picker::new(with(Policy::RoundRobin), 3);
    assert_eq!(counts(&mut picker, &set, 80), [60, 10, 10, 0]);
    let hashed = counts(&mut Picker::new(with(Policy::Maglev(Maglev::default())), 3), &set, 8000);
    assert!(hashed[3] == 0 && hashed[0].abs_diff(6000) < 200, "{hashed:?}");
    // Not even for those who have tried all others.
    let context = PickContext { exclude: &[0, 1, 2], ..PickContext::default() };
    assert!((0..50).all(|_| picker.pick(&set, &context).unwrap().index != 3));
}

#[test]
fn degraded_endpoints_take_what_healthy_ones_cannot() {
    let spec = |(key, stated)| EndpointSpec { stated, ..EndpointSpec::new(key) };
    let specs = [("a", ConfiguredHealth::Healthy), ("b", ConfiguredHealth::Degraded)].map(spec).to_vec();
    let set = EndpointSet::new(specs, Start::Usable, Duration::ZERO);
    for policy in policies() {
        let mut picker = Picker::new(config(policy), 3);
        let counts = counts(&mut picker, &set, 10_000);
        assert!(counts[0].abs_diff(7000) < 200, "{counts:?}");
    }
}

proptest! {
    #[test]
    fn nobody_unhealthy_is_picked_except_in_panic(
        endpoints in vec((0..3_u32, 0..4_u8, 1..4_u32, 0..3_u32), 0..20),
        threshold in 0..=100_u32,
        locality_weighted in any::<bool>(),
        at in 0..5_usize,
        seed in any::<u64>(),
    ) {
        let spec = |(index, (priority, health, weight, id)): (usize, &(u32, u8, u32, u32))| EndpointSpec {
            priority: *priority * 1_000_000_000,
            weight: *weight,
            locality: Locality { id: *id, weight: *id },
            stated: [ConfiguredHealth::Healthy, ConfiguredHealth::Degraded, ConfiguredHealth::Unhealthy, ConfiguredHealth::Healthy][usize::from(*health)],
            ..EndpointSpec::new(format!("{index}"))
        };
        let specs: Vec<_> = endpoints.iter().enumerate().map(spec).collect();
        let set = EndpointSet::new(specs, Start::Usable, Duration::ZERO);
        for (index, (_, health, ..)) in endpoints.iter().enumerate() {
            set.state(index).unwrap().set_failed_check(*health == 3, Duration::ZERO);
        }
        let policy = policies()[at].clone();
        let config = LoadBalancing { policy, panic_threshold: threshold, locality_weighted, ..LoadBalancing::default() };
        let mut picker = Picker::new(Arc::new(config), seed);
        let usable = (0..set.len()).filter(|index| set.health(*index) != Some(Health::Unhealthy)).count();
        for _ in 0..50 {
            match picker.pick(&set, &PickContext::default()) {
                Some(picked) => prop_assert!(picked.panic || set.health(picked.index) != Some(Health::Unhealthy)),
                None => prop_assert!(usable == 0 && threshold == 0 || set.is_empty()),
            }
        }
    }

    #[test]
    fn what_was_tried_is_avoided_while_there_is_something_else(
        weights in vec(1..5_u32, 2..8),
        at in 0..5_usize,
        seed in any::<u64>(),
    ) {
        let set = set(&weights);
        let mut picker = Picker::new(config(policies()[at].clone()), seed);
        let mut tried = Vec::new();
        for _ in 0..weights.len() {
            let context = PickContext { hash: Some(seed), exclude: &tried, ..PickContext::default() };
            let picked = picker.pick(&set, &context).unwrap().index;
            prop_assert!(!tried.contains(&picked));
            tried.push(picked);
        }
        let context = PickContext { exclude: &tried, ..PickContext::default() };
        prop_assert!(picker.pick(&set, &context).is_some(), "all tried: any will do");
        tried.sort_unstable();
        prop_assert_eq!(tried, (0..weights.len()).collect::<Vec<_>>());
    }
}

/// Where 500 hashes go.
fn places(config: &Arc<LoadBalancing>, specs: Vec<EndpointSpec>, port: u16) -> Vec<usize> {
    let set = EndpointSet::new(specs, Start::Usable, Duration::ZERO);
    let mut picker = Picker::new(Arc::clone(config), 1);
    (0..500_u64)
        .map(|number| {
            let hash = Some(crate::hash_of(&number.to_le_bytes()));
            picker.pick(&set, &PickContext { hash, port, ..PickContext::default() }).unwrap().index
        })
        .collect()
}

#[test]
fn endpoints_are_placed_by_address_and_port_unless_by_the_address_alone() {
    let addresses: Vec<IpAddr> =
        ["10.0.0.1", "10.0.0.2", "2001:db8::3"].iter().map(|text| text.parse().unwrap()).collect();
    let by_key =
        |key: &dyn Fn(&IpAddr) -> String| addresses.iter().map(|ip| EndpointSpec::new(key(ip))).collect::<Vec<_>>();
    let by_address = || {
        let spec = |ip: &IpAddr| EndpointSpec { address: Some(*ip), ..EndpointSpec::new(ip.to_string()) };
        addresses.iter().map(spec).collect::<Vec<_>>()
    };
    let with_port = |port: u16| by_key(&move |ip| std::net::SocketAddr::new(*ip, port).to_string());
    for policy in [Policy::Maglev(Maglev { table_size: 251 }), Policy::RingHash(RingHash::default())] {
        let both = config(policy.clone());
        for port in [80, 8080] {
            // Envoy's spelling: "10.0.0.1:80", "[2001:db8::3]:80".
            assert_eq!(places(&both, by_address(), port), places(&both, with_port(port), 0), "{policy:?} {port}");
        }
        assert_ne!(places(&both, by_address(), 80), places(&both, by_address(), 8080));
        let alone = Arc::new(LoadBalancing { endpoint_key: EndpointKey::Address, ..(*both).clone() });
        let bare = places(&both, by_key(&IpAddr::to_string), 0);
        for port in [80, 8080] {
            assert_eq!(places(&alone, by_address(), port), bare, "{policy:?} {port}");
        }
    }
}

#[test]
fn ports_take_turns_and_each_has_its_places() {
    let both = config(Policy::Maglev(Maglev { table_size: 251 }));
    let spec = |number: u8| {
        let ip = IpAddr::from([10, 0, 0, number]);
        EndpointSpec { address: Some(ip), ..EndpointSpec::new(ip.to_string()) }
    };
    let specs: Vec<_> = (1..=5).map(spec).collect();
    let set = EndpointSet::new(specs.clone(), Start::Usable, Duration::ZERO);
    let mut picker = Picker::new(Arc::clone(&both), 1);
    let expected: Vec<_> = (1..=20).map(|port| places(&both, specs.clone(), port)).collect();
    // More ports than places are kept for, one after the other, in a set and in the one that follows it.
    for set in [Arc::clone(&set), set.successor(specs, Start::Usable, Duration::ZERO)] {
        set.prepare(&both);
        for number in 0..50_usize {
            for (port, expected) in (1..=20).zip(&expected) {
                let hash = Some(crate::hash_of(&(number as u64).to_le_bytes()));
                let picked = picker.pick(&set, &PickContext { hash, port, ..PickContext::default() }).unwrap();
                assert_eq!(picked.index, expected[number], "{port}");
            }
        }
    }
}
