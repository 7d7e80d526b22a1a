//! Where a Gateway listens, and what it answers for hosts that no service has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey, Opening, Placed};
use backstay_destination::hostname;
use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_resources::gateway::{APOXY_GATEWAY, GATEWAY};

use super::FastlyFrontEnd;
use crate::compile::{name, unknown_host};
use crate::object::FASTLY_SERVICE;

/// A Gateway, of whichever group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GatewayName {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl GatewayName {
    /// Reads `NAMESPACE/NAME`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        (!namespace.is_empty() && !name.is_empty() && !name.contains('/'))
            .then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// The objects that it may be.
    pub(super) fn keys(&self) -> [ObjectKey; 2] {
        [&GATEWAY, &APOXY_GATEWAY].map(|kind| ObjectKey::new(kind, &self.namespace, &self.name))
    }

    /// What there is to attach to. Empty where there is no such Gateway, or it is not served.
    fn openings<'a>(&self, graph: &'a Graph) -> impl Iterator<Item = (ObjectKey, &'a Opening)> {
        self.keys().into_iter().flat_map(|key| graph.openings(&key).iter().map(move |opening| (key.clone(), opening)))
    }

    /// Where a service with these hostnames attaches.
    ///
    /// # Errors
    /// Why it does not, in one word and in more.
    pub(super) fn attach(&self, hostnames: &[String], graph: &Graph) -> Result<Attached, (&'static str, String)> {
        let mut attached = Attached::default();
        let (mut is_there, mut is_allowed) = (false, false);
        for (key, opening) in self.openings(graph) {
            is_there = true;
            if !admits(opening) {
                continue;
            }
            is_allowed = true;
            let Some(hostnames) = hostname::served(opening.hostname.as_deref(), hostnames) else { continue };
            attached.listeners.insert((key, opening.listener.clone()));
            for (fleet, listener) in &opening.resources {
                let attachment = config::Attachment { listener: listener.to_string(), hostnames: hostnames.clone() };
                attached.by_fleet.entry(fleet.clone()).or_default().push(attachment);
            }
        }
        if !is_there {
            return Err(("NoGateway", format!("Gateway {self} is not there, or none of its listeners is served")));
        }
        if !is_allowed {
            return Err(("NotAllowedByListeners", format!("allowedRoutes of Gateway {self} allow no FastlyService")));
        }
        if attached.listeners.is_empty() {
            let message = format!("no listener of Gateway {self} serves any of the domains {}", hostnames.join(", "));
            return Err(("NoMatchingListenerHostname", message));
        }
        Ok(attached)
    }
}

/// Whether services may attach.
fn admits(opening: &Opening) -> bool {
    opening.kinds.iter().any(|kind| **kind == FASTLY_SERVICE)
}

/// Where a service is attached.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// By Gateway and name: where it counts.
    pub(super) listeners: BTreeSet<(ObjectKey, String)>,
    /// Of listeners that are served.
    pub(super) by_fleet: BTreeMap<Arc<str>, Vec<config::Attachment>>,
}

impl fmt::Display for GatewayName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// One rule for every path, after those of all other routes.
pub(super) fn rule(sequence: config::Sequence) -> config::Rule {
    let path = config::PathMatch { kind: Some(config::path_match::Kind::Prefix("/".to_owned())) };
    config::Rule {
        matches: vec![config::Match { path: Some(path), ..Default::default() }],
        action: Some(config::rule::Action::Sequence(sequence)),
        ..Default::default()
    }
}

impl FastlyFrontEnd {
    /// A Gateway with services answers for every other host as well, unless another route does.
    pub(super) fn place_unknown_hosts(&mut self, gateway: &GatewayName, graph: &mut Graph) {
        // No service has a namespace, so that this is none of their keys.
        let owner = ObjectKey::new(&FASTLY_SERVICE, &gateway.namespace, &gateway.name);
        if self.gateways.get(gateway).is_none_or(|services| services.is_empty()) {
            self.gateways.remove(gateway);
            return graph.withdraw(&owner);
        }
        let resource = name::unknown_hosts(&gateway.namespace, &gateway.name);
        let mut placed = Placed::default();
        // Only where a service may be.
        for (fleet, attachments) in gateway.attach(&[], graph).unwrap_or_default().by_fleet {
            let route = config::Route {
                attachments,
                rules: vec![rule(unknown_host::sequence())],
                // After all others, whose keys begin with a date.
                order_key: format!("~{gateway}"),
                ..config::Route::default()
            };
            placed.resources.push(((fleet, resource.clone()), Resource::Route(route)));
        }
        graph.place(&owner, placed);
    }
}
