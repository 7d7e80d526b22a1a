//! Gateways: who serves them, who gets which port, and their listeners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::gateway::{
    APOXY_GATEWAY_CLASS, CONTROLLER_NAME, GATEWAY, GATEWAY_CLASS, GatewaySpec, RouteGroupKind,
};

use super::work::Port;
use super::{Compiler, Work};
use crate::change::ObjectKey;
use crate::fleet::encode;
use crate::gateway::{
    Claim, Conflict, ListenerOutcome, Serving, Site, Standing, claimed_port, conflicts, controller, left, listener,
    standing,
};
use crate::hostname;
use crate::output::{ACCEPTED, Finding, ListenerReport, ObjectStatus, Program, Report};
use crate::route::GatewayFace;
use crate::secret::SecretUse;
use crate::source::Source;

/// A Gateway.
#[derive(Debug)]
pub(super) struct GatewayNode {
    pub(super) source: Source<GatewaySpec>,
    /// What routes see. `None` until it has been looked at.
    pub(super) face: Option<GatewayFace>,
    /// Ports that its listeners claim.
    pub(super) ports: BTreeSet<Port>,
    /// By position of the listener.
    conflicts: BTreeMap<usize, Conflict>,
    listeners: Vec<ListenerNotes>,
    /// What it has brought to fleets.
    pub(super) resources: Vec<Program>,
    pub(super) secrets: Vec<(SecretUse, Arc<str>)>,
}

/// What the status says about a listener.
#[derive(Debug)]
struct ListenerNotes {
    supported_kinds: Vec<RouteGroupKind>,
    conditions: Vec<Finding>,
    /// What proxies must have for it, its Secrets included.
    programs: Vec<Program>,
}

