//! Services as they change: what proxies hold, and what is said.

mod attachment;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_compiler::{Change, Compiler, FrontEnd, GatewayApi, ObjectStatus, Output};
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::gateway::{GATEWAY, GATEWAY_CLASS};
use backstay_resources::{ConditionStatus, Kind};
use bytes::Bytes;
use prost::Message as _;
use serde_json::{Value, json};

use super::{backend, condition, steps, version, with};
use crate::compile::{FastlyFrontEnd, Options};
use crate::condition::tests::shown;
use crate::object::{FASTLY_ACL, FASTLY_DICTIONARY, FASTLY_SERVICE, FASTLY_VERSION};

/// A compiler, and everything it has said so far put together.
struct World {
    compiler: Compiler,
    held: BTreeMap<String, Bytes>,
    statuses: BTreeMap<String, ObjectStatus>,
}

impl World {
    fn new() -> Self {
        let options = Options { default_gateway: Some("infra/main".to_owned()), ..Options::default() };
        let front_ends: [Box<dyn FrontEnd>; 2] = [
            Box::new(GatewayApi::new(backstay_compiler::Options {
                guests: vec![&FASTLY_SERVICE],
                ..Default::default()
            })),
            Box::new(FastlyFrontEnd::new(options)),
        ];
        let compiler = Compiler::new(front_ends).unwrap();
        Self { compiler, held: BTreeMap::new(), statuses: BTreeMap::new() }
    }

    /// With a Gateway of one listener.
    fn with_gateway() -> Self {
        let mut world = Self::new();
        world.apply(gateway());
        world
    }

    /// Applies changes, and returns the names of what changed for proxies, with `-` before those that are gone.
    fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Vec<String> {
        let Output { fleets, statuses, .. } = self.compiler.apply(changes);
        let mut changed = Vec::new();
        for (name, body) in fleets.into_values().flatten() {
            match body {
                Some(body) => {
                    if let Err(faults) = backstay_model::Resource::decode(&name, body.clone()) {
                        panic!("a proxy would refuse {name}: {faults}");
                    }
                    changed.push(name.to_string());
                    self.held.insert(name.to_string(), body);
                }
                None => {
                    changed.push(format!("-{name}"));
                    self.held.remove(&*name);
                }
            }
        }
        self.statuses.extend(statuses.into_iter().map(|status| (status.key.to_string(), (*status).clone())));
        changed
    }

    fn resource(&self, name: &str) -> Resource {
        config::Resource::decode(self.held[name].clone()).unwrap().kind.unwrap()
    }

    fn route(&self, name: &str) -> config::Route {
        match self.resource(name) {
            Resource::Route(route) => route,
            other => panic!("{other:?}"),
        }
    }

    /// The sequence of the one rule of a route.
    fn sequence(&self, route: &str) -> config::Sequence {
        match self.route(route).rules.remove(0).action {
            Some(config::rule::Action::Sequence(sequence)) => sequence,
            other => panic!("{other:?}"),
        }
    }

    /// The condition `Accepted` of the service, its message, and how many resources proxies must acknowledge.
    fn accepted(&self) -> (String, String, usize) {
        let status = &self.statuses["FastlyService s"];
        let condition = &status.report.conditions[0];
        assert_eq!(condition.kind, "Accepted");
        let holds = if condition.status == ConditionStatus::True { "True" } else { "False" };
        (format!("{holds} {}", condition.reason), condition.message.clone(), status.programs.len())
    }
}

fn object(kind: &'static Kind, namespace: &str, name: &str, spec: Value) -> Change {
    let object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "spec": spec,
        "metadata": {"name": name, "namespace": namespace, "uid": name, "generation": 1},
    });
    Change::set(kind, Arc::new(serde_json::from_value(object).unwrap()))
}

