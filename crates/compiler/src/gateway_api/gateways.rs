//! Gateways: who serves them, who gets which port, and their listeners.

use std::collections::{BTreeMap, BTreeSet};

use backstay_proto::config;
use backstay_resources::gateway::{APOXY_GATEWAY, CONTROLLER_NAME, GATEWAY};

use super::node::{GatewayNode, ListenerNotes, Port, class_key};
use super::tables::Tables;
use crate::change::ObjectKey;
use crate::gateway::{
    Claim, Conflict, GatewayStatus, ListenerOutcome, ListenerView, Placement, Site, claimed_port, conflicts,
    controller, gateway_status, left, listener,
};
use crate::graph::{Graph, Opening, Placed};
use crate::hostname;
use crate::output::{ACCEPTED, Condition, GatewayAddresses, ListenerReport, ObjectStatus, Report};
use crate::route::GatewayView;
use crate::secret::SecretName;

impl Tables {
    pub(super) fn recompile_gateways(&mut self, graph: &mut Graph) {
        let mut changed = graph.take_dirty(&GATEWAY);
        changed.extend(graph.take_dirty(&APOXY_GATEWAY));
        let mut stale = BTreeSet::new();
        let mut before: BTreeMap<ObjectKey, Option<GatewayView>> = BTreeMap::new();
        for key in changed {
            let Some(node) = self.gateways.get(&key) else { continue };
            before.insert(key.clone(), node.view.clone());
            let view = self.gateway_view(&key, node);
            self.claim_ports(&key, view);
            stale.insert(key);
        }
        self.work.ports.extend(graph.take_claimed());
        for port in std::mem::take(&mut self.work.ports) {
            self.recompile_port(&port, &mut stale, graph);
        }
        for key in stale {
            let Some(node) = self.gateways.get(&key) else { continue };
            let before = before.remove(&key).unwrap_or_else(|| node.view.clone());
            self.recompile_listeners(&key, graph);
            if self.gateways.get(&key).is_some_and(|node| node.view != before) {
                graph.changed(&key);
            }
            self.work.gateway_reports.insert(key);
        }
    }

    /// Decides who serves a Gateway. The listeners of the view follow later.
    fn gateway_view(&self, key: &ObjectKey, node: &GatewayNode) -> GatewayView {
        let Some(spec) = &node.source.good else {
            let message = node.source.fault.as_ref().map(ToString::to_string).unwrap_or_default();
            let status = GatewayStatus::Refused { reason: "Invalid", message };
            return GatewayView { controller_name: CONTROLLER_NAME, status, listeners: Vec::new() };
        };
        let class = self.classes.get(&class_key(key, spec)).and_then(|class| class.good.as_ref());
        GatewayView {
            controller_name: class.and_then(controller).unwrap_or(CONTROLLER_NAME),
            status: gateway_status(spec, class, |proxy| self.proxies.contains(proxy)),
            listeners: Vec::new(),
        }
    }

    /// Claims the ports of a Gateway, as it is now.
    fn claim_ports(&mut self, key: &ObjectKey, view: GatewayView) {
        let Some(node) = self.gateways.get_mut(key) else { return };
        let mut ports = BTreeSet::new();
        if let (GatewayStatus::Served(placement), Some(spec)) = (&view.status, &node.source.good) {
            ports.extend(spec.listeners.iter().filter_map(claimed_port).map(|port| (placement.fleet.clone(), port)));
        }
        let before = std::mem::replace(&mut node.ports, ports.clone());
        node.conflicts.clear();
        node.view = Some(view);
        for port in &before {
            self.unclaim(port, key);
        }
        for port in &ports {
            self.claims.entry(port.clone()).or_default().insert(key.clone());
        }
        self.work.ports.extend(before);
        self.work.ports.extend(ports);
    }

    /// A Gateway claims a port no longer.
    pub(super) fn unclaim(&mut self, port: &Port, key: &ObjectKey) {
        if let Some(gateways) = self.claims.get_mut(port) {
            gateways.remove(key);
            if gateways.is_empty() {
                self.claims.remove(port);
            }
        }
    }