impl GatewayNode {
    pub(super) fn new(source: Source<GatewaySpec>) -> Self {
        Self {
            source,
            face: None,
            ports: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            listeners: Vec::new(),
            resources: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn serving(&self) -> Option<&Arc<Serving>> {
        match self.face.as_ref().map(|face| &face.standing) {
            Some(Standing::Served(serving)) => Some(serving),
            _ => None,
        }
    }

    /// Whether labels of namespaces matter to its routes.
    pub(super) fn has_selector(&self) -> bool {
        let listeners = self.face.iter().flat_map(|face| &face.listeners);
        listeners.into_iter().any(|listener| listener.allowed.has_selector())
    }
}

/// The class that a Gateway names: of the same API group.
pub(super) fn class_key(gateway: &ObjectKey, spec: &GatewaySpec) -> ObjectKey {
    let kind = if gateway.kind.group == GATEWAY.group { &GATEWAY_CLASS } else { &APOXY_GATEWAY_CLASS };
    ObjectKey::new(kind, "", &spec.gateway_class_name)
}

impl Compiler {
    pub(super) fn settle_gateways(&mut self, work: &mut Work) {
        let changed = std::mem::take(&mut work.gateways);
        let mut stale = BTreeSet::new();
        let mut before: BTreeMap<ObjectKey, Option<GatewayFace>> = BTreeMap::new();
        for key in changed {
            let Some(node) = self.gateways.get(&key) else { continue };
            before.insert(key.clone(), node.face.clone());
            let face = self.gateway_standing(&key, node);
            self.claim_ports(&key, face, work);
            stale.insert(key);
        }
        for port in std::mem::take(&mut work.ports) {
            self.settle_port(&port, &mut stale);
        }
        for key in stale {
            let Some(node) = self.gateways.get(&key) else { continue };
            let before = before.remove(&key).unwrap_or_else(|| node.face.clone());
            self.settle_listeners(&key);
            if self.gateways.get(&key).is_some_and(|node| node.face != before) {
                work.routes.extend(self.links.gateway_routes.get(&key).cloned());
            }
            work.gateway_reports.insert(key);
        }
    }

    /// Decides who serves a Gateway. The listeners of the face follow later.
    fn gateway_standing(&self, key: &ObjectKey, node: &GatewayNode) -> GatewayFace {
        let Some(spec) = &node.source.good else {
            let message = node.source.fault.as_ref().map(ToString::to_string).unwrap_or_default();
            let standing = Standing::Refused { reason: "Invalid", message };
            return GatewayFace { controller_name: CONTROLLER_NAME, standing, listeners: Vec::new() };
        };
        let class = self.classes.get(&class_key(key, spec)).and_then(|class| class.good.as_ref());
        GatewayFace {
            controller_name: class.and_then(controller).unwrap_or(CONTROLLER_NAME),
            standing: standing(spec, class, |proxy| self.proxies.contains(proxy)),
            listeners: Vec::new(),
        }
    }

    /// Claims the ports of a Gateway, as it is now.
    fn claim_ports(&mut self, key: &ObjectKey, face: GatewayFace, work: &mut Work) {
        let Some(node) = self.gateways.get_mut(key) else { return };
        let mut ports = BTreeSet::new();
        if let (Standing::Served(serving), Some(spec)) = (&face.standing, &node.source.good) {
            ports.extend(spec.listeners.iter().filter_map(claimed_port).map(|port| (serving.fleet.clone(), port)));
        }
        for port in &node.ports {
            self.links.port_gateways.set(port.clone(), key, false);
        }
        for port in &ports {
            self.links.port_gateways.set(port.clone(), key, true);
        }
        work.ports.extend(node.ports.iter().chain(&ports).cloned());
        node.ports = ports;
        node.conflicts.clear();
        node.face = Some(face);
    }

    /// Decides who gets a port. Whoever's fate changes is added to `stale`.
    fn settle_port(&mut self, port: &Port, stale: &mut BTreeSet<ObjectKey>) {
        let mut claims = Vec::new();
        let mut fates: BTreeMap<&ObjectKey, BTreeMap<usize, Conflict>> = BTreeMap::new();
        for key in self.links.port_gateways.get(port) {
            let Some(node) = self.gateways.get(key) else { continue };
            let (Some(spec), Some(serving)) = (&node.source.good, node.serving()) else { continue };
            fates.insert(key, BTreeMap::new());
            let listeners = spec.listeners.iter().enumerate();
            claims.extend(listeners.filter(|(_, it)| claimed_port(it) == Some(port.1)).map(|(index, it)| Claim {
                gateway: key,
                created: node.source.created,
                index,
                name: &it.name,
                protocol: &it.protocol,
                hostname: hostname::canonical(it.hostname.as_deref().unwrap_or_default()),
                addresses: &serving.addresses,
            }));
        }
        let losers = conflicts(&mut claims);
        let mut fates: BTreeMap<ObjectKey, _> = fates.into_iter().map(|(key, fate)| (key.clone(), fate)).collect();
        for (key, index, conflict) in losers {
            fates.entry(key).or_default().insert(index, conflict);
        }
        for (key, fate) in fates {
            let Some(node) = self.gateways.get_mut(&key) else { continue };
            let Some(spec) = &node.source.good else { continue };
            let on_port = |index: &usize| spec.listeners.get(*index).and_then(claimed_port) == Some(port.1);
            let old: BTreeMap<_, _> =
                node.conflicts.iter().filter(|(index, _)| on_port(index)).map(|(at, it)| (*at, it.clone())).collect();
            if old != fate {
                node.conflicts.retain(|index, _| !on_port(index));
                node.conflicts.extend(fate);
                stale.insert(key);
            }
        }
    }

    /// Compiles the listeners of a Gateway and brings them to its fleet.
    fn settle_listeners(&mut self, key: &ObjectKey) {
        self.withdraw_gateway(key);
        let Some(node) = self.gateways.get(key) else { return };
        let serving = node.serving().cloned();
        let mut outcomes: Vec<ListenerOutcome> = Vec::new();
        if let (Some(serving), Some(spec)) = (&serving, &node.source.good) {
            let site = Site { gateway: key, serving };
            outcomes.extend(spec.listeners.iter().enumerate().map(|(index, wanted)| {
                listener(site, wanted, node.conflicts.get(&index), |secret| {
                    (self.secret_fault(secret), self.kept_secret(secret))
                })
            }));
        }
        let Some(node) = self.gateways.get_mut(key) else { return };
        node.listeners.clear();
        let mut faces = Vec::new();
        // What proxies hold of an earlier version says nothing about the present one.
        let present = node.source.fault.is_none();
        for ListenerOutcome { face, supported_kinds, conditions, configs, secrets } in outcomes {
            let mut programs = Vec::new();
            for (name, config) in face.resources.iter().zip(configs) {
                let Some(serving) = &serving else { continue };
                self.fleets.put(&serving.fleet, name, encode(config::resource::Kind::Listener(config)));
                self.compiled += 1;
                node.resources.push((serving.fleet.clone(), name.clone()));
                programs.push((serving.fleet.clone(), name.clone()));
            }
            for secret in secrets {
                let Some(serving) = &serving else { continue };
                self.secret_usage.add(&secret, &serving.fleet);
                programs.push((serving.fleet.clone(), secret.resource()));
                node.secrets.push((secret, serving.fleet.clone()));
            }
            programs.retain(|_| present);
            programs.sort();
            node.listeners.push(ListenerNotes { supported_kinds, conditions, programs });
            faces.push(face);
        }
        if let Some(face) = &mut node.face {
            face.listeners = faces;
        }
    }

    /// Takes back what a Gateway has brought to fleets.
    pub(super) fn withdraw_gateway(&mut self, key: &ObjectKey) {
        let Some(node) = self.gateways.get_mut(key) else { return };
        for (fleet, name) in std::mem::take(&mut node.resources) {
            self.fleets.remove(&fleet, &name);
        }
        for (secret, fleet) in std::mem::take(&mut node.secrets) {
            self.secret_usage.release(&secret, &fleet);
        }
    }

    pub(super) fn report_gateways(&mut self, work: &mut Work) {
        for key in std::mem::take(&mut work.gateway_reports) {
            let Some(node) = self.gateways.get(&key) else { continue };
            let Some(face) = &node.face else { continue };
            let accepted = match &face.standing {
                Standing::Foreign => {
                    self.reports.withdraw(key, node.source.generation);
                    continue;
                }
                Standing::Pending(message) => Finding::unknown(ACCEPTED, "Pending", message.clone()),
                Standing::Refused { reason, message } => Finding::no(ACCEPTED, reason, message.clone()),
                Standing::Served(_) => served(node),
            };
            let counts = self.attached.get(&key);
            let listeners = node.listeners.iter().zip(&face.listeners).map(|(notes, face)| ListenerReport {
                name: face.name.clone(),
                supported_kinds: notes.supported_kinds.clone(),
                attached_routes: counts.and_then(|counts| counts.get(&face.name)).copied().unwrap_or_default(),
                conditions: notes.conditions.clone(),
                programs: notes.programs.clone(),
            });
            let listeners: Vec<_> = listeners.collect();
            let mut programs: Vec<_> = node.listeners.iter().flat_map(|notes| notes.programs.iter().cloned()).collect();
            programs.sort();
            programs.dedup();
            let spec = node.source.good.as_ref().filter(|_| node.serving().is_some());
            let addresses = spec.map(|spec| spec.addresses.clone()).unwrap_or_default();
            let report = Report::Gateway { conditions: vec![accepted], listeners, addresses };
            let generation = node.source.generation;
            self.reports.say(ObjectStatus { key, generation, report, programs });
        }
    }
}

/// Whether a Gateway that is served is accepted whole.
fn served(node: &GatewayNode) -> Finding {
    if let Some(fault) = &node.source.fault {
        return Finding::no(ACCEPTED, "Invalid", format!("{fault}; the last good version stays in use"));
    }
    if let Some(left) = node.source.good.as_ref().and_then(left) {
        return left;
    }
    let names = node.face.iter().flat_map(|face| &face.listeners).map(|listener| listener.name.as_str());
    let accepted = |notes: &ListenerNotes| notes.conditions.contains(&Finding::holds(ACCEPTED));
    let refused: Vec<_> =
        names.zip(&node.listeners).filter(|(_, notes)| !accepted(notes)).map(|(name, _)| name).collect();
    let message = format!("listeners {} are not accepted; their conditions say why", refused.join(", "));
    if refused.is_empty() {
        Finding::holds(ACCEPTED)
    } else if refused.len() < node.listeners.len() {
        Finding::yes(ACCEPTED, "ListenersNotValid", message)
    } else {
        Finding::no(ACCEPTED, "ListenersNotValid", message)
    }
}