fn gateway() -> [Change; 2] {
    let listeners = json!([{"name": "http", "protocol": "HTTP", "port": 8080}]);
    [
        object(&GATEWAY_CLASS, "", "backstay", json!({"controllerName": "backstay.dev/gateway-controller"})),
        object(&GATEWAY, "infra", "main", json!({"gatewayClassName": "backstay", "listeners": listeners})),
    ]
}

fn service(active: Value) -> Change {
    object(&FASTLY_SERVICE, "", "s", json!({"name": "shop", "active": active, "last_version": 2}))
}

/// A version with one backend at `address`, and more.
fn numbered(number: u32, address: &str, parts: Value) -> Change {
    let least = json!({
        "domains": [{"name": "www.example.com"}], "backends": [with(backend("o"), json!({"address": address}))],
    });
    let spec = serde_json::to_value(version(with(least, parts))).unwrap();
    object(&FASTLY_VERSION, "", &format!("s.{number}"), with(spec, json!({"number": number})))
}

#[test]
fn a_version_is_served_while_it_is_active() {
    let mut world = World::with_gateway();
    assert_eq!(world.apply([service(Value::Null), numbered(1, "192.0.2.1", json!({}))]), [""; 0], "a draft");
    assert_eq!(world.accepted(), ("False Inactive".to_owned(), "no version is active".to_owned(), 0));

    let all = ["backend/fastly:s:o", "route/fastly:s", "route/infra/fastly:main"];
    assert_eq!(world.apply([service(json!(1))]), all);
    assert_eq!(world.accepted(), ("True Accepted".to_owned(), String::new(), 2));
    let attachments = world.route("route/fastly:s").attachments;
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0].listener, "listener/infra/main/http");
    assert_eq!(attachments[0].hostnames, ["www.example.com"]);

    let second = json!({"backends": [backend("o"), backend("p")]});
    assert_eq!(world.apply([numbered(2, "192.0.2.2", second)]), [""; 0], "another draft");
    assert_eq!(world.apply([service(json!(2))]), ["backend/fastly:s:p", "route/fastly:s"]);
    assert_eq!(world.apply([service(json!(1))]), ["-backend/fastly:s:p", "route/fastly:s"], "a rollback");
    assert_eq!(world.apply([service(Value::Null)]), all.map(|name| format!("-{name}")));
    assert_eq!(world.accepted().0, "False Inactive");
}

#[test]
fn a_service_that_is_gone_leaves_nothing() {
    let mut world = World::with_gateway();
    let before = world.held.len();
    let service = service(json!(1));
    world.apply([service.clone(), numbered(1, "192.0.2.1", json!({}))]);
    assert_eq!(world.apply([Change::gone(service.key)]).len(), 3);
    assert_eq!(world.held.len(), before);
}

#[test]
fn objects_may_come_in_any_order() {
    let mut world = World::new();
    world.apply([service(json!(1))]);
    assert_eq!(world.accepted().0, "False VersionNotFound");
    world.apply([numbered(1, "192.0.2.1", json!({}))]);
    let (accepted, message, programs) = world.accepted();
    assert_eq!((accepted.as_str(), programs), ("False NoGateway", 0));
    assert_eq!(message, "Gateway infra/main is not there, or none of its listeners is served");
    world.apply(gateway());
    assert_eq!((world.accepted().0.as_str(), world.accepted().2), ("True Accepted", 2));
    assert_eq!(steps(&world.sequence("route/fastly:s")), ["select F_o"]);
    let [_, gateway] = gateway();
    let gone = world.apply([Change::gone(gateway.key)]);
    assert!(gone.contains(&"-route/fastly:s".to_owned()), "{gone:?}");
    assert_eq!(world.accepted().0, "False NoGateway");
}

