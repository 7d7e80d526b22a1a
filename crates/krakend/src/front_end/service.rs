//! From a configuration to what fleets hold, and what is said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_compiler::{Condition, FleetResource, Graph, ObjectKey, ObjectStatus, Placed, Report};
use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;

use super::overlap::Standing;
use super::{ConfigNode, KrakendFrontEnd, name, placement};
use crate::compile::name as names;
use crate::problem::{Problem, Severity};

/// The type of the condition that tells whether a configuration is served as it is.
const ACCEPTED: &str = "Accepted";
/// Problems that a condition tells.
const MOST_TOLD: usize = 8;
/// Of a condition's message, in characters. Kubernetes takes 32768 bytes.
const LONGEST: usize = 8_000;

/// Why a configuration is not served as it is: a word and a sentence.
type Fault = (&'static str, String);

impl KrakendFrontEnd {
    /// Brings what a configuration is to its fleets, and says so.
    pub(super) fn serve(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.configs.get_mut(key) else { return };
        let mut fault = node.fault();
        let mut notes = Vec::new();
        let places = places(key, node, graph).unwrap_or_else(|place| {
            fault.get_or_insert(place);
            Vec::new()
        });
        let programs = match place(key, node, &places, graph, &mut notes) {
            Ok(programs) => programs,
            Err(why) => {
                fault.get_or_insert(why);
                Vec::new()
            }
        };
        let standing = Standing::of(node.served.as_ref(), places.into_iter().collect());
        self.stand(key, standing, graph);
        if fault.is_none()
            && let Some(overlap) = self.overlap(key)
        {
            fault = Some(("RouteConflict", overlap));
        }
        let Some(node) = self.configs.get(key) else { return };
        let is_present = fault.is_none();
        let accepted = match fault {
            Some((reason, message)) => Condition::no(ACCEPTED, reason, cut(message)),
            None => Condition::yes(ACCEPTED, ACCEPTED, cut(node.warnings(notes))),
        };
        // What proxies hold of an earlier version says nothing about the present one.
        let programs = if is_present { programs } else { Vec::new() };
        let generation = node.source.generation;
        graph.report(ObjectStatus {
            key: key.clone(),
            generation,
            report: Report::of(vec![accepted]).into(),
            programs,
        });
    }
}

/// The listeners that a configuration is served on, by fleet.
fn places(key: &ObjectKey, node: &ConfigNode, graph: &Graph) -> Result<Vec<FleetResource>, Fault> {
    let Some(served) = &node.served else { return Ok(Vec::new()) };
    if let Some(gateway) = &served.spec.gateway_ref {
        let listeners = placement::listeners(key, gateway, graph);
        if listeners.is_empty() {
            let section = gateway.section_name.as_ref().map(|name| format!(", listener {name}")).unwrap_or_default();
            let message = format!(
                "{}{section} is not there, or none of its listeners is served",
                placement::gateway(key, gateway)
            );
            return Err(("NoGateway", message));
        }
        return Ok(listeners);
    }
    match graph.port_conflict(key) {
        Some(conflict) => Err(("PortUnavailable", conflict.to_owned())),
        None => Ok(vec![(placement::fleet(&served.spec), names::listener(&name(key)))]),
    }
}

/// Brings what a configuration has to fleets. Returns what proxies must have for it.
fn place(
    key: &ObjectKey,
    node: &mut ConfigNode,
    places: &[FleetResource],
    graph: &mut Graph,
    notes: &mut Vec<String>,
) -> Result<Vec<FleetResource>, Fault> {
    let Some(served) = &node.served else {
        graph.withdraw(key);
        return Ok(Vec::new());
    };
    let compiled = &served.compiled;
    if served.spec.gateway_ref.is_some() {
        shared(&compiled.listener, notes)?;
    }
    let mut links = placement::links(key, &served.spec);
    links.extend(node.source.good.iter().flat_map(|spec| placement::links(key, spec)));
    links.extend(compiled.policies().map(placement::policy));
    graph.link(key, links);

    let mut resources: BTreeMap<Arc<str>, (Resource, Vec<Arc<str>>)> = BTreeMap::new();
    for (resource_name, offered) in &compiled.resources {
        let (mut resource, mut needs) = (offered.resource.clone(), offered.needs.clone());
        if let (Some(policy), Resource::Backend(backend)) = (&offered.policy, &mut resource) {
            let governed = graph.govern(policy, resource_name, backend).map_err(|why| ("PolicyNotFound", why))?;
            needs.extend(governed.needs);
            notes.extend(governed.misfits.into_iter().map(|misfit| format!("BackendPolicy {policy}: {misfit}")));
        }
        resources.insert(resource_name.clone(), (resource, needs));
    }
    let offered: BTreeSet<Arc<str>> = resources.keys().cloned().collect();
    let mut needs: BTreeSet<Arc<str>> = offered.iter().chain(&compiled.secrets).cloned().collect();
    for (resource_name, (resource, more)) in resources {
        needs.extend(more.iter().cloned());
        graph.offer(&resource_name, resource, more);
    }

    let config = name(key);
    let route = names::route(&config);
    let mut listeners: BTreeMap<&Arc<str>, Vec<&Arc<str>>> = BTreeMap::new();
    for (fleet, listener) in places {
        listeners.entry(fleet).or_default().push(listener);
    }
    let mut placed = Placed::default();
    let hostnames: Vec<String> = served.spec.hostnames.iter().map(|host| hostname::canonical(host)).collect();
    for (fleet, listeners) in listeners {
        if served.spec.gateway_ref.is_none() {
            let listener = (fleet.clone(), names::listener(&config));
            placed.resources.push((listener, Resource::Listener(compiled.listener.clone())));
        }
        let attachments = listeners
            .iter()
            .map(|listener| config::Attachment { listener: listener.to_string(), hostnames: hostnames.clone() });
        let made = config::Route {
            attachments: attachments.collect(),
            order_key: format!("{}/{}", node.source.created, key.path()),
            ..compiled.route.clone()
        };
        placed.resources.push(((fleet.clone(), route.clone()), Resource::Route(made)));
        placed.needs.extend(needs.iter().map(|need| (fleet.clone(), need.clone())));
    }
    let mut programs: Vec<FleetResource> = placed.resources.iter().map(|(resource, _)| resource.clone()).collect();
    programs.extend(placed.needs.iter().cloned());
    programs.sort();
    programs.dedup();
    graph.place(key, placed);
    for resource in std::mem::replace(&mut node.offered, offered).difference(&node.offered) {
        graph.take_back(resource);
    }
    Ok(programs)
}

/// Tells what a configuration asks of its own listener, and cannot have of a Gateway's, which others share.
fn shared(listener: &config::Listener, notes: &mut Vec<String>) -> Result<(), Fault> {
    let tls = listener.tls.as_ref();
    if tls.is_some_and(|tls| !tls.client_ca_bundle.is_empty()) {
        let message = "tls.enable_mtls: clients of a Gateway's listener are not asked for certificates, and without that everybody comes in";
        return Err(("Invalid", message.to_owned()));
    }
    if tls.is_some() {
        notes.push("tls: the Gateway's own is spoken".to_owned());
    }
    if listener.limits.is_some() {
        let message =
            "timeouts of clients and max_header_bytes are not applied: a Gateway's listener is shared with others";
        notes.push(message.to_owned());
    }
    Ok(())
}

impl ConfigNode {
    /// Why the present version is not what is served.
    fn fault(&self) -> Option<Fault> {
        let effect = match &self.served {
            Some(_) => "the last good version stays in use",
            None => "it is not in use",
        };
        if let Some(fault) = &self.source.fault {
            return Some(("Invalid", format!("{fault}; {effect}")));
        }
        let Some(checked) = &self.checked else {
            return Some(("Invalid", format!("there is neither spec.config nor spec.text; {effect}")));
        };
        let errors: Vec<String> = self.told(&checked.problems, Severity::Error).collect();
        (!errors.is_empty()).then(|| ("Invalid", format!("{}; {effect}", joined(errors))))
    }

    /// What its owner may not mean, and `notes` beside it.
    fn warnings(&self, notes: Vec<String>) -> String {
        let problems = self.checked.iter().flat_map(|checked| self.told(&checked.problems, Severity::Warning));
        joined(notes.into_iter().chain(problems).collect())
    }

    fn told<'p>(&'p self, problems: &'p [Problem], severity: Severity) -> impl Iterator<Item = String> + use<'p> {
        let has_places = self.source.good.as_ref().is_some_and(|spec| spec.has_places());
        let of = problems.iter().filter(move |problem| problem.severity == severity);
        of.map(move |Problem { place, path, message, .. }| {
            let place = if has_places { format!("{place}: ") } else { String::new() };
            if path.is_empty() { format!("{place}{message}") } else { format!("{place}{path}: {message}") }
        })
    }
}

/// The first of several sentences.
fn joined(mut sentences: Vec<String>) -> String {
    if sentences.len() > MOST_TOLD {
        let more = sentences.split_off(MOST_TOLD).len();
        sentences.push(format!("and {more} more"));
    }
    sentences.join("; ")
}

fn cut(message: String) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message,
    }
}
