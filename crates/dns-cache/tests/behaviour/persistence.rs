//! What one run leaves to the next.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backstay_dns_cache::{AddressRules, HostState, Remembered, RememberedError, Settings};

use crate::script::{Reply, World, fast, s, v4};

fn host(name: &str, address: &str, expires: SystemTime) -> Remembered {
    Remembered { host: name.into(), addresses: vec![address.parse().unwrap()], ttl: s(60), expires }
}

#[tokio::test(start_paused = true)]
async fn a_run_begins_with_the_hosts_of_the_one_before() {
    let before = World::new(v4());
    before.script.set("a.example", Reply::Found(60, vec!["10.0.0.1", "10.0.0.2"]));
    before.script.set("b.example", Reply::Found(60, vec!["10.0.0.3"]));
    assert!(before.is_found("a.example").await && before.is_found("b.example:443").await);
    before.get("nx.example").await.unwrap_err();
    let lines: Vec<String> = before.cache.remember().iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 2, "only what resolved: {lines:?}");
    drop(before);

    let after = World::new(v4());
    after.script.set("a.example", Reply::Failed);
    after.script.set("b.example", Reply::Found(60, vec!["10.0.0.4"]));
    let hosts: Vec<Remembered> = lines.iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!((after.cache.recall(hosts.clone()), after.cache.recall(hosts)), (2, 0), "none twice");
    assert_eq!(after.get("a.example").await.unwrap(), ["10.0.0.1:80", "10.0.0.2:80"]);
    assert_eq!(after.get("b.example:443").await.unwrap(), ["10.0.0.3:443"]);
    assert_eq!(after.script.questions(), 0, "nothing was waited for");
    after.at(s(5)).await;
    assert_eq!(after.script.questions(), 2, "asked for within the least refresh rate");
    assert_eq!(after.get("a.example").await.unwrap(), ["10.0.0.1:80", "10.0.0.2:80"], "DNS is away");
    assert_eq!(after.get("b.example:443").await.unwrap(), ["10.0.0.4:443"]);
    let counts = after.cache.stats().snapshot();
    assert_eq!((counts.cache_load, counts.host_added, counts.num_hosts), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn many_hosts_are_not_asked_for_in_one_moment() {
    let world = World::new(v4());
    let hosts = (0..100).map(|n| host(&format!("h{n}.example:80"), "10.0.0.1", SystemTime::now()));
    assert_eq!(world.cache.recall(hosts), 100);
    let mut busiest = 0;
    let mut before = 0;
    for tenth in 1..=50_u32 {
        world.at(s(5) * tenth / 50).await;
        busiest = busiest.max(world.script.questions() - before);
        before = world.script.questions();
    }
    assert!(before == 100 && busiest < 20, "{before} {busiest}");
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_may_have_been_set_meanwhile() {
    let now = SystemTime::now();
    let year = Duration::from_secs(365 * 24 * 3600);
    for (expires, left) in [(now + year, s(60)), (now - year, s(0)), (UNIX_EPOCH, s(0))] {
        let world = World::new(v4());
        assert_eq!(world.cache.recall([host("h.example:80", "10.0.0.1", expires)]), 1);
        assert_eq!(world.cache.hosts()[0].ttl_left, Some(left), "none of it, or all of it");
        assert!(world.is_found("h.example").await);
        world.at(s(5)).await;
        assert_eq!(world.script.questions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_too_many_or_denied_is_left_out() {
    let now = SystemTime::now();
    let settings = Settings { max_stale: Some(s(100)), max_hosts: 2, ..fast() };
    let world = World::new(settings.clone());
    let hosts = [
        host("old.example:80", "10.0.0.1", now - s(101)),
        host("inside.example:80", "127.0.0.1", now + s(60)),
        host("stale.example:80", "10.0.0.1", now - s(90)),
        host("fresh.example:80", "10.0.0.1", now + s(60)),
        host("third.example:80", "10.0.0.1", now + s(60)),
    ];
    assert_eq!(world.cache.recall(hosts), 2);
    let states: Vec<_> = world.cache.hosts().into_iter().map(|host| (host.host.to_string(), host.state)).collect();
    assert_eq!(
        states,
        [("fresh.example:80".to_owned(), HostState::Resolved), ("stale.example:80".to_owned(), HostState::Stale)]
    );
    for name in ["stale.example", "fresh.example"] {
        world.script.set(name, Reply::Failed);
    }
    world.at(s(20)).await;
    assert!(!world.is_found("stale.example").await, "its time as stale goes on");
    assert!(world.is_found("fresh.example").await);

    let ports = AddressRules { ports: vec![443..=443], ..AddressRules::default() };
    let world = World::new(Settings { rules: ports.into(), ..settings });
    assert_eq!(world.cache.recall([host("h.example:80", "10.0.0.1", now)]), 0);
}

#[test]
fn lines_that_are_damaged_say_how() {
    let line = "h.example:80|1800000000|60|10.0.0.1,2001:db8::1";
    assert_eq!(line.parse::<Remembered>().unwrap().to_string(), line);
    let many = format!("h.example:80|1|60|{}", vec!["10.0.0.1"; 1025].join(","));
    for (line, error) in [
        ("", RememberedError::Form),
        ("h.example:80|1|60", RememberedError::Form),
        ("h.example:80|1|60|10.0.0.1|more", RememberedError::Form),
        ("h.example|1|60|10.0.0.1", RememberedError::Host),
        ("H.example:80|1|60|10.0.0.1", RememberedError::Host),
        ("10.0.0.1:80|1|60|10.0.0.1", RememberedError::Host),
        ("h.example:80|x|60|10.0.0.1", RememberedError::Time),
        ("h.example:80|1|-1|10.0.0.1", RememberedError::Time),
        ("h.example:80|99999999999999999999999|60|10.0.0.1", RememberedError::Time),
        ("h.example:80|18446744073709551615|60|10.0.0.1", RememberedError::Time),
        ("h.example:80|1|60|", RememberedError::Addresses),
        ("h.example:80|1|60|10.0.0.1,", RememberedError::Addresses),
        (&many, RememberedError::Addresses),
    ] {
        assert_eq!(line.parse::<Remembered>().unwrap_err(), error, "{line}");
    }
    let week = "h.example:80|1|99999999999|10.0.0.1".parse::<Remembered>().unwrap();
    assert_eq!(week.ttl, s(7 * 24 * 3600));
}
