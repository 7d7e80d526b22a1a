//! Configurations beside Gateways, policies and Secrets, as they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_compiler::{Change, Compiler, FrontEnd, GatewayApi, ObjectKey, ObjectStatus, Options};
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::{ConditionStatus, Object, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Value, json};

use super::KrakendFrontEnd;

/// A compiler, and what it has said so far.
struct World {
    compiler: Compiler,
    held: BTreeMap<(String, String), Resource>,
    statuses: BTreeMap<ObjectKey, ObjectStatus>,
}

fn set(value: Value) -> Change {
    let object: Arc<Object> = Arc::new(serde_json::from_value(value).unwrap());
    let kinds = Registry::new(Registry::built_in().iter().chain(crate::kind::KINDS)).unwrap();
    Change::set(kinds.by_kind(&object.api_version, &object.kind).unwrap(), object)
}

impl World {
    fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let front_ends: [Box<dyn FrontEnd>; 2] =
            [Box::new(GatewayApi::new(Options::default())), Box::new(KrakendFrontEnd::new())];
        let mut world =
            Self { compiler: Compiler::new(front_ends).unwrap(), held: BTreeMap::new(), statuses: BTreeMap::new() };
        world.apply(objects.into_iter().map(set));
        world
    }

    fn apply(&mut self, changes: impl IntoIterator<Item = Change>) {
        let output = self.compiler.apply(changes);
        for (fleet, resources) in output.fleets {
            for (name, encoded) in resources {
                let key = (fleet.to_string(), name.to_string());
                match encoded {
                    Some(encoded) => self.held.insert(key, config::Resource::decode(encoded).unwrap().kind.unwrap()),
                    None => self.held.remove(&key),
                };
            }
        }
        self.statuses.extend(output.statuses.into_iter().map(|status| (status.key.clone(), (*status).clone())));
    }

    fn set(&mut self, value: Value) {
        self.apply([set(value)]);
    }

    fn remove(&mut self, value: Value) {
        let key = set(value).key;
        self.apply([Change::gone(key)]);
    }

    /// Names of what a fleet holds.
    fn names(&self, fleet: &str) -> Vec<&str> {
        self.held.keys().filter(|(of, _)| of == fleet).map(|(_, name)| name.as_str()).collect()
    }

    fn resource(&self, name: &str) -> &Resource {
        self.held.get(&("default".to_owned(), name.to_owned())).unwrap_or_else(|| panic!("{:?}", self.names("default")))
    }

    fn route(&self, name: &str) -> &config::Route {
        let Resource::Route(route) = self.resource(&format!("route/krakend:default:{name}")) else { panic!("a route") };
        route
    }

    fn backend(&self, part: &str) -> &config::Backend {
        let name = format!("backend/krakend:default:{part}");
        let Resource::Backend(backend) = self.resource(&name) else { panic!("a backend") };
        backend
    }

    /// The condition `Accepted` of an object: whether it holds and why; and what proxies must have for it.
    fn accepted(&self, value: &Value) -> (String, String, usize) {
        let status = &self.statuses[&set(value.clone()).key];
        let condition = status.report.all_conditions().find(|condition| condition.kind == "Accepted").unwrap();
        let holds = if condition.status == ConditionStatus::True { "True" } else { "False" };
        (format!("{holds} {}", condition.reason), condition.message.clone(), status.programs.len())
    }
}

/// A configuration with one endpoint `/a`, of the second `age` of the day.
fn krakend(name: &str, age: u32, spec: Value) -> Value {
    let mut whole =
        json!({"config": {"version": 3, "endpoints": [{"endpoint": "/a", "backend": [{"host": ["http://h:81"]}]}]}});
    for (field, value) in spec.as_object().unwrap() {
        whole[field] = value.clone();
    }
    json!({
        "apiVersion": "backstay.dev/v1alpha1", "kind": "KrakendConfig", "spec": whole,
        "metadata": {"name": name, "namespace": "default", "uid": name, "generation": 1,
            "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z")},
    })
}

fn on_port(name: &str, age: u32, port: u16) -> Value {
    let mut config = krakend(name, age, json!({}));
    config["spec"]["config"]["port"] = port.into();
    config
}

fn gateway(name: &str, age: u32, listeners: Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": name, "namespace": "default", "generation": 1, "uid": name,
            "creationTimestamp": format!("2026-01-01T00:00:{age:02}Z")},
        "spec": {"gatewayClassName": "backstay", "listeners": listeners},
    })
}

fn class() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "backstay"},
        "spec": {"controllerName": "backstay.dev/gateway-controller"},
    })
}

fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: BTreeMap<_, _> = data.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}, "type": "Opaque", "data": data})
}

