//! What users see: objects in, resources and statuses out.

mod accepted;
mod backends;
mod client_certificates;
mod combinations;
mod features;
mod fields;
mod gateways;
mod incremental;
mod material;
mod misfits;
mod order;
mod policies;
mod routes;
mod rules;
mod settings;
mod tls;
mod unsound;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::{ConditionStatus, Object, Registry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use self::material::{CERTIFICATE, OLD_CERTIFICATE, OTHER_CERTIFICATE, OTHER_PRIVATE_KEY, PRIVATE_KEY};
use super::{GatewayApi, Options};
use crate::{Change, Compiler, Condition, FrontEnd, ListenerReport, ObjectKey, ObjectStatus, Output, Report};

/// Resources of all fleets: by fleet and name.
type Held = BTreeMap<(String, String), Bytes>;

/// A compiler, and everything it has said so far put together.
pub(super) struct World {
    compiler: Compiler,
    held: Held,
    statuses: BTreeMap<ObjectKey, ObjectStatus>,
}

/// An object as users write it, in YAML's JSON.
pub(super) fn object(value: Value) -> Arc<Object> {
    Arc::new(serde_json::from_value(value).unwrap())
}

pub(super) fn set(value: Value) -> Change {
    let object = object(value);
    let kind = Registry::built_in().by_kind(&object.api_version, &object.kind).unwrap();
    Change::set(kind, object)
}

pub(super) fn gone(value: Value) -> Change {
    Change::gone(set(value).key)
}

impl World {
    pub(super) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let compiler = Compiler::new([Box::new(GatewayApi::new(Options::default())) as Box<dyn FrontEnd>]).unwrap();
        let mut world = Self { compiler, held: BTreeMap::new(), statuses: BTreeMap::new() };
        world.apply(objects.into_iter().map(set));
        world
    }

    pub(super) fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Output {
        let changes: Vec<_> = changes.into_iter().collect();
        for change in changes.iter().filter(|change| change.object.is_none()) {
            self.statuses.remove(&change.key);
        }
        let output = self.compiler.apply(changes);
        for (fleet, resources) in &output.fleets {
            for (name, encoded) in resources {
                let key = (fleet.to_string(), name.to_string());
                if let Some(encoded) = encoded {
                    accepted::check(name, encoded);
                }
                let before = match encoded {
                    Some(encoded) => self.held.insert(key.clone(), encoded.clone()),
                    None => self.held.remove(&key),
                };
                assert_ne!(before.as_ref(), encoded.as_ref(), "{key:?} did not change");
            }
        }
        for status in &output.statuses {
            if status.report.withdrawn {
                assert!(self.statuses.remove(&status.key).is_some(), "nothing had been said: {status:?}");
                continue;
            }
            let before = self.statuses.insert(status.key.clone(), (**status).clone());
            // A Gateway that was another controller's for a while is reported anew.
            let anew = status.key.kind.kind.starts_with("Gateway");
            assert!(anew || before.as_ref() != Some(status), "said before: {status:?}");
        }
        output
    }

    pub(super) fn set(&mut self, value: Value) -> Output {
        self.apply([set(value)])
    }

    pub(super) fn remove(&mut self, value: Value) -> Output {
        self.apply([gone(value)])
    }

    /// Names of what a fleet holds.
    pub(super) fn names(&self, fleet: &str) -> Vec<&str> {
        self.held.keys().filter(|(of, _)| of == fleet).map(|(_, name)| name.as_str()).collect()
    }

    pub(super) fn resource(&self, fleet: &str, name: &str) -> Resource {
        let encoded = self.held.get(&(fleet.to_owned(), name.to_owned()));
        let encoded = encoded.unwrap_or_else(|| panic!("{fleet} has {:?}, no {name}", self.names(fleet)));
        config::Resource::decode(encoded.clone()).unwrap().kind.unwrap()
    }

