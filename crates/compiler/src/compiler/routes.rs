//! Routes: where they attach and what they do there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::gateway::HttpRouteSpec;

use super::{Compiler, Work};
use crate::change::ObjectKey;
use crate::fleet::encode;
use crate::gateway::Standing;
use crate::output::{
    ACCEPTED, Finding, ObjectStatus, PARTIALLY_INVALID, ParentReport, Program, RESOLVED_REFS, Report, UNSUPPORTED_VALUE,
};
use crate::route::{Attachment, Parent, Rules, Scope, attach, parent_key, rules};
use crate::source::Source;

/// A route.
#[derive(Debug)]
pub(super) struct RouteNode {
    pub(super) source: Source<HttpRouteSpec>,
    /// What it has brought to fleets.
    resources: Vec<Program>,
    /// Backends that it uses, and where.
    backends: Vec<(Arc<str>, Arc<str>)>,
    /// Listeners that count it.
    counted: BTreeSet<(ObjectKey, String)>,
}

/// What a route has at each fleet's listeners: hostnames by the listener's resource.
type Attachments = BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<String>>>;

impl RouteNode {
    pub(super) fn new(source: Source<HttpRouteSpec>) -> Self {
        Self { source, resources: Vec::new(), backends: Vec::new(), counted: BTreeSet::new() }
    }
}

impl Compiler {
    pub(super) fn settle_routes(&mut self, work: &mut Work) {
        for key in std::mem::take(&mut work.routes) {
            self.withdraw_route(&key, work);
            let Some(node) = self.routes.get(&key) else { continue };
            let Some(spec) = &node.source.good else { continue };
            let scope = Scope { backends: &|name| self.backend_state(name), regex_bytes: self.options.regex_bytes };
            let mut rules = rules(&spec.rules, &scope);
            rules.left.splice(..0, spec.unhonoured().into_iter().map(|it| it.field));
            let mut attachments = Attachments::new();
            let mut counted = BTreeSet::new();
            let mut parents = Vec::new();
            for parent_ref in &spec.parent_refs {
                let gateway = parent_key(&key, parent_ref).ok();
                let face = gateway.as_ref().and_then(|it| self.gateways.get(it)).and_then(|node| node.face.as_ref());
                let labels = self.namespaces.get(&key.namespace);
                let (controller_name, accepted) = match attach(&key, &spec.hostnames, parent_ref, face, labels) {
                    Parent::Foreign => continue,
                    Parent::Refused(controller_name, finding) => (controller_name, finding),
                    Parent::Attached(controller_name, attached) => {
                        let accepted = accepted(&node.source, &rules);
                        if let (Some(gateway), Some(Standing::Served(serving))) =
                            (gateway, face.map(|face| &face.standing))
                        {
                            if rules.any_sound {
                                counted.extend(attached.iter().map(|it| (gateway.clone(), it.listener.clone())));
                            }
                            collect(attachments.entry(serving.fleet.clone()).or_default(), attached);
                        }
                        (controller_name, accepted)
                    }
                };
                let conditions = [Some(accepted), Some(resolved(&rules)), partially_invalid(&rules)];
                let conditions = conditions.into_iter().flatten().collect();
                parents.push(ParentReport { parent_ref: parent_ref.clone(), controller_name, conditions });
            }
            attachments.retain(|_, listeners| !listeners.is_empty());
            self.bring_route(&key, rules, attachments, counted, parents, work);
        }
    }

