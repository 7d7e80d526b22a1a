//! Changes in, and changes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_model::{Backend, Discovery, Kind, Resource as Checked, StaticEndpoints, StaticHost};
use backstay_proto::config::{self, resource};
use backstay_xds::{Resource, ResourceChange};
use bytes::Bytes;
use prost::Message;

use super::{Dirty, Omission, Severity, View, secret};
use crate::names::TypeUrl;

/// What has been sent: versions and origins, without the content.
#[derive(Debug, Default)]
pub(super) struct Emitted {
    all: BTreeMap<(TypeUrl, Arc<str>), Origin>,
    /// The resources that the changes at hand are of.
    changed: BTreeSet<Arc<str>>,
}

#[derive(Debug)]
struct Origin {
    version: Arc<str>,
    owners: Vec<Arc<str>>,
    /// Those of the owners that changed when it last did.
    causes: Vec<Arc<str>>,
}

impl Emitted {
    pub(super) fn begin(&mut self) {
        self.changed.clear();
    }

    pub(super) fn changed(&mut self, name: &Arc<str>) {
        self.changed.insert(Arc::clone(name));
    }

    /// Sends a resource, if it is not as it was.
    pub(super) fn put(
        &mut self,
        kind: TypeUrl,
        name: &Arc<str>,
        value: Bytes,
        owners: Vec<Arc<str>>,
        sent: &mut Vec<(TypeUrl, ResourceChange)>,
    ) {
        let resource = Resource::new(Arc::clone(name), value);
        let version = Arc::clone(resource.version());
        match self.all.get_mut(&(kind, Arc::clone(name))) {
            Some(known) if known.version == version => known.owners = owners,
            _ => {
                let changed: Vec<_> = owners.iter().filter(|owner| self.changed.contains(*owner)).cloned().collect();
                let causes = if changed.is_empty() { owners.clone() } else { changed };
                self.all.insert((kind, Arc::clone(name)), Origin { version, owners, causes });
                sent.push((kind, ResourceChange::Put(resource)));
            }
        }
    }

    pub(super) fn remove(&mut self, kind: TypeUrl, name: &str, sent: &mut Vec<(TypeUrl, ResourceChange)>) {
        let name: Arc<str> = name.into();
        if self.all.remove(&(kind, Arc::clone(&name))).is_some() {
            sent.push((kind, ResourceChange::Remove(name)));
        }
    }

    pub(super) fn owners(&self, kind: TypeUrl, name: &str) -> &[Arc<str>] {
        self.all.get(&(kind, name.into())).map_or(&[], |origin| &origin.owners)
    }

    pub(super) fn causes(&self, kind: TypeUrl, name: &str) -> &[Arc<str>] {
        self.all.get(&(kind, name.into())).map_or(&[], |origin| &origin.causes)
    }
}

/// In the order in which a stream should have them.
pub(super) fn by_type(sent: Vec<(TypeUrl, ResourceChange)>) -> Vec<(TypeUrl, Vec<ResourceChange>)> {
    let mut all: BTreeMap<TypeUrl, Vec<ResourceChange>> = BTreeMap::new();
    for (kind, change) in sent {
        all.entry(kind).or_default().push(change);
    }
    TypeUrl::ALL.into_iter().filter_map(|kind| Some((kind, all.remove(&kind)?))).collect()
}

