//! Configurations, as they change: what proxies hold of them, and what is said about them.
//!
//! A configuration has one route, on the listeners of its Gateway or on one of its own. What is wrong with the present version
//! keeps the last good one in use.
//!
//! # Layout
//!
//! - `placement`: where it is served. `service`: what fleets hold, and what is said. `overlap`: configurations that want the same
//!   requests.

mod overlap;
mod placement;
mod service;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use backstay_compiler::{FrontEnd, Graph, LastGood, ObjectKey, PortClaim};
use backstay_resources::core::SECRET;
use backstay_resources::{Kind, Object};

use self::overlap::Standing;
use crate::check::{Checked, examine};
use crate::compile::{Compiled, ConfigName, File, Files, Input};
use crate::kind::{KINDS, KRAKEND_CONFIG, KrakendConfig, KrakendConfigSpec};

/// Compiles configurations of KrakenD.
#[derive(Debug, Default)]
pub struct KrakendFrontEnd {
    configs: HashMap<ObjectKey, ConfigNode>,
    /// Configurations on listeners that others serve on as well, by these.
    shared: BTreeMap<overlap::FleetListener, BTreeSet<ObjectKey>>,
}

/// A configuration.
struct ConfigNode {
    source: LastGood<KrakendConfigSpec>,
    /// What is said of the present version.
    checked: Option<Checked>,
    /// The last version that could be compiled, as it is now.
    served: Option<Served>,
    /// Resources that it offers.
    offered: BTreeSet<Arc<str>>,
    /// What others see of it.
    standing: Standing,
}

/// What is served of a configuration. May hold keys, so it is not printed.
struct Served {
    spec: KrakendConfigSpec,
    compiled: Compiled,
}

impl fmt::Debug for ConfigNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ConfigNode");
        shown.field("source", &self.source).field("is_served", &self.served.is_some());
        shown.finish_non_exhaustive()
    }
}

impl KrakendFrontEnd {
    /// A front end that knows no objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compiles what a configuration is now, from what is at hand.
    fn examine(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.configs.get_mut(key) else { return };
        let Some(spec) = node.source.good.clone().filter(|_| node.source.fault.is_none()) else {
            node.checked = None;
            return;
        };
        graph.link(key, placement::links(key, &spec));
        let Some((text, format)) = spec.source() else { return };
        let (files, product) = (files(key, &spec, graph), spec.product());
        let revoked = spec.revoked_tokens.clone();
        let input = Input { name: name(key), files, product, debug: spec.debug, revoked };
        let (checked, compiled) = examine(&text, format, spec.options(), &input);
        node.checked = Some(checked);
        if let Some(compiled) = compiled {
            node.served = Some(Served { spec, compiled });
        }
        graph.claim_port(key, claim(node));
    }

    fn remove(&mut self, key: &ObjectKey, graph: &mut Graph) {
        let Some(node) = self.configs.remove(key) else { return };
        graph.withdraw(key);
        graph.link(key, []);
        graph.claim_port(key, None);
        node.offered.iter().for_each(|resource| graph.take_back(resource));
        self.leave(key, node.standing, graph);
    }
}

impl FrontEnd for KrakendFrontEnd {
    fn kinds(&self) -> &[&'static Kind] {
        &KINDS
    }

    /// Who claims which port must be known before anybody compiles, and so the whole is compiled here.
    fn read(&mut self, key: &ObjectKey, object: Option<&Object>, graph: &mut Graph) {
        let before = self.configs.get(key).map(|node| &node.source);
        let parse = |object: &Object| object.typed::<KrakendConfig>().map(|config| config.spec);
        let Some(source) = graph.diff(key, object, before, parse) else { return };
        // Another object of the same name starts without a past.
        if before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid) {
            self.remove(key, graph);
        }
        let Some(source) = source else { return };
        match self.configs.get_mut(key) {
            Some(node) => node.source = source,
            None => {
                self.configs.insert(
                    key.clone(),
                    ConfigNode {
                        source,
                        checked: None,
                        served: None,
                        offered: BTreeSet::new(),
                        standing: Standing::default(),
                    },
                );
            }
        }
        self.examine(key, graph);
        graph.touch(key.clone());
    }

    fn compile(&mut self, graph: &mut Graph) {
        // Placing one may have others looked at that are beside it.
        loop {
            let dirty = graph.take_dirty(&KRAKEND_CONFIG);
            if dirty.is_empty() {
                return;
            }
            for key in dirty {
                if self.configs.get(&key).is_some_and(ConfigNode::has_secrets) {
                    self.examine(&key, graph);
                }
                self.serve(&key, graph);
            }
        }
    }
}

impl ConfigNode {
    /// Whether what is compiled depends on Secrets.
    fn has_secrets(&self) -> bool {
        self.source.good.iter().flat_map(|spec| &spec.files).any(|file| file.secret_ref.is_some())
    }
}

/// What a configuration is called where it is compiled.
fn name(key: &ObjectKey) -> ConfigName {
    ConfigName { namespace: key.namespace.to_string(), name: key.name.to_string() }
}

/// The files that come with a configuration.
fn files(key: &ObjectKey, spec: &KrakendConfigSpec, graph: &Graph) -> Files {
    let file = |file: &crate::kind::ConfigFile| match &file.secret_ref {
        Some(secret) => File::Secret {
            name: secret.name.clone(),
            key: secret.key.clone(),
            content: graph.secret_value(&key.namespace, &secret.name, &secret.key),
        },
        None => File::Content(file.content.clone().unwrap_or_default().into()),
    };
    Files::Given(spec.files.iter().map(|it| (it.path.clone(), file(it))).collect())
}

/// The port that a configuration claims: that of what is served, so that a mistake gives it to nobody else.
fn claim(node: &ConfigNode) -> Option<PortClaim> {
    let served = node.served.as_ref().filter(|served| served.spec.gateway_ref.is_none())?;
    let listener = &served.compiled.listener;
    Some(PortClaim {
        fleet: placement::fleet(&served.spec),
        port: u16::try_from(listener.port).ok()?,
        created: node.source.created,
        protocol: if listener.tls.is_some() { "HTTPS" } else { "HTTP" },
        addresses: vec![listener.address.clone()],
    })
}

/// The Secrets that files of a configuration are kept in.
fn secrets(key: &ObjectKey, spec: &KrakendConfigSpec) -> impl Iterator<Item = ObjectKey> {
    let names: BTreeSet<String> =
        spec.files.iter().filter_map(|file| file.secret_ref.as_ref()).map(|secret| secret.name.clone()).collect();
    let namespace = key.namespace.clone();
    names.into_iter().map(move |name| ObjectKey::new(&SECRET, &namespace, &name))
}

#[cfg(test)]
mod tests;
