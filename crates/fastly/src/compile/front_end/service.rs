//! From a service to what proxies hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_compiler::{Condition, Graph, ObjectKey, ObjectStatus, Placed, Report};
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;

use super::lookups::{empty, resource_name};
use super::placement::{Attached, GatewayName, rule};
use super::{FastlyFrontEnd, ServiceNode};
use crate::compile::verdict::Problem;
use crate::compile::version::{self, Compiled};
use crate::compile::{Context, name};
use crate::object::{FASTLY_ACL, FASTLY_DICTIONARY, FASTLY_VERSION, VersionSpec, version_name};

/// The type of the condition that tells whether a service is served as it is.
const ACCEPTED: &str = "Accepted";
/// Problems that a condition tells.
const MAX_TOLD: usize = 8;

/// Resources of fleets.
type Programs = Vec<(Arc<str>, Arc<str>)>;

/// What the active version of a service is.
enum Active {
    /// There is none.
    Nothing,
    Sound(Box<Compiled>, Vec<Problem>),
    /// It cannot be served, for a reason of one word and one of more.
    Unsound(&'static str, String),
}

impl FastlyFrontEnd {
    /// Forgets a service, and takes back all that it brought.
    pub(super) fn remove_service(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.services.remove(key) else { return };
        graph.withdraw(key);
        graph.link(key, []);
        graph.attach(key, BTreeSet::new());
        node.offered.iter().for_each(|resource| graph.take_back(resource));
        self.leave_gateway(key, node.gateway);
    }

    fn leave_gateway(&mut self, key: &ObjectKey, gateway: Option<GatewayName>) {
        let Some(gateway) = gateway else { return };
        if let Some(services) = self.gateways.get_mut(&gateway) {
            services.remove(key);
        }
        self.touched.insert(gateway);
    }

    pub(super) fn compile_service(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.services.get(key) else { return };
        let gateway = self.gateway(node);
        let version = self.link(key, node, gateway.as_ref(), graph);
        let active = self.active(node, version);
        let Some(node) = self.services.get_mut(key) else { return };
        let (fault, warnings) = match active {
            Active::Nothing => {
                node.served = None;
                (Some(("Inactive", "no version is active".to_owned())), Vec::new())
            }
            Active::Sound(compiled, warnings) => {
                node.served = Some(*compiled);
                (None, warnings)
            }
            Active::Unsound(reason, message) => {
                let effect = if node.served.is_some() { "the last good one stays in use" } else { "it is not in use" };
                (Some((reason, format!("{message}; {effect}"))), Vec::new())
            }
        };
        let before = node.gateway.take();
        node.gateway = gateway.clone().filter(|_| node.served.is_some());
        let after = node.gateway.clone();
        let (programs, refusal) = self.place(key, graph);
        if before != after {
            self.leave_gateway(key, before);
        }
        if let Some(gateway) = after {
            self.gateways.entry(gateway.clone()).or_default().insert(key.clone());
            self.touched.insert(gateway);
        }
        let Some(node) = self.services.get(key) else { return };
        let accepted = match (&fault, &gateway) {
            (Some((reason, message)), _) => Condition::no(ACCEPTED, reason, message.clone()),
            (None, None) => {
                let message =
                    "spec.gateway names no Gateway as NAMESPACE/NAME, and the control plane has no default one";
                Condition::no(ACCEPTED, "NoGateway", message)
            }
            (None, Some(gateway)) => match refusal {
                Some((reason, message)) => Condition::no(ACCEPTED, reason, message),
                None if programs.is_empty() => {
                    let message = format!("Gateway {gateway} is not there, or none of its listeners is served");
                    Condition::no(ACCEPTED, "NoGateway", message)
                }
                None => Condition::yes(ACCEPTED, ACCEPTED, told(&warnings)),
            },
        };
        // What proxies hold of an earlier version says nothing about the present one.
        let programs = if fault.is_none() { programs } else { Vec::new() };
        let generation = node.source.generation;
        graph.report(ObjectStatus {
            key: key.clone(),
            generation,
            report: Report::of(vec![accepted]).into(),
            programs,
        });
    }

    /// The Gateway that a service names, or the default one.
    fn gateway(&self, node: &ServiceNode) -> Option<GatewayName> {
        let named = node.source.good.as_ref().and_then(|spec| spec.gateway.as_deref());
        GatewayName::read(named.or(self.options.default_gateway.as_deref())?)
    }

    /// Has the service looked at again when what it depends on changes: its active version, and what that looks things up in;
    /// its Gateway. Returns the active version, if there is one.
    fn link(
        &self,
        key: &ObjectKey,
        node: &ServiceNode,
        gateway: Option<&GatewayName>,
        graph: &mut Graph,
    ) -> Option<&VersionSpec> {
        let active = node.source.good.as_ref().and_then(|spec| spec.active);
        let name = active.map(|number| version_name(&key.name, number));
        let mut targets: Vec<ObjectKey> = gateway.iter().flat_map(|gateway| gateway.keys()).collect();
        targets.extend(name.as_ref().map(|name| ObjectKey::new(&FASTLY_VERSION, "", name)));
        let version = name.and_then(|name| self.versions.get(name.as_str())).and_then(|version| version.good.as_ref());
        targets.extend(version.into_iter().flat_map(lookups));
        graph.link(key, targets);
        version
    }

