//! Routes: where they attach and what they do there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_model::ResourceName;
use backstay_proto::config;
use backstay_resources::gateway::{APOXY_HTTP_ROUTE, HTTP_ROUTE, HttpRouteSpec};

use super::read::backend_resource;
use super::tables::Tables;
use crate::change::ObjectKey;
use crate::gateway::GatewayStatus;
use crate::graph::{Graph, Placed};
use crate::last_good::LastGood;
use crate::output::{
    ACCEPTED, Condition, ObjectStatus, PARTIALLY_INVALID, ParentReport, RESOLVED_REFS, Report, UNSUPPORTED_VALUE,
};
use crate::route::{Attachment, Parent, Rules, Scope, attach, parent_key, rules};

/// What a route has at each fleet's listeners: hostnames by the listener's resource.
type Attachments = BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<String>>>;

impl Tables {
    pub(super) fn recompile_routes(&mut self, graph: &mut Graph) {
        let mut changed = graph.take_dirty(&HTTP_ROUTE);
        changed.extend(graph.take_dirty(&APOXY_HTTP_ROUTE));
        for key in changed {
            let good = self.routes.get(&key).and_then(|node| Some((node, node.source.good.as_ref()?)));
            let Some((node, spec)) = good else {
                graph.withdraw(&key);
                graph.attach(&key, BTreeSet::new());
                continue;
            };
            let scope = Scope { backends: &|name| self.backend_state(name), regex_bytes: self.options.regex_bytes };
            let mut rules = rules(&spec.rules, &scope);
            rules.left.splice(..0, spec.unhonoured().into_iter().map(|it| it.field));
            let mut attachments = Attachments::new();
            let mut counted = BTreeSet::new();
            let mut parents = Vec::new();
            let resource: Arc<str> = Arc::from(ResourceName::Route(key.scoped()));
            // What proxies hold of an earlier version says nothing about the present one.
            let present = node.source.fault.is_none();
            for parent_ref in &spec.parent_refs {
                let gateway = parent_key(&key, parent_ref).ok();
                let view = gateway.as_ref().and_then(|it| self.gateways.get(it)).and_then(|node| node.view.as_ref());
                let labels = self.namespaces.get(&key.namespace);
                let mut programs = Vec::new();
                let (controller_name, accepted) = match attach(&key, &spec.hostnames, parent_ref, view, labels) {
                    Parent::Foreign => continue,
                    Parent::Refused(controller_name, finding) => (controller_name, finding),
                    Parent::Attached(controller_name, attached) => {
                        let accepted = accepted(&node.source, &rules);
                        if let (Some(gateway), Some(GatewayStatus::Served(placement))) =
                            (gateway, view.map(|view| &view.status))
                        {
                            if rules.any_sound {
                                counted.extend(attached.iter().map(|it| (gateway.clone(), it.listener.clone())));
                            }
                            if present && !attached.is_empty() {
                                programs.push((placement.fleet.clone(), resource.clone()));
                            }
                            collect(attachments.entry(placement.fleet.clone()).or_default(), attached);
                        }
                        (controller_name, accepted)
                    }
                };
                let conditions = [Some(accepted), Some(resolved(&rules)), partially_invalid(&rules)];
                let conditions = conditions.into_iter().flatten().collect();
                parents.push(ParentReport { parent_ref: parent_ref.clone(), controller_name, conditions, programs });
            }
            attachments.retain(|_, listeners| !listeners.is_empty());
            self.bring_route(&key, rules, attachments, counted, parents, graph);
        }
    }

    /// Brings a compiled route to its fleets, and says so.
    fn bring_route(
        &self,
        key: &ObjectKey,
        rules: Rules,
        attachments: Attachments,
        counted: BTreeSet<(ObjectKey, String)>,
        parents: Vec<ParentReport>,
        graph: &mut Graph,
    ) {
        let Some(node) = self.routes.get(key) else { return };
        let resource: Arc<str> = Arc::from(ResourceName::Route(key.scoped()));
        let order_key = format!("{}/{}", node.source.created, key.path());
        let backends: Vec<Arc<str>> = rules.backends.iter().map(|backend| backend_resource(backend)).collect();
        let mut placed = Placed::default();
        for (fleet, listeners) in attachments {
            let attachments = listeners
                .into_iter()
                .map(|(listener, hostnames)| config::Attachment { listener: listener.to_string(), hostnames });
            let route = config::Route {
                attachments: attachments.collect(),
                rules: rules.compiled.clone(),
                order_key: order_key.clone(),
                ..config::Route::default()
            };
            placed.needs.extend(backends.iter().map(|backend| (fleet.clone(), backend.clone())));
            placed.resources.push(((fleet, resource.clone()), config::resource::Kind::Route(route)));
        }
        graph.place(key, placed);
        graph.attach(key, counted);
        // What proxies hold of an earlier version says nothing about the present one.
        let present = node.source.fault.is_none();
        let programs = if present { graph.placed(key).to_vec() } else { Vec::new() };
        graph.report(ObjectStatus {
            key: key.clone(),
            generation: node.source.generation,
            report: Report::of_route(parents).into(),
            programs,
        });
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

fn accepted(source: &LastGood<HttpRouteSpec>, rules: &Rules) -> Condition {
    if let Some(fault) = &source.fault {
        let message = format!("{fault}; the last good version stays in use");
        return Condition::no(ACCEPTED, "UnsupportedValue", message);
    }
    match rules.faults.first() {
        Some(first) if !rules.any_sound => Condition::no(ACCEPTED, first.reason, fault_message(rules)),
        _ if !rules.left.is_empty() => {
            let fields = rules.left.join(", ");
            let message = format!("{fields} is not supported; everything else of the route is in force");
            Condition::no(ACCEPTED, UNSUPPORTED_VALUE, message)
        }
        _ => Condition::holds(ACCEPTED),
    }
}

fn resolved(rules: &Rules) -> Condition {
    match rules.ref_faults.first() {
        None => Condition::holds(RESOLVED_REFS),
        Some(first) => {
            let messages: Vec<_> = rules.ref_faults.iter().map(|fault| fault.message.as_str()).collect();
            Condition::no(RESOLVED_REFS, first.reason, messages.join("; "))
        }
    }
}

/// Where some rules are honoured and others are not. Gateway API: the message begins with `Dropped Rule`.
fn partially_invalid(rules: &Rules) -> Option<Condition> {
    let first = rules.faults.first().filter(|_| rules.any_sound)?;
    Some(Condition::yes(PARTIALLY_INVALID, first.reason, format!("Dropped Rule: {}", fault_message(rules))))
}

fn fault_message(rules: &Rules) -> String {
    let messages: Vec<_> = rules.faults.iter().map(|fault| fault.message.as_str()).collect();
    messages.join("; ")
}