    /// Decides who gets a port. Whoever's outcome changes is added to `stale`.
    fn recompile_port(&mut self, port: &Port, stale: &mut BTreeSet<ObjectKey>, graph: &mut Graph) {
        let mut claims = Vec::new();
        let mut outcomes: BTreeMap<&ObjectKey, BTreeMap<usize, Conflict>> = BTreeMap::new();
        for key in self.claims.get(port).into_iter().flatten() {
            let Some(node) = self.gateways.get(key) else { continue };
            let (Some(spec), Some(placement)) = (&node.source.good, node.placement()) else { continue };
            outcomes.insert(key, BTreeMap::new());
            let listeners = spec.listeners.iter().enumerate();
            claims.extend(listeners.filter(|(_, it)| claimed_port(it) == Some(port.1)).map(|(index, it)| Claim {
                gateway: key,
                created: node.source.created,
                index,
                name: &it.name,
                protocol: &it.protocol,
                hostname: hostname::canonical(it.hostname.as_deref().unwrap_or_default()),
                addresses: &placement.addresses,
            }));
        }
        // Those of other dialects have one listener each.
        claims.extend(graph.claims(port).map(|(key, claim)| Claim {
            gateway: key,
            created: claim.created,
            index: 0,
            name: "own",
            protocol: claim.protocol,
            hostname: String::new(),
            addresses: &claim.addresses,
        }));
        let losers = conflicts(&mut claims);
        let mut others: BTreeMap<ObjectKey, Option<String>> =
            graph.claims(port).map(|(key, _)| (key.clone(), None)).collect();
        let mut outcomes: BTreeMap<ObjectKey, _> =
            outcomes.into_iter().map(|(key, outcome)| (key.clone(), outcome)).collect();
        for (key, index, conflict) in losers {
            match others.get_mut(&key) {
                Some(other) => *other = Some(conflict.message),
                None => {
                    outcomes.entry(key).or_default().insert(index, conflict);
                }
            }
        }
        for (key, conflict) in others {
            graph.settle_port(&key, conflict);
        }
        for (key, outcome) in outcomes {
            let Some(node) = self.gateways.get_mut(&key) else { continue };
            let Some(spec) = &node.source.good else { continue };
            let on_port = |index: &usize| spec.listeners.get(*index).and_then(claimed_port) == Some(port.1);
            let old: BTreeMap<_, _> =
                node.conflicts.iter().filter(|(index, _)| on_port(index)).map(|(at, it)| (*at, it.clone())).collect();
            if old != outcome {
                node.conflicts.retain(|index, _| !on_port(index));
                node.conflicts.extend(outcome);
                stale.insert(key);
            }
        }
    }

    /// Compiles the listeners of a Gateway and brings them to its fleet.
    fn recompile_listeners(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.gateways.get_mut(key) else {
            graph.open(key, Vec::new());
            return graph.withdraw(key);
        };
        let placement = node.placement().cloned();
        let mut outcomes: Vec<ListenerOutcome> = Vec::new();
        if let (Some(placement), Some(spec)) = (&placement, &node.source.good) {
            let site = Site { gateway: key, placement, guests: &self.options.guests };
            outcomes.extend(spec.listeners.iter().enumerate().map(|(index, wanted)| {
                let granted = |secret: &SecretName| self.grants.let_gateway(key, secret);
                listener(site, wanted, node.conflicts.get(&index), granted, |secret| {
                    (graph.secret_fault(secret), graph.last_good_secret(secret))
                })
            }));
        }
        node.listeners.clear();
        let mut views = Vec::new();
        let mut placed = Placed::default();
        // What proxies hold of an earlier version says nothing about the present one.
        let present = node.source.fault.is_none();
        for ListenerOutcome { view, supported_kinds, conditions, configs, secrets } in outcomes {
            let mut programs = Vec::new();
            if let Some(placement) = &placement {
                for (name, config) in view.resources.iter().zip(configs) {
                    let resource = (placement.fleet.clone(), name.clone());
                    placed.resources.push((resource.clone(), config::resource::Kind::Listener(config)));
                    programs.push(resource);
                }
                for secret in secrets {
                    let resource = (placement.fleet.clone(), secret.resource());
                    placed.needs.push(resource.clone());
                    programs.push(resource);
                }
            }
            programs.retain(|_| present);
            programs.sort();
            node.listeners.push(ListenerNotes { supported_kinds, conditions, programs });
            views.push(view);
        }
        let labels = self.namespaces.get(&key.namespace);
        let opening = |view: &ListenerView| Opening {
            listener: view.name.clone(),
            hostname: view.hostname.clone(),
            kinds: view.allowed.guests(key, labels).to_vec(),
            resources: placement
                .iter()
                .flat_map(|placement| view.resources.iter().map(|name| (placement.fleet.clone(), name.clone())))
                .collect(),
        };
        let openings = views.iter().map(opening).collect();
        if let Some(view) = &mut node.view {
            view.listeners = views;
        }
        graph.place(key, placed);
        graph.open(key, openings);
    }