impl View {
    /// Takes in one resource, and notes what depends on it as it was and as it is.
    pub(super) fn take_in(
        &mut self,
        name: &Arc<str>,
        value: Option<Bytes>,
        dirty: &mut Dirty,
        sent: &mut Vec<(TypeUrl, ResourceChange)>,
    ) {
        self.unread.remove(name);
        self.touch(name, dirty);
        let Some(value) = value else { return self.forget(name, dirty, sent) };
        match Checked::decode(name, value.clone()) {
            Ok(Checked::Listener(listener)) => drop(self.listeners.insert(Arc::clone(name), listener)),
            Ok(Checked::Route(route)) => {
                self.unindex(name);
                for attachment in &route.attachments {
                    self.by_listener.entry(Arc::clone(&attachment.listener)).or_default().insert(Arc::clone(name));
                }
                self.routes.insert(Arc::clone(name), route);
            }
            Ok(Checked::Backend(backend)) => {
                if !self.backends.get(name).is_some_and(|before| goes_alike(before, &backend)) {
                    dirty.rerouted.insert(Arc::clone(name));
                }
                self.generations.entry(Arc::clone(name)).or_default().take_in(name, &backend);
                self.backends.insert(Arc::clone(name), *backend);
            }
            Ok(Checked::Secret(_)) => {
                if let Some(content) = content(value) {
                    if let Some(message) = secret::secret(name, &content) {
                        self.emitted.put(TypeUrl::Secret, name, super::encoded(&message), vec![Arc::clone(name)], sent);
                    }
                    self.secrets.insert(Arc::clone(name), content);
                }
            }
            // Only sequences and guards look anything up, which Envoy is not given.
            Ok(Checked::Table(_) | Checked::AddressSet(_) | Checked::Revocations(_)) => {}
            // Of a Proxy object, which is for Backstay's proxies: Envoys have a bootstrap of their own for it.
            Ok(Checked::Telemetry(_)) => {}
            Err(faults) => {
                self.forget(name, dirty, sent);
                let message = format!("cannot be read: {faults}");
                let severity = Severity::LeftOut;
                let omission = Omission { resource: Arc::clone(name), field: String::new(), message, severity };
                self.unread.insert(Arc::clone(name), omission);
            }
        }
        self.touch(name, dirty);
    }

    /// Notes what depends on a resource as it is now.
    fn touch(&self, name: &Arc<str>, dirty: &mut Dirty) {
        match Kind::of(name) {
            Some(Kind::Listener) => {
                dirty.sockets.extend(self.listeners.get(name).map(|listener| self.socket_of(listener)));
            }
            Some(Kind::Route) => {
                dirty.sockets.extend(self.routes.get(name).into_iter().flat_map(|route| self.sockets_of(route)));
            }
            Some(Kind::Backend) => drop(dirty.backends.insert(Arc::clone(name))),
            // Another content is sent by itself; only whether there is one changes more.
            Some(Kind::Secret) if !self.secrets.contains_key(name) => {
                let using = self.sockets.iter().filter(|(_, made)| made.secrets.contains(name));
                dirty.sockets.extend(using.map(|(address, _)| *address));
            }
            _ => {}
        }
    }

    fn forget(&mut self, name: &Arc<str>, dirty: &mut Dirty, sent: &mut Vec<(TypeUrl, ResourceChange)>) {
        match Kind::of(name) {
            Some(Kind::Listener) => drop(self.listeners.remove(name)),
            Some(Kind::Route) => {
                self.unindex(name);
                self.routes.remove(name);
            }
            Some(Kind::Backend) => {
                dirty.rerouted.insert(Arc::clone(name));
                self.backends.remove(name);
                self.generations.remove(name);
            }
            Some(Kind::Secret) => {
                self.secrets.remove(name);
                self.emitted.remove(TypeUrl::Secret, name, sent);
                self.touch(name, dirty);
            }
            _ => {}
        }
    }

    fn unindex(&mut self, name: &Arc<str>) {
        let Some(route) = self.routes.get(name) else { return };
        let listeners: BTreeSet<Arc<str>> =
            route.attachments.iter().map(|attachment| Arc::clone(&attachment.listener)).collect();
        for listener in listeners {
            if let Some(routes) = self.by_listener.get_mut(&listener) {
                routes.remove(name);
                if routes.is_empty() {
                    self.by_listener.remove(&listener);
                }
            }
        }
    }
}

/// Whether routes say the same of a backend as of what it was: another list of endpoints is no matter of theirs.
fn goes_alike(before: &Backend, now: &Backend) -> bool {
    let by_records = |list: &StaticEndpoints| list.iter().any(|one| matches!(one.host, StaticHost::Srv(_)));
    before.spec == now.spec
        && before.tls.is_some() == now.tls.is_some()
        && match (&before.discovery, &now.discovery) {
            (Discovery::Static(before), Discovery::Static(now)) => by_records(before) == by_records(now),
            (before, now) => before == now,
        }
}

/// A secret as it was sent: what is checked of it does not keep its text.
fn content(value: Bytes) -> Option<config::Secret> {
    match config::Resource::decode(value).ok()?.kind? {
        resource::Kind::Secret(secret) => Some(secret),
        _ => None,
    }
}
