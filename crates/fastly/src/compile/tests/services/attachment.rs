//! Which listeners a service attaches to, and that these count it.

use backstay_compiler::Change;
use backstay_resources::core::NAMESPACE;
use backstay_resources::gateway::GATEWAY;
use serde_json::{Value, json};

use super::{World, gateway, numbered, object, service};

/// A Gateway of these listeners, each with its name, hostname and `allowedRoutes`.
fn listeners(listeners: &[(&str, &str, Value)]) -> Change {
    let listener = |(index, (name, hostname, allowed)): (usize, &(&str, &str, Value))| json!({"name": name, "protocol": "HTTP", "port": 8080 + index, "hostname": hostname, "allowedRoutes": allowed});
    let listeners: Vec<_> = listeners.iter().enumerate().map(listener).collect();
    object(&GATEWAY, "infra", "main", json!({"gatewayClassName": "backstay", "listeners": listeners}))
}

impl World {
    /// A service, and a Gateway of these listeners.
    fn of(given: &[(&str, &str, Value)]) -> Self {
        let mut world = Self::new();
        let [class, _] = gateway();
        world.apply([class, listeners(given), numbered(1, "192.0.2.1", json!({})), service(json!(1))]);
        world
    }

    /// How many routes are attached to each listener of the Gateway.
    fn counts(&self) -> Vec<(&str, i32)> {
        let status = self.statuses.iter().find(|(key, _)| key.starts_with("Gateway "));
        let listeners = &status.unwrap().1.report.listeners;
        listeners.iter().map(|listener| (listener.name.as_str(), listener.attached_routes)).collect()
    }

    /// The listeners that the service's route is attached to.
    fn attached(&self) -> Vec<String> {
        if !self.held.contains_key("route/fastly:s") {
            return Vec::new();
        }
        self.route("route/fastly:s").attachments.into_iter().map(|attachment| attachment.listener).collect()
    }
}

#[test]
fn a_service_counts_at_the_listeners_that_serve_its_domains() {
    let given = [("all", "", json!({})), ("wild", "*.example.com", json!({})), ("other", "www.other.com", json!({}))];
    let mut world = World::of(&given);
    assert_eq!(world.counts(), [("all", 1), ("wild", 1), ("other", 0)]);
    assert_eq!(world.attached(), ["listener/infra/main/all", "listener/infra/main/wild"]);
    world.apply([service(Value::Null)]);
    assert_eq!(world.counts(), [("all", 0), ("wild", 0), ("other", 0)]);
    world.apply([service(json!(1))]);
    world.apply([listeners(&given[2..])]);
    assert_eq!(world.counts(), [("other", 0)]);
    let (accepted, message, programs) = world.accepted();
    assert_eq!((accepted.as_str(), programs), ("False NoMatchingListenerHostname", 0), "{message}");
    assert_eq!(world.attached(), [""; 0]);
}

#[test]
fn allowed_routes_say_whether_services_may_attach() {
    let kind = |group: &str, kind: &str| json!({"kinds": [{"group": group, "kind": kind}]});
    let from = |from: &str| json!({"namespaces": {"from": from}});
    let world = World::of(&[
        ("same", "", from("Same")),
        ("every", "", from("All")),
        ("none", "", from("None")),
        ("routes", "", kind("gateway.networking.k8s.io", "HTTPRoute")),
        ("services", "", kind("backstay.dev", "FastlyService")),
    ]);
    assert_eq!(world.counts(), [("same", 1), ("every", 1), ("none", 0), ("routes", 0), ("services", 1)]);
    let attached = ["same", "every", "services"].map(|name| format!("listener/infra/main/{name}"));
    assert_eq!(world.attached(), attached);
    let refused = World::of(&[("none", "", from("None"))]);
    let (accepted, message, _) = refused.accepted();
    assert_eq!(accepted, "False NotAllowedByListeners", "{message}");
    assert!(!refused.held.contains_key("route/infra/fastly:main"), "nothing else is answered there either");
}

#[test]
fn a_selector_is_held_to_the_namespace_of_the_gateway() {
    let selector = json!({"namespaces": {"from": "Selector", "selector": {"matchLabels": {"edge": "yes"}}}});
    let mut world = World::of(&[("http", "", selector)]);
    assert_eq!(world.counts(), [("http", 0)]);
    let namespace = |labels: Value| {
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "infra", "uid": "n", "labels": labels},
        });
        Change::set(&NAMESPACE, std::sync::Arc::new(serde_json::from_value(object).unwrap()))
    };
    world.apply([namespace(json!({"edge": "yes"}))]);
    assert_eq!((world.counts(), world.attached()), (vec![("http", 1)], vec!["listener/infra/main/http".to_owned()]));
    world.apply([namespace(json!({"edge": "no"}))]);
    assert_eq!((world.counts(), world.attached()), (vec![("http", 0)], Vec::new()));
}