    pub(super) fn backend(&self, name: &str) -> config::Backend {
        match self.resource("default", &format!("backend/{name}")) {
            Resource::Backend(backend) => backend,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn listener(&self, fleet: &str, name: &str) -> config::Listener {
        match self.resource(fleet, name) {
            Resource::Listener(listener) => listener,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn route(&self, fleet: &str, name: &str) -> config::Route {
        match self.resource(fleet, name) {
            Resource::Route(route) => route,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn status(&self, value: &Value) -> &ObjectStatus {
        let key = set(value.clone()).key;
        self.statuses.get(&key).unwrap_or_else(|| panic!("nothing was said about {key}"))
    }

    pub(super) fn silent(&self, value: &Value) -> bool {
        !self.statuses.contains_key(&set(value.clone()).key)
    }

    /// A condition of an object, or of the first parent of a route, as `STATUS REASON`.
    pub(super) fn condition(&self, value: &Value, kind: &str) -> String {
        brief(self.conditions(value), kind)
    }

    pub(super) fn message(&self, value: &Value, kind: &str) -> String {
        self.conditions(value).iter().find(|finding| finding.kind == kind).expect(kind).message.clone()
    }

    fn conditions(&self, value: &Value) -> &[Condition] {
        let Report { conditions, parents, .. } = &*self.status(value).report;
        match parents {
            Some(parents) => &parents.first().expect("a parent").conditions,
            None => conditions,
        }
    }

    pub(super) fn listener_report(&self, gateway: &Value, name: &str) -> &ListenerReport {
        let listeners = &self.status(gateway).report.listeners;
        listeners.iter().find(|it| it.name == name).expect(name)
    }

    /// A condition of a listener, as `STATUS REASON`.
    pub(super) fn listener_condition(&self, gateway: &Value, name: &str, kind: &str) -> String {
        brief(&self.listener_report(gateway, name).conditions, kind)
    }

    /// Conditions of each parent of a route, as `STATUS REASON`.
    pub(super) fn parents(&self, route: &Value, kind: &str) -> Vec<String> {
        let parents = self.status(route).report.parents.as_ref().expect("a route");
        parents.iter().map(|it| brief(&it.conditions, kind)).collect()
    }
}

pub(super) fn brief(conditions: &[Condition], kind: &str) -> String {
    match conditions.iter().find(|finding| finding.kind == kind) {
        None => "absent".to_owned(),
        Some(Condition { status, reason, .. }) => {
            let status = match status {
                ConditionStatus::True => "True",
                ConditionStatus::False => "False",
                ConditionStatus::Unknown => "Unknown",
            };
            format!("{status} {reason}")
        }
    }
}

pub(super) fn class() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "backstay"},
        "spec": {"controllerName": "backstay.dev/gateway-controller"},
    })
}

/// A Gateway in the namespace `infra`.
pub(super) fn gateway(name: &str, listeners: Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": name, "namespace": "infra", "generation": 1},
        "spec": {"gatewayClassName": "backstay", "listeners": listeners},
    })
}

/// A Gateway with one HTTP listener for all hosts on port 80.
pub(super) fn plain_gateway(name: &str) -> Value {
    gateway(name, json!([{"name": "http", "protocol": "HTTP", "port": 80}]))
}

/// A route in the namespace `infra`.
pub(super) fn route(name: &str, gateway: &str, rules: Value) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "infra", "generation": 1},
        "spec": {"parentRefs": [{"name": gateway}], "rules": rules},
    })
}

/// A route that sends everything to one Backend.
pub(super) fn simple_route(name: &str, gateway: &str, backend: &str) -> Value {
    route(name, gateway, json!([{"backendRefs": [{"kind": "Backend", "name": backend, "port": 8080}]}]))
}

pub(super) fn backend(name: &str, ip: &str) -> Value {
    backend_of(name, json!({"endpoints": [{"ip": ip}]}))
}

pub(super) fn backend_of(name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend",
        "metadata": {"name": name, "generation": 1}, "spec": spec,
    })
}

pub(super) fn proxy(name: &str) -> Value {
    json!({"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Proxy", "metadata": {"name": name}})
}

pub(super) fn namespace(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

pub(super) fn policy(name: &str, created: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "backstay.dev/v1alpha1", "kind": "BackendPolicy",
        "metadata": {"name": name, "creationTimestamp": created, "generation": 1}, "spec": spec,
    })
}

/// A Secret in the namespace `infra`.
pub(super) fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: BTreeMap<_, _> = data.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "infra"},
        "type": "Opaque", "data": data,
    })
}

/// A Secret with a certificate that expires when a year begins.
pub(super) fn certificate_until(name: &str, year: i32) -> Value {
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&KeyPair::from_pem(PRIVATE_KEY).unwrap()).unwrap();
    secret(name, &[("tls.crt", &certificate.pem()), ("tls.key", PRIVATE_KEY)])
}

/// A Secret with a certificate that is valid from the beginning of a year on.
pub(super) fn certificate_from(name: &str, year: i32) -> Value {
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&KeyPair::from_pem(PRIVATE_KEY).unwrap()).unwrap();
    secret(name, &[("tls.crt", &certificate.pem()), ("tls.key", PRIVATE_KEY)])
}

/// A Secret with a certificate.
pub(super) fn certificate(name: &str) -> Value {
    secret(name, &[("tls.crt", CERTIFICATE), ("tls.key", PRIVATE_KEY)])
}

/// `value` with another value at a JSON pointer.
pub(super) fn with(mut value: Value, pointer: &str, other: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    value.pointer_mut(parent).expect(pointer)[field] = other;
    value
}