    fn active(&self, node: &ServiceNode, version: Option<&VersionSpec>) -> Active {
        if let Some(fault) = &node.source.fault {
            return Active::Unsound("Invalid", fault.to_string());
        }
        let Some(spec) = &node.source.good else { return Active::Nothing };
        let Some(number) = spec.active else { return Active::Nothing };
        let Some(version) = version else {
            return Active::Unsound("VersionNotFound", format!("version {number} is active, and cannot be read"));
        };
        let context = Context {
            kind: spec.kind,
            dynamic_snippets: &spec.dynamic_snippets,
            drained: &spec.drained_backends,
            backend_header: &self.options.backend_header,
        };
        let (compiled, verdict) = version::compile(version, &context);
        match verdict.is_sound() {
            true => Active::Sound(Box::new(compiled), verdict.warnings),
            false => Active::Unsound("Invalid", format!("version {number}: {}", told(&verdict.errors))),
        }
    }

    /// Brings what a service has to the fleets of its Gateway. Returns what proxies must have for it, and why it attaches to no
    /// listener where that is so.
    fn place(&mut self, key: &ObjectKey, graph: &mut Graph) -> (Programs, Option<(&'static str, String)>) {
        let Some(node) = self.services.get_mut(key) else { return (Programs::new(), None) };
        let mut refusal = None;
        let mut listeners = BTreeSet::new();
        let mut offered = BTreeSet::new();
        let mut placed = Placed::default();
        if let Some(served) = &node.served {
            for backend in &served.backends {
                let certificate = backend.certificate.as_ref();
                if let Some((resource, secret)) = certificate {
                    graph.offer(resource, Resource::Secret(secret.clone()), Vec::new());
                    offered.insert(resource.clone());
                }
                let needs = certificate.map(|(resource, _)| resource.clone()).into_iter().collect();
                graph.offer(&backend.resource, Resource::Backend(backend.config.clone()), needs);
                offered.insert(backend.resource.clone());
            }
            let version = node.source.good.as_ref().and_then(|spec| spec.active);
            let version = version.and_then(|number| self.versions.get(version_name(&key.name, number).as_str()));
            for lookup in version.and_then(|version| version.good.as_ref()).into_iter().flat_map(lookups) {
                let resource = resource_name(&lookup);
                // A proxy that has none of it cannot tell what it says of a request.
                if served.lookups.contains(&resource) && !self.lookups.contains(&lookup) {
                    graph.offer(&resource, empty(*lookup.kind == FASTLY_ACL), Vec::new());
                }
            }
            let resource = name::route(&key.name);
            let needs: BTreeSet<_> =
                served.backends.iter().map(|it| it.resource.clone()).chain(served.lookups.iter().cloned()).collect();
            let attached = match node.gateway.as_ref().map(|gateway| gateway.attach(&served.domains, graph)) {
                Some(Ok(attached)) => attached,
                Some(Err(why)) => {
                    refusal = Some(why);
                    Attached::default()
                }
                None => Attached::default(),
            };
            listeners = attached.listeners;
            for (fleet, attachments) in attached.by_fleet {
                let route = config::Route {
                    attachments,
                    rules: vec![rule(served.sequence.clone())],
                    order_key: format!("{}/{}", node.source.created, key.name),
                    ..config::Route::default()
                };
                placed.needs.extend(needs.iter().map(|need| (fleet.clone(), need.clone())));
                placed.resources.push(((fleet, resource.clone()), Resource::Route(route)));
            }
        }
        let mut programs: Vec<_> = placed.resources.iter().map(|(resource, _)| resource.clone()).collect();
        let fleets: Vec<_> = programs.iter().map(|(fleet, _)| fleet.clone()).collect();
        programs.extend(placed.needs.iter().cloned());
        for fleet in fleets {
            programs.extend(offered.iter().map(|resource| (fleet.clone(), resource.clone())));
        }
        programs.sort();
        programs.dedup();
        graph.place(key, placed);
        graph.attach(key, listeners);
        for resource in std::mem::replace(&mut node.offered, offered).difference(&node.offered) {
            graph.take_back(resource);
        }
        (programs, refusal)
    }
}

/// The dictionaries and access lists of a version.
fn lookups(version: &VersionSpec) -> impl Iterator<Item = ObjectKey> + use<'_> {
    let dictionaries = version.dictionaries.iter().map(|it| ObjectKey::new(&FASTLY_DICTIONARY, "", &it.id));
    dictionaries.chain(version.acls.iter().map(|acl| ObjectKey::new(&FASTLY_ACL, "", &acl.id)))
}

/// The first of several problems.
fn told(problems: &[Problem]) -> String {
    let mut sentences: Vec<_> = problems.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    if problems.len() > MAX_TOLD {
        sentences.push(format!("and {} more", problems.len() - MAX_TOLD));
    }
    sentences.join("; ")
}