#[test]
fn a_mistake_keeps_the_last_good_version_and_says_why() {
    let mut world = World::with_gateway();
    world.apply([service(json!(1)), numbered(1, "192.0.2.1", json!({}))]);
    let bad = json!({"conditions": [condition("bad", 1, "client.geo.city == \"x\"")]});
    assert_eq!(world.apply([service(json!(2)), numbered(2, "192.0.2.2", bad)]), [""; 0]);
    let (accepted, message, programs) = world.accepted();
    assert_eq!((accepted.as_str(), programs), ("False Invalid", 0));
    assert!(message.starts_with("version 2: Condition 'bad': client.geo.city is not supported"), "{message}");
    assert!(message.ends_with("the last good one stays in use"), "{message}");
}

#[test]
fn hosts_that_no_service_has_are_answered_after_all_other_routes() {
    let mut world = World::with_gateway();
    world.apply([service(json!(1)), numbered(1, "192.0.2.1", json!({}))]);
    let unknown = world.route("route/infra/fastly:main");
    assert_eq!(unknown.attachments[0].hostnames, [""; 0], "every host");
    assert_eq!(unknown.rules[0].matches[0].precedence, 0);
    assert!(unknown.order_key > world.route("route/fastly:s").order_key);
    let mut operations = world.sequence("route/infra/fastly:main").steps.remove(0).operations;
    let Some(config::operation::Kind::Respond(respond)) = operations.remove(0).kind else { panic!("an answer") };
    assert_eq!(respond.status, 500);
    let rest = "Please check that this domain has been added to a service.";
    let expected = format!("join(\"Fastly error: unknown domain: \", host, \". {rest}\")");
    assert_eq!(shown(&respond.computed_body.unwrap()), expected);
}

#[test]
fn an_item_is_one_small_change() {
    let mut world = World::with_gateway();
    let parts = json!({
        "acls": [{"name": "blocked", "id": "aid"}], "dictionaries": [{"name": "hosts", "id": "did"}],
        "conditions": [condition("c", 1, "client.ip ~ blocked && table.contains(hosts, req.http.X)")],
        "response_objects": [{"name": "no", "status": 403, "request_condition": "c"}],
    });
    let changed = world.apply([service(json!(1)), numbered(1, "192.0.2.1", parts)]);
    assert!(changed.contains(&"table/fastly:did".to_owned()), "empty, and there: {changed:?}");
    let dictionary = |items: Value| object(&FASTLY_DICTIONARY, "", "did", json!({"service": "s", "items": items}));
    assert_eq!(world.apply([dictionary(json!({"a": {"value": "1"}}))]), ["table/fastly:did"]);
    assert_eq!(world.apply([dictionary(json!({"a": {"value": "2"}}))]), ["table/fastly:did"]);
    let entries = json!([
        {"ip": "10.0.0.0", "subnet": 8}, {"ip": "10.1.2.3", "subnet": 16, "negated": true}, {"ip": "2001:db8::1"},
        {"ip": "10.9.9.9", "subnet": 8},
    ]);
    let list = object(&FASTLY_ACL, "", "aid", json!({"service": "s", "entries": entries}));
    assert_eq!(world.apply([list.clone()]), ["address-set/fastly:aid"]);
    let Resource::AddressSet(set) = world.resource("address-set/fastly:aid") else { panic!("a set") };
    let entries: Vec<_> = set.entries.iter().map(|it| (it.network.as_str(), it.excluded)).collect();
    assert_eq!(entries, [("10.0.0.0/8", false), ("10.1.0.0/16", true), ("2001:db8::1/128", false)]);
    assert_eq!(world.apply([Change::gone(list.key)]), ["address-set/fastly:aid"], "empty: it is still asked");
}

#[test]
fn nothing_of_a_key_is_in_debug_output() {
    let mut world = World::with_gateway();
    let parts = json!({"backends": [with(backend("o"), json!({"ssl_client_key": "hunter2", "comment": "hunter3"}))]});
    world.apply([service(json!(1)), numbered(1, "192.0.2.1", parts)]);
    let shown = format!("{:?}", world.compiler);
    assert!(!shown.contains("hunter") && shown.contains("FastlyFrontEnd"), "{shown}");
}