    pub(super) fn report_gateways(&mut self, graph: &mut Graph) {
        let mut changed = std::mem::take(&mut self.work.gateway_reports);
        changed.append(&mut graph.take_recounted());
        for key in changed {
            let Some(node) = self.gateways.get(&key) else { continue };
            let Some(view) = &node.view else { continue };
            let accepted = match &view.status {
                GatewayStatus::Foreign => {
                    graph.retract(key, node.source.generation);
                    continue;
                }
                GatewayStatus::Pending(message) => Condition::unknown(ACCEPTED, "Pending", message.clone()),
                GatewayStatus::Refused { reason, message } => Condition::no(ACCEPTED, reason, message.clone()),
                GatewayStatus::Served(_) => served(node),
            };
            let listeners = node.listeners.iter().zip(&view.listeners).map(|(notes, view)| ListenerReport {
                name: view.name.clone(),
                supported_kinds: notes.supported_kinds.clone(),
                attached_routes: graph.attached(&key, &view.name),
                conditions: notes.conditions.clone(),
                programs: notes.programs.clone(),
            });
            let listeners: Vec<_> = listeners.collect();
            let mut programs: Vec<_> = node.listeners.iter().flat_map(|notes| notes.programs.iter().cloned()).collect();
            programs.sort();
            programs.dedup();
            let addresses = node.placement().map(|placement| addresses(placement, view));
            let report = Report::of_gateway(vec![accepted], listeners, addresses);
            let generation = node.source.generation;
            graph.report(ObjectStatus { key, generation, report: report.into(), programs });
        }
    }
}

/// Where a Gateway is reached, with what proxies must acknowledge to listen there.
fn addresses(placement: &Placement, view: &GatewayView) -> GatewayAddresses {
    let resources = |index: usize| {
        let resources = view.listeners.iter().filter_map(|listener| listener.resources.get(index));
        resources.map(|name| (placement.fleet.clone(), name.clone())).collect()
    };
    let named = placement.addresses.iter().enumerate().filter(|(_, address)| !address.is_empty());
    let given = named.map(|(index, address)| (address.clone(), resources(index))).collect();
    GatewayAddresses { fleet: placement.fleet.clone(), source: placement.source, given }
}

/// Whether a Gateway that is served is accepted whole.
fn served(node: &GatewayNode) -> Condition {
    if let Some(fault) = &node.source.fault {
        return Condition::no(ACCEPTED, "Invalid", format!("{fault}; the last good version stays in use"));
    }
    if let Some(left) = node.source.good.as_ref().and_then(left) {
        return left;
    }
    let names = node.view.iter().flat_map(|view| &view.listeners).map(|listener| listener.name.as_str());
    let accepted = |notes: &ListenerNotes| notes.conditions.contains(&Condition::holds(ACCEPTED));
    let refused: Vec<_> =
        names.zip(&node.listeners).filter(|(_, notes)| !accepted(notes)).map(|(name, _)| name).collect();
    let message = format!("listeners {} are not accepted; their conditions say why", refused.join(", "));
    if refused.is_empty() {
        Condition::holds(ACCEPTED)
    } else if refused.len() < node.listeners.len() {
        Condition::yes(ACCEPTED, "ListenersNotValid", message)
    } else {
        Condition::no(ACCEPTED, "ListenersNotValid", message)
    }
}