    /// Brings a compiled route to its fleets, and says so.
    fn bring_route(
        &mut self,
        key: &ObjectKey,
        rules: Rules,
        attachments: Attachments,
        counted: BTreeSet<(ObjectKey, String)>,
        parents: Vec<ParentReport>,
        work: &mut Work,
    ) {
        let Some(node) = self.routes.get_mut(key) else { return };
        let resource = Arc::from(ResourceName::Route(key.scoped()));
        let order_key = format!("{}/{}", node.source.created, key.path());
        for (fleet, listeners) in attachments {
            let attachments = listeners
                .into_iter()
                .map(|(listener, hostnames)| config::Attachment { listener: listener.to_string(), hostnames });
            let route = config::Route {
                attachments: attachments.collect(),
                rules: rules.compiled.clone(),
                order_key: order_key.clone(),
            };
            self.fleets.put(&fleet, &resource, encode(config::resource::Kind::Route(route)));
            self.compiled += 1;
            for backend in &rules.backends {
                self.backend_usage.add(backend, &fleet);
                node.backends.push((backend.clone(), fleet.clone()));
            }
            node.resources.push((fleet, resource.clone()));
        }
        for (gateway, listener) in &counted {
            *self.attached.entry(gateway.clone()).or_default().entry(listener.clone()).or_default() += 1;
            work.gateway_reports.insert(gateway.clone());
        }
        node.counted = counted;
        // What proxies hold of an earlier version says nothing about the present one.
        let present = node.source.fault.is_none();
        let status = ObjectStatus {
            key: key.clone(),
            generation: node.source.generation,
            report: Report::HttpRoute { parents },
            programs: node.resources.iter().filter(|_| present).cloned().collect(),
        };
        self.reports.say(status);
    }

    /// Takes back what a route has brought to fleets and Gateways.
    pub(super) fn withdraw_route(&mut self, key: &ObjectKey, work: &mut Work) {
        let Some(node) = self.routes.get_mut(key) else { return };
        for (fleet, name) in std::mem::take(&mut node.resources) {
            self.fleets.remove(&fleet, &name);
        }
        for (backend, fleet) in std::mem::take(&mut node.backends) {
            self.backend_usage.release(&backend, &fleet);
        }
        for (gateway, listener) in std::mem::take(&mut node.counted) {
            if let Some(counts) = self.attached.get_mut(&gateway) {
                if let Some(count) = counts.get_mut(&listener) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&listener);
                    }
                }
                if counts.is_empty() {
                    self.attached.remove(&gateway);
                }
            }
            work.gateway_reports.insert(gateway);
        }
    }
}

/// Adds attachments by listener resource. Of several parents that lead to one listener each says the same.
fn collect(listeners: &mut BTreeMap<Arc<str>, Vec<String>>, attached: Vec<Attachment>) {
    for attachment in attached {
        for resource in attachment.resources {
            listeners.insert(resource, attachment.hostnames.clone());
        }
    }
}

fn accepted(source: &Source<HttpRouteSpec>, rules: &Rules) -> Finding {
    if let Some(fault) = &source.fault {
        let message = format!("{fault}; the last good version stays in use");
        return Finding::no(ACCEPTED, "UnsupportedValue", message);
    }
    match rules.faults.first() {
        Some(first) if !rules.any_sound => Finding::no(ACCEPTED, first.reason, fault_message(rules)),
        _ if !rules.left.is_empty() => {
            let fields = rules.left.join(", ");
            let message = format!("{fields} is not supported; everything else of the route is in force");
            Finding::no(ACCEPTED, UNSUPPORTED_VALUE, message)
        }
        _ => Finding::holds(ACCEPTED),
    }
}

fn resolved(rules: &Rules) -> Finding {
    match rules.ref_faults.first() {
        None => Finding::holds(RESOLVED_REFS),
        Some(first) => {
            let messages: Vec<_> = rules.ref_faults.iter().map(|fault| fault.message.as_str()).collect();
            Finding::no(RESOLVED_REFS, first.reason, messages.join("; "))
        }
    }
}

/// Where some rules are honoured and others are not. Gateway API: the message begins with `Dropped Rule`.
fn partially_invalid(rules: &Rules) -> Option<Finding> {
    let first = rules.faults.first().filter(|_| rules.any_sound)?;
    Some(Finding::yes(PARTIALLY_INVALID, first.reason, format!("Dropped Rule: {}", fault_message(rules))))
}

fn fault_message(rules: &Rules) -> String {
    let messages: Vec<_> = rules.faults.iter().map(|fault| fault.message.as_str()).collect();
    messages.join("; ")
}
