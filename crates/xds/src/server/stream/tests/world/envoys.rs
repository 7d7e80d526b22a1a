//! Which types of Envoy's hold everything in each response, and what that means.

use super::{AB, World, put, responses};
use crate::server::{Event, envoy};

/// The names told to be refused.
fn refused(world: &World) -> Vec<String> {
    let told = world.events.iter().filter_map(|event| match event {
        Event::Rejected { rejected, .. } => Some(rejected.iter().map(|one| one.name.to_string())),
        _ => None,
    });
    told.flatten().collect()
}

#[test]
fn w8_of_endpoints_and_routes_of_envoy_responses_hold_what_changed() {
    for type_url in [envoy::ENDPOINTS, envoy::ROUTES] {
        let mut world = World::with(envoy::types(), type_url, AB);
        world.ask(type_url, "", &["a", "b"]);
        world.ack(type_url, &["a", "b"]);
        world.set(type_url, [put("b", "b2")]);
        assert_eq!(world.got(), responses(&[&["a1", "b1"], &["b2"]]), "{type_url}");
    }
    for type_url in [envoy::CLUSTER, envoy::LISTENER] {
        let mut world = World::with(envoy::types(), type_url, AB);
        world.ask(type_url, "", &[]);
        world.ack(type_url, &[]);
        world.set(type_url, [put("b", "b2")]);
        assert_eq!(world.got(), responses(&[&["a1", "b1"], &["a1", "b2"]]), "{type_url}");
    }
}

#[test]
fn d15_what_is_at_fault_is_found_where_responses_hold_what_changed() {
    let all = [("a", "a1"), ("b", "b1"), ("c", "c1"), ("d", "d1")];
    let names = ["a", "b", "c", "d"];
    let mut world = World::with(envoy::types(), envoy::ROUTES, &all);
    world.ask(envoy::ROUTES, "", &names);
    for bad in [true, false, true, false, true] {
        if bad { world.nack(envoy::ROUTES, &names) } else { world.ack(envoy::ROUTES, &names) }
    }
    let searched: &[&[&str]] = &[&["a1", "b1", "c1", "d1"], &["a1", "b1"], &["c1", "d1"], &["c1"], &["d1"]];
    assert_eq!(world.got(), responses(searched));
    assert_eq!(refused(&world), ["d"]);
    world.set(envoy::ROUTES, [put("a", "a2")]);
    assert_eq!(world.got(), responses(&[&["a2"]]), "what is refused is not sent again");

    // Half of what holds everything would take the other half away.
    let mut world = World::with(envoy::types(), envoy::CLUSTER, &all);
    world.ask(envoy::CLUSTER, "", &[]);
    world.nack(envoy::CLUSTER, &[]);
    assert_eq!(world.responses.len(), 1);
    assert_eq!(refused(&world), names);
}
