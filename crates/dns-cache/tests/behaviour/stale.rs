//! How long addresses outlive lookups that fail.

use backstay_dns_cache::{HostState, Settings};

use crate::script::{Reply, World, fast, ms, s};

fn state(world: &World) -> HostState {
    world.cache.hosts()[0].state
}

#[tokio::test(start_paused = true)]
async fn they_are_given_up_so_long_after_the_first_lookup_that_brought_none() {
    let world = World::new(Settings { max_stale: Some(s(7)), ..fast() });
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("h.example").await.unwrap();
    world.script.set("h.example", Reply::Failed);
    world.at(s(1)).await;
    assert_eq!(state(&world), HostState::Stale);
    world.at(ms(7_900)).await;
    assert!(world.is_found("h.example").await);
    world.at(s(8)).await;
    assert_eq!(world.get("h.example").await.unwrap_err(), "dns_resolution_failure{servfail}");
    let counts = world.cache.stats().snapshot();
    assert_eq!((state(&world), counts.stale_host_expired, counts.num_negative_hosts), (HostState::Failed, 1, 1));

    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.2"]));
    world.at(s(11)).await;
    assert_eq!(world.get("h.example").await.unwrap(), ["10.0.0.2:80"]);
    assert_eq!((state(&world), world.cache.stats().snapshot().num_negative_hosts), (HostState::Resolved, 0));
}

#[tokio::test(start_paused = true)]
async fn they_are_given_up_while_a_lookup_is_under_way_too() {
    let world = World::new(Settings { max_stale: Some(ms(2_500)), query_timeout: s(0), ..fast() });
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("h.example").await.unwrap();
    world.script.set("h.example", Reply::Empty);
    world.at(s(1)).await;
    world.script.set("h.example", Reply::Mute);
    world.at(s(3)).await;
    assert!(world.is_found("h.example").await);
    world.at(ms(3_500)).await;
    assert_eq!(world.get("h.example").await.unwrap_err(), "dns_resolution_failure{nxdomain}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_between_starts_the_count_anew() {
    let world = World::new(Settings { max_stale: Some(s(5)), ..fast() });
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    for round in 0..5 {
        world.at(s(round * 6)).await;
        assert!(world.is_found("h.example").await, "{round}");
        world.script.set("h.example", Reply::Failed);
        world.at(s(round * 6 + 3)).await;
        world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    }
    assert_eq!(world.cache.stats().snapshot().stale_host_expired, 0);
}

#[tokio::test(start_paused = true)]
async fn zero_keeps_them_not_at_all_and_a_live_change_counts_from_when_they_became_stale() {
    let world = World::new(Settings { max_stale: Some(s(0)), ..fast() });
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("h.example").await.unwrap();
    world.script.set("h.example", Reply::Empty);
    world.at(s(1)).await;
    assert!(!world.is_found("h.example").await);

    let world = World::new(fast());
    world.script.set("h.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("h.example").await.unwrap();
    world.script.set("h.example", Reply::Failed);
    world.at(s(20)).await;
    assert!(world.is_found("h.example").await, "for ever, by default");
    world.cache.configure(Settings { max_stale: Some(s(30)), ..fast() }).unwrap();
    world.at(s(30)).await;
    assert!(world.is_found("h.example").await);
    world.cache.configure(Settings { max_stale: Some(s(10)), ..fast() }).unwrap();
    world.at(s(30)).await;
    tokio::time::sleep(ms(20)).await;
    assert!(!world.is_found("h.example").await, "at once");
}
