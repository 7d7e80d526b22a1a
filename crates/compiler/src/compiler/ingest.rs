//! Reading changes: tables and links are updated, and what that may affect is noted.

use std::sync::Arc;

use backstay_resources::gateway::{Gateway, GatewayClass, GatewaySpec, HttpRoute, HttpRouteSpec};
use backstay_resources::{Object, apoxy, backstay, core, gateway};

use super::backends::BackendNode;
use super::gateways::{GatewayNode, class_key};
use super::reports::Reports;
use super::routes::RouteNode;
use super::{Compiler, Work};
use crate::backend::BackendModel;
use crate::change::{Change, ObjectKey};
use crate::gateway::certificate_secret;
use crate::policy::PolicyModel;
use crate::route::{named_backends, parent_key};
use crate::secret::{SecretModel, SecretName};
use crate::source::Source;

impl Compiler {
    pub(super) fn ingest(&mut self, change: Change, work: &mut Work) {
        let Change { key, object } = change;
        let object = object.as_deref();
        // Kinds of the two Gateway groups share names, and are handled alike.
        match key.kind.kind {
            name if name == apoxy::BACKEND.kind => self.ingest_backend(&key, object, work),
            name if name == backstay::BACKEND_POLICY.kind => self.ingest_policy(&key, object, work),
            name if name == apoxy::PROXY.kind => self.ingest_proxy(&key, object, work),
            name if name == core::NAMESPACE.kind => self.ingest_namespace(&key, object, work),
            name if name == core::SECRET.kind => {
                let name = SecretName { namespace: key.namespace, name: key.name };
                self.set_secret(name, object.map(SecretModel::parse), work);
            }
            name if name == gateway::GATEWAY_CLASS.kind => self.ingest_class(key, object, work),
            name if name == gateway::GATEWAY.kind => self.ingest_gateway(key, object, work),
            name if name == gateway::HTTP_ROUTE.kind => self.ingest_route(key, object, work),
            // Kinds without an effect on proxies.
            _ => {}
        }
    }

