use std::sync::Arc;

use serde_json::{Value, json};

use super::{World, backend, class, object, plain_gateway, simple_route, with};
use crate::{Change, ObjectKey};

const MANY: usize = 10_000;

/// As many Backends, each with a route of its own.
fn many() -> World {
    let pairs = (0..MANY).flat_map(|it| {
        let name = format!("b{it}");
        [backend(&name, "192.0.2.1"), simple_route(&format!("r{it}"), "gw", &name)]
    });
    World::new([class(), plain_gateway("gw")].into_iter().chain(pairs))
}

fn changed(output: &crate::Output) -> Vec<&str> {
    output.fleets.values().flat_map(|it| it.keys()).map(|name| &**name).collect()
}

fn said(output: &crate::Output) -> Vec<String> {
    output.statuses.iter().map(|status| status.key.to_string()).collect()
}

fn generation(value: Value, generation: i64) -> Value {
    with(value, "/metadata/generation", json!(generation))
}

#[test]
fn a_change_touches_what_depends_on_it_and_nothing_else() {
    let mut world = many();

    let output = world.set(generation(backend("b77", "192.0.2.2"), 2));
    assert_eq!((output.compiled, changed(&output)), (1, vec!["backend/b77"]));
    assert_eq!(said(&output), ["Backend b77"]);

    let output = world.set(generation(simple_route("r77", "gw", "b78"), 2));
    assert_eq!((output.compiled, changed(&output)), (1, vec!["backend/b77", "route/infra/r77"]));
    assert_eq!(said(&output), ["Backend b77", "HTTPRoute infra/r77"]);

    let output = world.set(simple_route("new", "gw", "b5"));
    assert_eq!((output.compiled, changed(&output)), (1, vec!["route/infra/new"]));
    assert_eq!(said(&output), ["Gateway infra/gw", "HTTPRoute infra/new"]);

    // Two routes refer to it: both lose their only Backend.
    let output = world.remove(backend("b5", "192.0.2.1"));
    assert_eq!((output.compiled, changed(&output)), (2, vec!["backend/b5", "route/infra/new", "route/infra/r5"]));

    let output = world.remove(simple_route("new", "gw", "b5"));
    assert_eq!((output.compiled, changed(&output)), (0, vec!["route/infra/new"]));

    let output = world.set(backend("unused", "192.0.2.1"));
    assert_eq!((output.compiled, changed(&output)), (1, vec![]));
}

#[test]
fn what_changes_nothing_compiles_nothing() {
    let objects = [
        class(),
        plain_gateway("gw"),
        simple_route("r", "gw", "api"),
        backend("api", "192.0.2.1"),
        super::certificate("one"),
        super::policy("p", "2024-05-01T10:00:00Z", json!({"targetRefs": [{"name": "api"}]})),
        super::namespace("infra", json!({"a": "b"})),
        super::proxy("edge"),
    ];
    let mut world = World::new(objects.clone());
    // Statuses that are written come back as changes, as do labels that nobody selects.
    let touched = |value: Value| {
        let value = with(value, "/metadata/annotations", json!({"seen": "yes"}));
        with(value, "/status", json!({"conditions": []}))
    };
    let output = world.apply(objects.into_iter().map(touched).map(super::set));
    assert_eq!(output, crate::Output::default());
}

#[test]
fn a_deletion_of_what_is_not_there_is_nothing() {
    let mut world = World::new([class()]);
    let kinds = backstay_resources::Registry::built_in();
    let output = world.apply(kinds.iter().map(|kind| Change::gone(ObjectKey::new(kind, "infra", "lost"))));
    assert_eq!(output, crate::Output::default());
}

#[test]
fn the_last_change_of_a_batch_counts() {
    let mut world = World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api")]);
    let one = backend("api", "192.0.2.1");
    let two = backend("api", "192.0.2.2");
    world.apply([super::set(one.clone()), super::gone(one.clone()), super::set(two.clone())]);
    assert_eq!(
        world.backend("api"),
        World::new([class(), plain_gateway("gw"), simple_route("r", "gw", "api"), two.clone(),]).backend("api")
    );
    let output = world.apply([super::gone(two.clone()), super::set(two)]);
    assert!(output.fleets.is_empty());
    let output = world.apply([super::set(one.clone()), super::gone(one)]);
    assert_eq!(changed(&output), ["backend/api", "route/infra/r"]);
}

#[test]
fn one_object_can_be_shared_with_its_owner() {
    let shared = object(backend("api", "192.0.2.1"));
    let mut world = World::new([]);
    world.apply([Change::set(&backstay_resources::apoxy::BACKEND, Arc::clone(&shared))]);
    assert_eq!(Arc::strong_count(&shared), 1, "the compiler keeps what it read, not the object");
}
