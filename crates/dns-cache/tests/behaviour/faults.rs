//! DNS that goes away, names that come and go, requests that do not wait.

use backstay_dns_cache::{FailureBackoff, Found, HostState, Settings, Target};

use crate::script::{Reply, World, fast, ms, s, v4};

#[tokio::test(start_paused = true)]
async fn dns_is_dead_for_an_hour_and_comes_back() {
    let backoff = Some(FailureBackoff { base: s(1), max: s(30) });
    let world = World::new(Settings { failure_backoff: backoff, host_ttl: s(7200), ..v4() });
    for name in ["one.example", "two.example"] {
        world.script.set(name, Reply::Found(30, vec!["10.0.0.1"]));
        world.get(name).await.unwrap();
    }
    for name in ["one.example", "two.example", "new.example"] {
        world.script.set(name, Reply::Mute);
    }
    for minute in 1..=60 {
        world.at(s(minute * 60)).await;
        assert_eq!(world.get("one.example").await.unwrap(), ["10.0.0.1:80"], "minute {minute}");
    }
    assert_eq!(world.get("new.example").await.unwrap_err(), "dns_resolution_failure{resolve_timeout}");
    assert!(world.cache.hosts().iter().all(|host| host.state != HostState::Resolved));
    let asked = world.script.times("one.example").len();
    assert!((100..720).contains(&asked), "backs off, and goes on: {asked}");
    for name in ["one.example", "two.example", "new.example"] {
        world.script.set(name, Reply::Found(30, vec!["10.0.0.2"]));
    }
    world.at(world.elapsed() + s(36)).await;
    for name in ["one.example", "two.example", "new.example"] {
        assert_eq!(world.get(name).await.unwrap(), ["10.0.0.2:80"], "within the longest wait and one lookup");
    }
    assert!(world.cache.hosts().iter().all(|host| host.state == HostState::Resolved));
    assert_eq!(world.cache.pending_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn names_come_and_go_beyond_what_is_held() {
    let settings = Settings { max_hosts: 6, max_negative_hosts: 5, host_ttl: s(2), ..fast() };
    let world = World::new(settings);
    let (mut found, mut refused) = (0, 0);
    for n in 0..500_u64 {
        let name = format!("h{n}.example");
        if n % 3 > 0 {
            world.script.set(&name, Reply::Found(1, vec!["10.0.0.1"]));
        }
        match world.get(&name).await {
            Ok(_) => found += 1,
            Err(details) if details == "dns_cache_overflow" => refused += 1,
            Err(details) => assert_eq!(details, "dns_resolution_failure{nxdomain}"),
        }
        let counts = world.cache.stats().snapshot();
        assert!(counts.num_negative_hosts <= 5 && counts.num_hosts - counts.num_negative_hosts <= 6, "{counts:?}");
        world.at(ms(n * 200)).await;
    }
    assert!(found > 250 && refused > 0, "{found} {refused}");
    world.at(s(120)).await;
    let counts = world.cache.stats().snapshot();
    assert_eq!((counts.num_hosts, counts.host_added), (0, counts.host_removed), "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn requests_that_leave_give_back_their_places_and_the_lookup_goes_on() {
    let world = World::new(Settings { max_pending_requests: 100, ..v4() });
    world.script.set_delay(s(2));
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    let target = Target::parse("h.example", 80).unwrap();
    for round in 0..10 {
        let waiting: Vec<_> = (0..100).map(|_| world.cache.find(&target)).collect();
        assert!(waiting.iter().all(|found| matches!(found, Found::Pending(_))), "{round}");
        assert_eq!(world.cache.pending_remaining(), 0);
        for found in waiting {
            let Found::Pending(waiting) = found else { unreachable!() };
            // Some before they wait, some while they do.
            let _ = tokio::time::timeout(ms(round), waiting.wait()).await;
            if world.cache.pending_requests() < 50 {
                break;
            }
        }
        assert_eq!(world.cache.pending_requests(), 0);
    }
    world.at(s(2)).await;
    assert!(matches!(world.cache.find(&target), Found::Known(Ok(_))));
    assert_eq!(world.script.questions(), 1);
}