#[test]
fn a_configuration_is_a_route_on_a_listener_of_its_own() {
    let shop = on_port("shop", 1, 9000);
    let mut world = World::new([shop.clone()]);
    let names =
        ["backend/krakend:default:shop:http:h", "listener/default/krakend:shop/own", "route/krakend:default:shop"];
    assert_eq!(world.names("default"), names);
    assert_eq!(world.accepted(&shop), ("True Accepted".to_owned(), String::new(), 3));
    let Resource::Listener(listener) = world.resource(names[1]) else { panic!("a listener") };
    assert_eq!((listener.port, listener.address.as_str()), (9000, ""));
    let route = world.route("shop");
    assert_eq!(route.attachments[0].listener, names[1]);
    assert!(route.attachments[0].hostnames.is_empty());
    world.remove(shop);
    assert_eq!(world.names("default"), [""; 0]);
}

#[test]
fn a_fleet_of_its_own_has_the_listener() {
    let world = World::new([krakend("shop", 1, json!({"fleet": "edge", "hostnames": ["Shop.example"]}))]);
    assert_eq!(world.names("edge").len(), 3);
    assert_eq!(world.names("default"), [""; 0]);
}

#[test]
fn a_mistake_keeps_the_last_good_version_and_says_where_it_is() {
    let mut shop = on_port("shop", 1, 9000);
    let mut world = World::new([shop.clone()]);
    let before = world.held.clone();
    shop["spec"]["config"]["endpoints"][0]["backend"][0]["url_pattern"] = "/{x}".into();
    shop["spec"]["config"]["port"] = 9001.into();
    shop["metadata"]["generation"] = 2.into();
    world.set(shop.clone());
    assert_eq!(world.held, before);
    let (accepted, message, programs) = world.accepted(&shop);
    assert_eq!((accepted.as_str(), programs), ("False Invalid", 0));
    assert!(message.starts_with("endpoints[0].backend[0].url_pattern: undefined output param 'x'!"), "{message}");
    assert!(message.ends_with("the last good version stays in use"), "{message}");

    shop["spec"]["config"]["endpoints"][0]["backend"][0]["url_pattern"] = "/x".into();
    shop["metadata"]["generation"] = 3.into();
    world.set(shop.clone());
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    assert_ne!(world.held, before);
}

#[test]
fn a_text_tells_its_problems_by_line_and_column() {
    let text = "version: 3\nlog_level: DEBUG\nendpoints:\n- endpoint: /a\n  backend:\n  - host: http://h\n";
    let mut shop = krakend("shop", 1, json!({"text": text, "format": "YAML"}));
    shop["spec"].as_object_mut().unwrap().remove("config");
    let world = World::new([shop.clone()]);
    let (accepted, message, _) = world.accepted(&shop);
    assert_eq!(accepted, "True Accepted");
    assert!(message.starts_with("2:1: log_level: KrakenD ignores a key"), "{message}");
}

#[test]
fn the_older_one_has_a_port() {
    let (shop, tax) = (on_port("shop", 1, 9000), on_port("tax", 2, 9000));
    let mut world = World::new([tax.clone(), shop.clone()]);
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    let (accepted, message, _) = world.accepted(&tax);
    assert_eq!(accepted, "False PortUnavailable");
    assert!(message.contains("KrakendConfig default/shop, which is older"), "{message}");
    assert!(!world.names("default").contains(&"route/krakend:default:tax"));
    world.remove(shop);
    assert_eq!(world.accepted(&tax).0, "True Accepted");
    assert!(world.names("default").contains(&"route/krakend:default:tax"));
}

#[test]
fn gateways_and_configurations_share_ports_by_age() {
    let listeners = json!([{"name": "http", "protocol": "HTTP", "port": 9000}]);
    let (old, young) = (gateway("old", 1, listeners.clone()), gateway("young", 9, listeners));
    let shop = on_port("shop", 5, 9000);
    let mut world = World::new([class(), old.clone(), shop.clone()]);
    let (accepted, message, _) = world.accepted(&shop);
    assert_eq!(accepted, "False PortUnavailable");
    assert!(message.contains("Gateway default/old, which is older"), "{message}");
    world.remove(old);
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    world.set(young.clone());
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    let listeners = &world.statuses[&set(young.clone()).key].report.listeners;
    let said = &listeners[0].conditions[0];
    assert!(said.message.contains("KrakendConfig default/shop, which is older"), "{said:?}");
    // A port that is given up is free.
    world.set(on_port("shop", 5, 9001));
    assert_eq!(world.accepted(&young).0, "True Accepted");
}

#[test]
fn a_configuration_is_served_on_the_listeners_of_its_gateway() {
    let listeners =
        json!([{"name": "one", "protocol": "HTTP", "port": 80}, {"name": "two", "protocol": "HTTP", "port": 81}]);
    let shop =
        krakend("shop", 2, json!({"gatewayRef": {"name": "web", "sectionName": "two"}, "hostnames": ["Shop.example"]}));
    let mut world = World::new([class(), shop.clone()]);
    let (accepted, message, _) = world.accepted(&shop);
    assert_eq!(
        (accepted.as_str(), message.contains("Gateway default/web, listener two is not there")),
        ("False NoGateway", true)
    );
    world.set(gateway("web", 1, listeners));
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    let route = world.route("shop");
    let attachment =
        config::Attachment { listener: "listener/default/web/two".into(), hostnames: vec!["shop.example".into()] };
    assert_eq!(route.attachments, [attachment]);
    assert!(!world.names("default").iter().any(|name| name.contains("/own")));
}

