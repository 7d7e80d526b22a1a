//! Where a Gateway listens, and what it answers for hosts that no service has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use backstay_compiler::{Graph, ObjectKey, Placed};
use backstay_model::ResourceName;
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

/// Listeners of a Gateway, by their resources, for each fleet that has some.
pub(super) type Listeners = BTreeMap<Arc<str>, Vec<Arc<str>>>;

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

    /// Where it listens. Empty where it is not there, or nothing of it is served.
    pub(super) fn listeners(&self, graph: &Graph) -> Listeners {
        let mut listeners = Listeners::new();
        for key in self.keys() {
            for (fleet, resource) in graph.placed(&key) {
                if let Some(ResourceName::Listener { .. }) = ResourceName::parse(resource) {
                    listeners.entry(fleet.clone()).or_default().push(resource.clone());
                }
            }
        }
        listeners
    }
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

pub(super) fn attachments(listeners: &[Arc<str>], hostnames: &[String]) -> Vec<config::Attachment> {
    let attached =
        |listener: &Arc<str>| config::Attachment { listener: listener.to_string(), hostnames: hostnames.to_vec() };
    listeners.iter().map(attached).collect()
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
        for (fleet, listeners) in gateway.listeners(graph) {
            let route = config::Route {
                attachments: attachments(&listeners, &[]),
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