    fn ingest_backend(&mut self, key: &ObjectKey, object: Option<&Object>, work: &mut Work) {
        let name = &key.name;
        let before = self.backends.get(name).map(|node| &node.source);
        let Some(source) = news(key, object, before, BackendModel::parse, &mut self.reports) else { return };
        // Another object of the same name starts without a past.
        let replaced = before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid);
        if replaced && self.backends.remove(name).is_some() {
            work.routes.extend(self.links.backend_routes.get(name).cloned());
            self.backend_usage.touch(name);
        }
        if let Some(source) = source {
            match self.backends.get_mut(name) {
                Some(node) => node.source = source,
                None => {
                    self.backends.insert(name.clone(), BackendNode::new(source));
                    work.routes.extend(self.links.backend_routes.get(name).cloned());
                }
            }
        }
        work.backends.insert(name.clone());
    }

    fn ingest_policy(&mut self, key: &ObjectKey, object: Option<&Object>, work: &mut Work) {
        let name = &key.name;
        let before = self.policies.get(name);
        let Some(source) = news(key, object, before, PolicyModel::parse, &mut self.reports) else { return };
        if let Some(policy) = self.policies.remove(name).and_then(|policy| policy.good) {
            self.link_policy(name, &policy, false);
            work.backends.extend(policy.targets);
        }
        let Some(source) = source else { return };
        if let Some(policy) = &source.good {
            self.link_policy(name, policy, true);
            work.backends.extend(policy.targets.iter().cloned());
        }
        self.policies.insert(name.clone(), source);
        work.policy_reports.insert(name.clone());
    }

    /// Links a policy to all that it names, or unlinks it.
    fn link_policy(&mut self, name: &Arc<str>, policy: &PolicyModel, link: bool) {
        for target in &policy.targets {
            self.links.backend_policies.set(target.clone(), name, link);
        }
        for secret in policy.secrets() {
            self.links.secret_policies.set(secret.secret.clone(), name, link);
        }
    }

    fn ingest_proxy(&mut self, key: &ObjectKey, object: Option<&Object>, work: &mut Work) {
        let changed = match object {
            Some(_) => self.proxies.insert(key.name.clone()),
            None => self.proxies.remove(&key.name),
        };
        if changed {
            work.gateways.extend(self.links.proxy_gateways.get(&key.name).cloned());
        }
    }

    fn ingest_namespace(&mut self, key: &ObjectKey, object: Option<&Object>, work: &mut Work) {
        let labels = object.map(|object| object.metadata.labels.clone()).unwrap_or_default();
        let before = match labels.is_empty() {
            true => self.namespaces.remove(&key.name).unwrap_or_default(),
            false => self.namespaces.insert(key.name.clone(), labels.clone()).unwrap_or_default(),
        };
        if before == labels {
            return;
        }
        let selects = |route: &&ObjectKey| {
            let spec = self.routes.get(*route).and_then(|route| route.source.good.as_ref());
            let parents = spec.into_iter().flat_map(|spec| &spec.parent_refs);
            parents.filter_map(|parent| parent_key(route, parent).ok()).any(|gateway| {
                // A Gateway that has yet to be looked at will have its routes looked at as well.
                self.gateways.get(&gateway).is_some_and(GatewayNode::has_selector)
            })
        };
        work.routes.extend(self.links.namespace_routes.get(&key.name).filter(selects).cloned());
    }

    fn ingest_class(&mut self, key: ObjectKey, object: Option<&Object>, work: &mut Work) {
        let before = self.classes.get(&key);
        let parse = |object: &Object| object.typed::<GatewayClass>().map(|class| class.spec);
        let Some(source) = news(&key, object, before, parse, &mut self.reports) else { return };
        work.gateways.extend(self.links.class_gateways.get(&key).cloned());
        match source {
            Some(source) => self.classes.insert(key.clone(), source),
            None => self.classes.remove(&key),
        };
        work.classes.insert(key);
    }

    fn ingest_gateway(&mut self, key: ObjectKey, object: Option<&Object>, work: &mut Work) {
        let before = self.gateways.get(&key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<Gateway>().map(|gateway| gateway.spec);
        let Some(source) = news(&key, object, before, parse, &mut self.reports) else { return };
        if let Some(spec) = before.and_then(|source| source.good.clone()) {
            self.link_gateway(&key, &spec, false);
        }
        let Some(source) = source else {
            self.withdraw_gateway(&key);
            for port in self.gateways.remove(&key).map(|node| node.ports).unwrap_or_default() {
                self.links.port_gateways.set(port.clone(), &key, false);
                work.ports.insert(port);
            }
            work.routes.extend(self.links.gateway_routes.get(&key).cloned());
            return;
        };
        if let Some(spec) = &source.good {
            self.link_gateway(&key, spec, true);
        }
        match self.gateways.get_mut(&key) {
            Some(node) => node.source = source,
            None => {
                self.gateways.insert(key.clone(), GatewayNode::new(source));
            }
        }
        work.gateways.insert(key);
    }

    /// Links a Gateway to all that it names, or unlinks it.
    fn link_gateway(&mut self, key: &ObjectKey, spec: &GatewaySpec, link: bool) {
        self.links.class_gateways.set(class_key(key, spec), key, link);
        if let Some(parameters) = spec.infrastructure.as_ref().and_then(|it| it.parameters_ref.as_ref()) {
            self.links.proxy_gateways.set(parameters.name.as_str().into(), key, link);
        }
        let certificates = spec.listeners.iter().filter_map(|listener| listener.tls.as_ref());
        for certificate in certificates.flat_map(|tls| &tls.certificate_refs) {
            if let Ok(secret) = certificate_secret(key, certificate) {
                self.links.secret_gateways.set(secret.secret, key, link);
            }
        }
    }

    fn ingest_route(&mut self, key: ObjectKey, object: Option<&Object>, work: &mut Work) {
        let before = self.routes.get(&key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<HttpRoute>().map(|route| route.spec);
        let Some(source) = news(&key, object, before, parse, &mut self.reports) else { return };
        if let Some(spec) = before.and_then(|source| source.good.clone()) {
            self.link_route(&key, &spec, false);
        }
        let Some(source) = source else {
            self.withdraw_route(&key, work);
            self.routes.remove(&key);
            return;
        };
        if let Some(spec) = &source.good {
            self.link_route(&key, spec, true);
        }
        match self.routes.get_mut(&key) {
            Some(node) => node.source = source,
            None => {
                self.routes.insert(key.clone(), RouteNode::new(source));
            }
        }
        work.routes.insert(key);
    }

    /// Links a route to all that it names, or unlinks it.
    fn link_route(&mut self, key: &ObjectKey, spec: &HttpRouteSpec, link: bool) {
        for gateway in spec.parent_refs.iter().filter_map(|parent| parent_key(key, parent).ok()) {
            self.links.gateway_routes.set(gateway, key, link);
        }
        for backend in named_backends(spec) {
            self.links.backend_routes.set(backend, key, link);
        }
        self.links.namespace_routes.set(key.namespace.clone(), key, link);
    }
}

/// An object as it is now, `None` where it is gone. Nothing where that is what it was `before`. What was said of another
/// object of its name is forgotten.
fn news<T: Clone + PartialEq, E: std::error::Error + Send + Sync + 'static>(
    key: &ObjectKey,
    object: Option<&Object>,
    before: Option<&Source<T>>,
    parse: impl FnOnce(&Object) -> Result<T, E>,
    reports: &mut Reports,
) -> Option<Option<Source<T>>> {
    let source = object.map(|object| Source::read(object, parse, before));
    if before == source.as_ref() {
        return None;
    }
    if before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid) {
        reports.forget(key);
    }
    Some(source)
}