#[test]
fn of_two_that_want_the_same_requests_the_older_is_served_and_the_other_says_so() {
    let web = gateway("web", 1, json!([{"name": "http", "protocol": "HTTP", "port": 80}]));
    let on_web = |name: &str, age: u32, hostnames: Value| {
        krakend(name, age, json!({"gatewayRef": {"name": "web"}, "hostnames": hostnames}))
    };
    let (shop, tax) = (on_web("shop", 2, json!([])), on_web("tax", 3, json!([])));
    let mut world = World::new([class(), web, shop.clone(), tax.clone()]);
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    let (accepted, message, _) = world.accepted(&tax);
    assert_eq!(accepted, "False RouteConflict");
    assert!(message.contains("KrakendConfig default/shop, which is older"), "{message}");
    assert!(world.route("shop").order_key < world.route("tax").order_key);
    world.set(on_web("shop", 2, json!(["shop.example"])));
    assert_eq!(world.accepted(&tax).0, "True Accepted");
}

#[test]
fn a_policy_governs_hosts_as_it_is_and_as_it_becomes() {
    let mut shop = krakend("shop", 1, json!({}));
    shop["spec"]["config"]["dialer_timeout"] = "3s".into();
    shop["spec"]["config"]["extra_config"] = json!({"backstay": {"policy": "slow"}});
    let mut world = World::new([shop.clone()]);
    assert_eq!(world.accepted(&shop).0, "False PolicyNotFound");
    assert_eq!(world.names("default"), [""; 0]);
    let policy = |spec: Value| {
        json!({"apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy", "spec": spec,
            "metadata": {"name": "slow", "uid": "slow", "generation": 1}})
    };
    world.set(policy(json!({"outlierDetection": {"consecutive5xx": 7}})));
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    let backend = world.backend("shop:http:h:slow");
    assert_eq!(backend.outlier_detection.as_ref().unwrap().consecutive_5xx, Some(7));
    assert_eq!(backend.timeouts.as_ref().unwrap().connect.unwrap().seconds, 3, "what the policy says nothing of stays");
    world.set(policy(json!({"timeouts": {"connect": "9s"}})));
    let backend = world.backend("shop:http:h:slow");
    assert_eq!((backend.timeouts.as_ref().unwrap().connect.unwrap().seconds, &backend.outlier_detection), (9, &None));
}

#[test]
fn tls_is_that_of_a_secret_which_files_lead_to() {
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let mut shop = krakend(
        "shop",
        1,
        json!({"files": [
            {"path": "/tls/cert.pem", "secretRef": {"name": "web", "key": "tls.crt"}},
            {"path": "/tls/key.pem", "secretRef": {"name": "web", "key": "tls.key"}},
            {"path": "/tls/ca.pem", "content": chain}]}),
    );
    shop["spec"]["config"]["tls"] = json!({"public_key": "/tls/cert.pem", "private_key": "/tls/key.pem"});
    shop["spec"]["config"]["client_tls"] = json!({"ca_certs": ["/tls/ca.pem"], "disable_system_ca_pool": true});
    shop["spec"]["config"]["endpoints"][0]["backend"][0]["host"] = json!(["https://h"]);
    let mut world = World::new([shop.clone()]);
    assert_eq!(world.accepted(&shop).0, "True Accepted");
    assert!(!world.names("default").contains(&"secret/default/web"), "it is not there yet");
    world.set(secret("web", &[("tls.crt", &chain), ("tls.key", &key.serialize_pem())]));
    assert!(world.names("default").contains(&"secret/default/web"));
    let Resource::Listener(listener) = world.resource("listener/default/krakend:shop/own") else {
        panic!("a listener")
    };
    assert_eq!(listener.tls.as_ref().unwrap().secrets, ["secret/default/web"]);
    let tls = world.backend("shop:https:h").tls.clone().unwrap();
    assert!(String::from_utf8_lossy(&tls.ca_bundle).contains("BEGIN CERTIFICATE"));
}

#[test]
fn a_file_that_is_not_there_is_said_until_it_is() {
    let mut shop = krakend("shop", 1, json!({}));
    shop["spec"]["config"]["client_tls"] = json!({"ca_certs": ["ca.pem"], "disable_system_ca_pool": true});
    shop["spec"]["config"]["endpoints"][0]["backend"][0]["host"] = json!(["https://h"]);
    let mut world = World::new([shop.clone()]);
    let (accepted, message, _) = world.accepted(&shop);
    assert_eq!(accepted, "False Invalid");
    assert!(message.contains("the file \"ca.pem\" is not in spec.files"), "{message}");
    shop["spec"]["files"] = json!([{"path": "./ca.pem", "secretRef": {"name": "s", "key": "ca"}}]);
    world.set(shop.clone());
    assert!(world.accepted(&shop).1.contains("is key \"ca\" of Secret s, and that is not there"));
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    world.set(secret("s", &[("ca", &chain)]));
    assert_eq!(world.accepted(&shop).0, "True Accepted");
}
