//! What was observed of Envoy 1.40, row by row; where the cache differs on purpose the test says so.

use std::time::Duration;

use backstay_dns_cache::{FailureBackoff, Family, RecordKind, Settings};

use crate::script::{Reply, World, fast, ms, s, v4};

const NXDOMAIN: &str = "dns_resolution_failure{nxdomain}";

#[tokio::test(start_paused = true)]
async fn a_fresh_host_is_asked_for_once() {
    let world = World::new(Settings { family: Family::StrictAuto, ..Settings::default() });
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    for _ in 0..3 {
        assert_eq!(world.get("h.example").await.unwrap(), ["10.0.0.1:80"]);
    }
    world.at(s(59)).await;
    assert_eq!(world.script.kinds("h.example"), [RecordKind::Aaaa, RecordKind::A]);
}

#[tokio::test(start_paused = true)]
async fn fifty_requests_wait_for_one_lookup() {
    let world = World::new(v4());
    world.script.set_delay(ms(400));
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    let all = futures::future::join_all((0..50).map(|_| world.get("h.example"))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((world.elapsed(), world.script.questions()), (ms(400), 1));
}

#[tokio::test(start_paused = true)]
async fn refreshes_come_at_the_ttl_floored_without_traffic() {
    for (ttl, times) in [(0, vec![0, 5, 10, 15, 20, 25]), (1, vec![0, 5, 10, 15, 20, 25]), (8, vec![0, 8, 16, 24])] {
        let world = World::new(v4());
        world.script.set("h.example", Reply::Found(ttl, vec!["10.0.0.1"]));
        world.get("h.example").await.unwrap();
        world.at(s(29)).await;
        assert_eq!(world.script.times("h.example"), times, "TTL {ttl}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_there_is_asked_for_at_the_refresh_rate_alone() {
    let backoff = Some(FailureBackoff { base: ms(500), max: s(4) });
    for (settings, times) in [
        (fast(), vec![0, 2, 4, 6, 8, 10]),
        (Settings { failure_backoff: backoff, ..fast() }, vec![0, 2, 4, 6, 8, 10]),
        (v4(), vec![0]),
    ] {
        let world = World::new(settings);
        for time in 0..=10 {
            world.at(s(time)).await;
            assert_eq!(world.get("nx.example").await.unwrap_err(), NXDOMAIN);
            assert!(world.elapsed() < s(time) + ms(20), "answered from the cache");
        }
        assert_eq!(world.script.times("nx.example"), times);
    }
    let world = World::new(v4());
    world.get("nx.example").await.unwrap_err();
    world.at(s(121)).await;
    assert_eq!(world.script.times("nx.example"), [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_asked_again_at_the_refresh_rate_or_the_backoff_with_its_floor() {
    let backoff = Some(FailureBackoff { base: ms(500), max: s(4) });
    let floored = Settings { failure_backoff: backoff, query_timeout: s(1), ..v4() };
    for (settings, times) in [(fast(), vec![0, 2, 4, 6, 8, 10]), (v4(), vec![0]), (floored, vec![0, 5, 10])] {
        let world = World::new(settings);
        world.script.set("bad.example", Reply::Failed);
        assert_eq!(world.get("bad.example").await.unwrap_err(), "dns_resolution_failure{servfail}");
        world.at(s(11)).await;
        assert_eq!(world.script.times("bad.example"), times);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mute_server_costs_the_query_timeout_once() {
    for (settings, timeout, times) in [(v4(), s(5), vec![0]), (fast(), s(1), vec![0, 3, 6, 9])] {
        let world = World::new(settings);
        world.script.set("mute.example", Reply::Mute);
        for _ in 0..2 {
            assert_eq!(world.get("mute.example").await.unwrap_err(), "dns_resolution_failure{resolve_timeout}");
            assert_eq!(world.elapsed(), timeout, "and at once the second time");
        }
        world.at(s(11)).await;
        assert_eq!(world.script.times("mute.example"), times);
    }
}

/// When a name that begins to resolve at 3 s is found, asked once a second.
async fn recovery(settings: Settings, before: Reply, until: u64) -> Option<u64> {
    let world = World::new(settings);
    world.script.set("h.example", before);
    for time in 0..=until {
        world.at(s(time)).await;
        if time == 3 {
            world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
        }
        if world.is_found("h.example").await {
            return Some(time);
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_name_comes_back_with_the_next_refresh() {
    let backoff = Some(FailureBackoff { base: ms(500), max: s(4) });
    let floored = || Settings { failure_backoff: backoff, query_timeout: s(1), ..v4() };
    for (settings, before, found) in [
        (fast(), Reply::Empty, 4),
        (fast(), Reply::Failed, 4),
        (floored(), Reply::Failed, 5),
        (floored(), Reply::Empty, 60),
        (v4(), Reply::Empty, 60),
        (v4(), Reply::Failed, 60),
    ] {
        assert_eq!(recovery(settings, before.clone(), 61).await, Some(found), "{before:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_cache_refuses_new_hosts_until_one_is_unused_for_the_host_ttl() {
    let settings = Settings { max_hosts: 2, host_ttl: s(3), refresh_rate: s(1), ..fast() };
    let world = World::new(settings);
    for name in ["a.example", "b.example", "c.example"] {
        world.script.set(name, Reply::Found(1, vec!["10.0.0.1"]));
    }
    assert!(world.is_found("a.example").await && world.is_found("b.example").await);
    assert_eq!(world.get("c.example").await.unwrap_err(), "dns_cache_overflow");
    assert_eq!(world.get("a.example:81").await.unwrap_err(), "dns_cache_overflow", "another port is another host");
    assert_eq!(world.script.times("c.example"), [], "not even asked for");
    assert!(world.is_found("a.example").await && world.is_found("b.example").await);
    assert!(world.is_found("10.9.9.9").await, "other than Envoy: a literal takes no place");
    world.at(s(4)).await;
    assert!(world.is_found("c.example").await);
}

#[tokio::test(start_paused = true)]
async fn the_host_ttl_counts_from_the_last_use() {
    let settings = || Settings { host_ttl: s(3), refresh_rate: s(1), ..fast() };
    let world = World::new(settings());
    world.script.set("idle.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("idle.example").await.unwrap();
    world.at(s(8)).await;
    assert_eq!(world.script.times("idle.example"), [0, 1, 2, 3]);

    let world = World::new(settings());
    world.script.set("used.example", Reply::Found(1, vec!["10.0.0.1"]));
    for time in 0..=8 {
        world.at(s(time)).await;
        world.get("used.example").await.unwrap();
    }
    assert_eq!(world.cache.stats().snapshot().host_removed, 0);

    let world = World::new(settings());
    for time in 0..=9 {
        world.at(s(time)).await;
        world.get("nx.example").await.unwrap_err();
    }
    assert_eq!(world.cache.stats().snapshot().host_removed, 2, "being asked for in vain is no use");

    let world = World::new(settings());
    world.script.set("long.example", Reply::Found(10, vec!["10.0.0.1"]));
    world.get("long.example").await.unwrap();
    world.at(ms(2_900)).await;
    assert_eq!(world.cache.hosts().len(), 1);
    world.at(s(4)).await;
    assert_eq!(world.cache.hosts().len(), 0, "Envoy looks at it when the TTL of 10 s is over");
}

#[tokio::test(start_paused = true)]
async fn an_address_changes_with_the_refresh_and_stays_when_that_fails() {
    let world = World::new(fast());
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("h.example").await.unwrap();
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.2"]));
    world.at(s(1)).await;
    assert_eq!(world.get("h.example").await.unwrap(), ["10.0.0.2:80"]);
    for reply in [Reply::Empty, Reply::Failed, Reply::Mute] {
        world.script.set("h.example", reply);
        world.at(world.elapsed() + s(20)).await;
        assert_eq!(world.get("h.example").await.unwrap(), ["10.0.0.2:80"]);
    }
    assert_eq!(world.cache.stats().snapshot().host_address_changed, 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_are_counted_one_by_one() {
    for names in [["a.example"; 5], ["a.example", "b.example", "c.example", "d.example", "e.example"]] {
        let world = World::new(Settings { max_pending_requests: 2, ..v4() });
        world.script.set("known.example", Reply::Found(60, vec!["10.0.0.9"]));
        world.get("known.example").await.unwrap();
        world.script.set_delay(s(1));
        for name in names {
            world.script.set(name, Reply::Found(60, vec!["10.0.0.1"]));
        }
        let all = futures::future::join_all(names.iter().map(|name| world.get(name)));
        let known = async {
            tokio::time::sleep(ms(500)).await;
            assert_eq!((world.cache.pending_requests(), world.cache.pending_remaining()), (2, 0));
            world.get("known.example").await
        };
        let (all, known) = tokio::join!(all, known);
        let refused = all.iter().filter(
            |answer| matches!(answer, Err(details) if details == "dynamic_forward_proxy_pending_request_overflow"),
        );
        assert_eq!((all.iter().filter(|answer| answer.is_ok()).count(), refused.count()), (2, 3));
        assert!(known.is_ok(), "other than Envoy: a known host needs no place among those that wait");
        assert_eq!((world.cache.pending_requests(), world.cache.stats().snapshot().dns_rq_pending_overflow), (0, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn other_than_envoy_a_full_cache_lets_requests_join_and_junk_takes_no_place() {
    let world = World::new(Settings { max_hosts: 1, ..v4() });
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    world.script.set_delay(ms(800));
    let late = |delay: Duration| {
        let world = &world;
        async move {
            tokio::time::sleep(delay).await;
            world.is_found("h.example").await
        }
    };
    let all = futures::future::join_all((0..4).map(|n| late(ms(n * 150)))).await;
    assert_eq!(all, [true; 4]);

    let world = World::new(Settings { max_hosts: 1, ..v4() });
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    assert_eq!(world.get("nx.example").await.unwrap_err(), NXDOMAIN);
    assert!(world.is_found("h.example").await);
}

#[tokio::test(start_paused = true)]
async fn spellings_and_ports() {
    let world = World::new(v4());
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    for (authority, address) in [
        ("h.example", "10.0.0.1:80"),
        ("h.example:80", "10.0.0.1:80"),
        ("h.example:19000", "10.0.0.1:19000"),
        ("h.example:19001", "10.0.0.1:19001"),
        // Other than Envoy: one entry however it is spelled.
        ("H.example:19000", "10.0.0.1:19000"),
        ("h.example.:19000", "10.0.0.1:19000"),
    ] {
        assert_eq!(world.get(authority).await.unwrap(), [address]);
    }
    assert_eq!((world.cache.hosts().len(), world.script.questions()), (3, 3));
    // Other than Envoy, which dials port 0: refused like the others.
    for authority in ["h.example:0", "h.example:70000", "h.example:abc", "h.example:", "user@h.example:19000", "h:1:1"]
    {
        let refused = world.get(authority).await.unwrap_err();
        assert_eq!(refused, "dns_resolution_failure{misformatted_domain_name}", "{authority}");
    }
    assert_eq!(world.get("").await.unwrap_err(), "empty_host_header");
    assert_eq!(world.script.questions(), 3);
}
