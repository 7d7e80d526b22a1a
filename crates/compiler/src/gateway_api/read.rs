//! Reading changes: tables and links are updated, and what that may affect is noted.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_resources::Object;
use backstay_resources::apoxy::PROXY;
use backstay_resources::backstay::BACKEND_POLICY;
use backstay_resources::core::{NAMESPACE, SECRET};
use backstay_resources::gateway::{Gateway, GatewayClass, GatewaySpec, HttpRoute, HttpRouteSpec};

use super::grants::grants_key;
use super::node::{BackendNode, GatewayNode, RouteNode, class_key};
use super::tables::{Tables, backend_key};
use crate::backend::BackendModel;
use crate::change::ObjectKey;
use crate::gateway::{certificate_secret, needs_grant};
use crate::graph::{Graph, Placed};
use crate::policy::PolicyModel;
use crate::route::{named_backends, parent_key};
use crate::secret::{SecretName, SecretUse};

impl Tables {
    pub(super) fn read_backend(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let name = &key.name;
        let before = self.backends.get(name).map(|node| &node.source);
        let Some(source) = graph.diff(key, object, before, BackendModel::parse) else { return };
        // Another object of the same name starts without a past.
        let replaced = before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid);
        if replaced && let Some(node) = self.backends.remove(name) {
            backend_changed(graph, key);
            graph.take_back(&node.resource);
        }
        if let Some(source) = source {
            match self.backends.get_mut(name) {
                Some(node) => node.source = source,
                None => {
                    let node = BackendNode::new(source, backend_resource(name));
                    self.backends.insert(name.clone(), Box::new(node));
                    backend_changed(graph, key);
                }
            }
        }
        self.work.backends.insert(name.clone());
    }

    pub(super) fn read_policy(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let name = &key.name;
        let Some(source) = graph.diff(key, object, self.policies.get(name), PolicyModel::parse) else { return };
        if let Some(policy) = self.policies.remove(name).and_then(|policy| policy.good) {
            self.work.backends.extend(policy.targets);
        }
        let policy = source.as_ref().and_then(|source| source.good.as_ref());
        let targets = policy.into_iter().flat_map(|policy| policy.targets.iter().map(backend_key));
        let secrets = policy.into_iter().flat_map(|policy| policy.secrets().map(|it| secret_key(&it.secret)));
        graph.link(key, targets.chain(secrets));
        self.work.backends.extend(policy.into_iter().flat_map(|policy| policy.targets.iter().cloned()));
        graph.set_policy(name, policy.cloned());
        // Backends have been looked at: these are objects of other dialects that name it.
        graph.changed(key);
        if let Some(source) = source {
            self.policies.insert(name.clone(), source);
            self.work.policy_reports.insert(name.clone());
        }
    }

    pub(super) fn read_proxy(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let changed = match object {
            Some(_) => self.proxies.insert(key.name.clone()),
            None => self.proxies.remove(&key.name),
        };
        if changed {
            graph.changed(key);
        }
        self.read_telemetry(key, object, graph);
    }

    pub(super) fn read_namespace(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let labels = object.map(|object| object.metadata.labels.clone()).unwrap_or_default();
        let before = match labels.is_empty() {
            true => self.namespaces.remove(&key.name).unwrap_or_default(),
            false => self.namespaces.insert(key.name.clone(), labels.clone()).unwrap_or_default(),
        };
        if before == labels {
            return;
        }
        graph.changed_for(key, |dependent| {
            // What is not one of our routes sees the labels themselves.
            let Some(route) = self.routes.get(dependent) else { return true };
            let parents = route.source.good.iter().flat_map(|spec| &spec.parent_refs);
            parents.filter_map(|parent| parent_key(dependent, parent).ok()).any(|gateway| {
                // A Gateway that has yet to be looked at will have its routes looked at as well.
                self.gateways.get(&gateway).is_some_and(GatewayNode::has_selector)
            })
        });
    }

    pub(super) fn read_class(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let parse = |object: &Object| object.typed::<GatewayClass>().map(|class| class.spec);
        let Some(source) = graph.diff(key, object, self.classes.get(key), parse) else { return };
        graph.changed(key);
        match source {
            Some(source) => self.classes.insert(key.clone(), source),
            None => self.classes.remove(key),
        };
        self.work.classes.insert(key.clone());
    }

    pub(super) fn read_gateway(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let before = self.gateways.get(key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<Gateway>().map(|gateway| gateway.spec);
        let Some(source) = graph.diff(key, object, before, parse) else { return };
        let spec = source.as_ref().and_then(|source| source.good.as_ref());
        let mut named = spec.map(|spec| named_by_gateway(key, spec)).unwrap_or_default();
        if !self.options.guests.is_empty() && key.kind.is_namespaced() {
            // Its labels say whether guests, which are taken to be of this namespace, may attach.
            named.push(ObjectKey { kind: &NAMESPACE, namespace: Arc::default(), name: key.namespace.clone() });
        }
        graph.link(key, named);
        let Some(source) = source else {
            graph.withdraw(key);
            graph.open(key, Vec::new());
            for port in self.gateways.remove(key).map(|node| node.ports).unwrap_or_default() {
                self.unclaim(&port, key);
                self.work.ports.insert(port);
            }
            graph.changed(key);
            return;
        };
        match self.gateways.get_mut(key) {
            Some(node) => node.source = source,
            None => {
                self.gateways.insert(key.clone(), GatewayNode::new(source));
            }
        }
        graph.touch(key.clone());
    }

    pub(super) fn read_route(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let before = self.routes.get(key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<HttpRoute>().map(|route| route.spec);
        let Some(source) = graph.diff(key, object, before, parse) else { return };
        let spec = source.as_ref().and_then(|source| source.good.as_ref());
        graph.link(key, spec.map(|spec| named_by_route(key, spec)).unwrap_or_default());
        let Some(source) = source else {
            graph.attach(key, BTreeSet::new());
            graph.place(key, Placed::default());
            self.routes.remove(key);
            return;
        };
        match self.routes.get_mut(key) {
            Some(node) => node.source = source,
            None => {
                self.routes.insert(key.clone(), RouteNode::new(source));
            }
        }
        graph.touch(key.clone());
    }
}

/// What routes see of a Backend differs. Its policies see nothing of it but whether it is there, which they report anyway.
pub(super) fn backend_changed(graph: &mut Graph, backend: &ObjectKey) {
    graph.changed_for(backend, |dependent| *dependent.kind != BACKEND_POLICY);
}

/// The name of a Backend's discovery resource.
pub(super) fn backend_resource(name: &str) -> Arc<str> {
    backstay_model::ResourceName::Backend(name).into()
}

fn secret_key(name: &SecretName) -> ObjectKey {
    ObjectKey { kind: &SECRET, namespace: name.namespace.clone(), name: name.name.clone() }
}

fn named_by_gateway(key: &ObjectKey, spec: &GatewaySpec) -> Vec<ObjectKey> {
    let mut named = vec![class_key(key, spec)];
    if let Some(parameters) = spec.infrastructure.as_ref().and_then(|it| it.parameters_ref.as_ref()) {
        named.push(ObjectKey::new(&PROXY, "", &parameters.name));
    }
    let certificates = spec.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    let certificates = certificates.flat_map(|tls| &tls.certificate_refs);
    for SecretUse { secret, .. } in certificates.filter_map(|certificate| certificate_secret(key, certificate).ok()) {
        if needs_grant(key, &secret) {
            named.push(grants_key(&secret.namespace));
        }
        named.push(secret_key(&secret));
    }
    named
}

fn named_by_route(key: &ObjectKey, spec: &HttpRouteSpec) -> Vec<ObjectKey> {
    let mut named: Vec<_> = spec.parent_refs.iter().filter_map(|parent| parent_key(key, parent).ok()).collect();
    named.extend(named_backends(spec).iter().map(backend_key));
    named.push(ObjectKey { kind: &NAMESPACE, namespace: Arc::default(), name: key.namespace.clone() });
    named
}
