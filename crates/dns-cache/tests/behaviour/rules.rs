//! What the address rules let out of the cache.

use std::sync::Arc;

use backstay_dns_cache::{AddressRules, Settings};

use crate::script::{Reply, World, fast, s, v4};

const DENIED: &str = "dns_resolution_failure{address_denied}";

fn with(rules: AddressRules) -> Settings {
    Settings { rules: Arc::new(rules), ..fast() }
}

fn allow(network: &str) -> AddressRules {
    AddressRules { allow: vec![network.parse().unwrap()], ..AddressRules::default() }
}

#[tokio::test(start_paused = true)]
async fn names_and_literals_that_lead_inside_are_refused_as_envoys_filter_does() {
    let world = World::new(v4());
    world.script.set("inside.example", Reply::Found(60, vec!["127.0.0.1", "169.254.169.254"]));
    world.script.set("mixed.example", Reply::Found(60, vec!["127.0.0.1", "10.0.0.1", "0.0.0.0"]));
    let refused = world.cache.lookup("inside.example", 80).await.unwrap_err();
    assert_eq!(
        (refused.status(), refused.body(), &*refused.details(), refused.flag()),
        (503, "DNS resolution failure", DENIED, Some("DF"))
    );
    assert_eq!(world.get("mixed.example").await.unwrap(), ["10.0.0.1:80"], "what is allowed stays");
    for literal in ["127.0.0.1", "[::1]", "[::ffff:169.254.169.254]:80", "0.0.0.0", "[64:ff9b::7f00:1]"] {
        assert_eq!(world.get(literal).await.unwrap_err(), DENIED, "{literal}");
    }
    let counts = world.cache.stats().snapshot();
    assert_eq!((counts.dns_address_filter_out, counts.dns_query_success, counts.num_negative_hosts), (9, 2, 1));
    world.at(s(59)).await;
    assert_eq!(world.script.times("inside.example"), [0], "asked again as a name without an address is");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_bound_anew_to_an_inner_address_keeps_its_good_one() {
    let world = World::new(fast());
    world.script.set("rebind.example", Reply::Found(1, vec!["10.0.0.1"]));
    world.get("rebind.example").await.unwrap();
    world.script.set("rebind.example", Reply::Found(1, vec!["127.0.0.1"]));
    world.at(s(5)).await;
    assert_eq!(world.get("rebind.example").await.unwrap(), ["10.0.0.1:80"]);
    assert_eq!(world.cache.hosts()[0].last_error.as_deref(), Some("address_denied"));
}

#[tokio::test(start_paused = true)]
async fn ports_are_judged_before_anything_is_asked() {
    let world = World::new(with(AddressRules { ports: vec![443..=443], ..AddressRules::default() }));
    world.script.set("h.example", Reply::Found(60, vec!["10.0.0.1"]));
    for authority in ["h.example", "h.example:22", "10.0.0.1:22"] {
        assert_eq!(world.get(authority).await.unwrap_err(), DENIED);
    }
    assert_eq!((world.script.questions(), world.cache.hosts().len()), (0, 0));
    assert!(world.is_found("h.example:443").await && world.is_found("10.0.0.1:443").await);
}

#[tokio::test(start_paused = true)]
async fn rules_change_for_what_is_known_at_once() {
    let world = World::new(with(allow("127.0.0.0/8")));
    world.script.set("h.example", Reply::Found(600, vec!["127.0.0.1"]));
    world.script.set("mixed.example", Reply::Found(600, vec!["127.0.0.1", "10.0.0.1"]));
    assert!(world.is_found("h.example").await && world.is_found("127.0.0.1").await);
    assert_eq!(world.get("mixed.example").await.unwrap().len(), 2);
    world.cache.configure(with(AddressRules::default())).unwrap();
    assert_eq!(world.get("h.example").await.unwrap_err(), DENIED);
    assert_eq!(world.get("127.0.0.1").await.unwrap_err(), DENIED);
    assert_eq!(world.get("mixed.example").await.unwrap(), ["10.0.0.1:80"]);
    world.cache.configure(with(allow("127.0.0.0/8"))).unwrap();
    world.at(s(1)).await;
    assert!(world.is_found("h.example").await, "asked for again at once");
    assert_eq!(world.get("mixed.example").await.unwrap().len(), 2);
}
