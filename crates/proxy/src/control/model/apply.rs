//! One response, in the order in which its kinds depend on each other: secrets, backends, routes, listeners, sockets.
//!
//! A reference to what is not there is no fault: the rest may come in the same response or the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_proto::config::{Backend, Listener, Route, Secret, resource};
use backstay_xds::client::{Rejection, Update};
use bytes::Bytes;

use super::super::backends::{BackendItem, Feed};
use super::super::held::{All, Held};
use super::{Dirty, Model, Outcome};
use crate::convert::{self, BackendPlan, Checked, Fault, Kind, ListenerPlan, RoutePlan};

/// An update that could be decoded.
struct Arrival<M> {
    name: Arc<str>,
    version: Arc<str>,
    value: Bytes,
    message: M,
}

impl<M> Arrival<M> {
    fn held<T>(self, item: T) -> (Arc<str>, Held<T>) {
        (self.name, Held { version: self.version, value: self.value, item })
    }
}

#[derive(Default)]
struct Arrivals {
    secrets: Vec<Arrival<Secret>>,
    backends: Vec<Arrival<Backend>>,
    routes: Vec<Arrival<Route>>,
    listeners: Vec<Arrival<Listener>>,
}

pub(super) fn apply(model: &mut Model, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Outcome {
    let mut response = Response { model, dirty: Dirty::default(), outcome: Outcome::default(), structural: false };
    let arrivals = response.sort(updates);
    response.remove(removed);
    response.secrets(arrivals.secrets);
    response.backends(arrivals.backends);
    response.routes(arrivals.routes);
    response.listeners(arrivals.listeners);
    response.finish()
}

struct Response<'a> {
    model: &'a mut Model,
    dirty: Dirty,
    outcome: Outcome,
    /// Whether the data threads need another configuration.
    structural: bool,
}

impl Response<'_> {
    fn sort(&mut self, updates: Vec<Update>) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for Update { name, version, value } in updates {
            match convert::decode(&name, value.clone()) {
                Ok(resource::Kind::Secret(message)) => arrivals.secrets.push(Arrival { name, version, value, message }),
                Ok(resource::Kind::Backend(message)) => {
                    arrivals.backends.push(Arrival { name, version, value, message });
                }
                Ok(resource::Kind::Route(message)) => arrivals.routes.push(Arrival { name, version, value, message }),
                Ok(resource::Kind::Listener(message)) => {
                    arrivals.listeners.push(Arrival { name, version, value, message });
                }
                Err(fault) => self.reject(name, version, fault),
            }
        }
        arrivals
    }

    fn reject(&mut self, name: Arc<str>, version: Arc<str>, Fault { field, message }: Fault) {
        tracing::warn!(%name, %version, %field, %message, "a resource was refused; its last good version stays in force");
        self.model.note(Rejection { name, field, message }, version, &mut self.outcome.rejections);
    }

    fn accepted(&mut self, name: &Arc<str>) {
        self.model.rejected.remove(name);
    }

    fn remove(&mut self, names: Vec<Arc<str>>) {
        for name in names {
            self.model.rejected.remove(&name);
            let model = &mut *self.model;
            match convert::kind_of(&name) {
                Some(Kind::Secret) if model.secrets.remove(&name).is_some() => {
                    self.dirty.secrets.insert(name);
                }
                Some(Kind::Backend) if model.backends.remove(&name).is_some() => {
                    self.dirty.backends.insert(name);
                }
                Some(Kind::Route) => {
                    if let Some(old) = model.routes.remove(&name) {
                        self.unlink(&name, &old.item);
                    }
                }
                Some(Kind::Listener) => {
                    if let Some(old) = model.listeners.remove(&name) {
                        self.dirty.sockets.insert(old.item.address);
                    }
                }
                _ => {}
            }
        }
    }

    fn secrets(&mut self, arrivals: Vec<Arrival<Secret>>) {
        for arrival in arrivals {
            match convert::secret(&arrival.message) {
                Ok(plan) => {
                    let (name, held) = arrival.held(plan);
                    self.accepted(&name);
                    self.dirty.secrets.insert(Arc::clone(&name));
                    self.model.secrets.insert(name, held);
                }
                Err(fault) => self.reject(arrival.name, arrival.version, fault),
            }
        }
    }

    fn backends(&mut self, arrivals: Vec<Arrival<Backend>>) {
        let mut arrived = std::collections::BTreeSet::new();
        for arrival in arrivals {
            match self.backend(&arrival) {
                Ok(()) => {
                    self.accepted(&arrival.name);
                    arrived.insert(arrival.name);
                }
                Err(fault) => self.reject(arrival.name, arrival.version, fault),
            }
        }
        if self.dirty.secrets.is_empty() {
            return;
        }
        let affected = self.model.backends.iter().filter(|(name, held)| {
            !arrived.contains(*name) && held.item.secrets().any(|secret| self.dirty.secrets.contains(secret))
        });
        for name in affected.map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>() {
            self.rebuild_backend(&name);
        }
    }

    fn backend(&mut self, arrival: &Arrival<Backend>) -> Checked<()> {
        let plan = convert::backend(&arrival.message)?;
        let model = &mut *self.model;
        let name = &arrival.name;
        let names_changed =
            |item: &BackendItem| matches!(&item.feed, Some(Feed::Following(following)) if !following.is_ready());
        let waits = model.secrets_of(plan.tls.as_ref()).is_none();
        if let Some(held) = model.backends.get_mut(name) {
            let secret_changed = held.item.secrets().any(|secret| self.dirty.secrets.contains(secret));
            let stays =
                if waits { held.item.wait(&plan) } else { !secret_changed && held.item.follow(&plan, &model.workshop) };
            if stays {
                held.version = Arc::clone(&arrival.version);
                held.value = arrival.value.clone();
                if !waits && names_changed(&held.item) {
                    self.outcome.unresolved.push(Arc::clone(name));
                }
                return Ok(());
            }
        }
        let item = build_backend(model, name, plan)?;
        if names_changed(&item) {
            self.outcome.unresolved.push(Arc::clone(name));
        }
        let held = Held { version: Arc::clone(&arrival.version), value: arrival.value.clone(), item };
        model.backends.insert(Arc::clone(name), held);
        self.dirty.backends.insert(Arc::clone(name));
        Ok(())
    }

    /// Builds a backend anew because its secret changed, came or went.
    fn rebuild_backend(&mut self, name: &Arc<str>) {
        let Some(plan) = self.model.backends.get(name).map(|held| held.item.plan.clone()) else {
            return;
        };
        if self.model.secrets_of(plan.tls.as_ref()).is_none()
            && self.model.backends.get_mut(name).is_some_and(|held| held.item.wait(&plan))
        {
            return;
        }
        match build_backend(self.model, name, plan) {
            Ok(item) => {
                if let Some(held) = self.model.backends.get_mut(name) {
                    held.item = item;
                }
                self.dirty.backends.insert(Arc::clone(name));
            }
            Err(fault) => {
                tracing::warn!(%name, field = %fault.field, message = %fault.message, "a backend keeps its old authorities");
            }
        }
    }

    fn routes(&mut self, arrivals: Vec<Arrival<Route>>) {
        let mut arrived = std::collections::BTreeSet::new();
        for arrival in arrivals {
            match convert::route(&arrival.name, &arrival.message, &|name| self.model.find(name)) {
                Ok(plan) => {
                    self.accepted(&arrival.name);
                    arrived.insert(Arc::clone(&arrival.name));
                    let (name, held) = arrival.held(plan);
                    self.put_route(name, held);
                }
                Err(fault) => self.reject(arrival.name, arrival.version, fault),
            }
        }
        let affected = self.dirty.backends.iter().filter_map(|backend| self.model.by_backend.get(backend)).flatten();
        let affected: std::collections::BTreeSet<_> =
            affected.filter(|name| !arrived.contains(*name)).cloned().collect();
        for name in affected {
            self.rebuild_route(name);
        }
    }

    /// Joins a route with its backends anew.
    fn rebuild_route(&mut self, name: Arc<str>) {
        let Some(Held { version, value, .. }) = self.model.routes.get(&name) else {
            return;
        };
        let (version, value) = (Arc::clone(version), value.clone());
        // It was read before, so it can be read again.
        let plan = match convert::decode(&name, value.clone()) {
            Ok(resource::Kind::Route(message)) => convert::route(&name, &message, &|backend| self.model.find(backend)),
            _ => return,
        };
        if let Ok(item) = plan {
            self.put_route(name, Held { version, value, item });
        }
    }

    fn put_route(&mut self, name: Arc<str>, held: Held<RoutePlan>) {
        if let Some(old) = self.model.routes.remove(&name) {
            self.unlink(&name, &old.item);
        }
        for backend in &held.item.backends {
            self.model.by_backend.entry(Arc::clone(backend)).or_default().insert(Arc::clone(&name));
        }
        for (listener, _) in &held.item.attachments {
            self.model.by_listener.entry(Arc::clone(listener)).or_default().insert(Arc::clone(&name));
            self.dirty.listeners.insert(Arc::clone(listener));
        }
        self.model.routes.insert(name, held);
    }

    fn unlink(&mut self, name: &Arc<str>, route: &RoutePlan) {
        let forget = |index: &mut BTreeMap<Arc<str>, std::collections::BTreeSet<Arc<str>>>, key: &Arc<str>| {
            if let Some(routes) = index.get_mut(key) {
                routes.remove(name);
                if routes.is_empty() {
                    index.remove(key);
                }
            }
        };
        for backend in &route.backends {
            forget(&mut self.model.by_backend, backend);
        }
        for (listener, _) in &route.attachments {
            forget(&mut self.model.by_listener, listener);
            self.dirty.listeners.insert(Arc::clone(listener));
        }
    }

    fn listeners(&mut self, arrivals: Vec<Arrival<Listener>>) {
        for arrival in arrivals {
            match convert::listener(&arrival.message, self.model.any) {
                Ok(plan) => {
                    self.dirty.sockets.insert(plan.address);
                    let (name, held) = arrival.held(plan);
                    self.accepted(&name);
                    let before = self.model.listeners.insert(Arc::clone(&name), held);
                    if let Some(before) = &before {
                        self.dirty.sockets.insert(before.item.address);
                    }
                    self.outcome.replaced.insert(name, before);
                }
                Err(fault) => self.reject(arrival.name, arrival.version, fault),
            }
        }
        // All of them first: two may have changed places.
        let arrived: Vec<_> = self.outcome.replaced.keys().cloned().collect();
        for name in arrived {
            self.check_neighbours(name);
        }
        for (name, held) in &self.model.listeners {
            let secrets = held.item.secrets.iter().flatten();
            if self.dirty.listeners.contains(name)
                || secrets.into_iter().any(|secret| self.dirty.secrets.contains(secret))
            {
                self.dirty.sockets.insert(held.item.address);
            }
        }
    }

    /// Listeners that share a socket must agree on whether it speaks TLS. Who came last gives way.
    fn check_neighbours(&mut self, name: Arc<str>) {
        let model = &mut *self.model;
        let Some(this) = model.listeners.get(&name) else {
            return;
        };
        let Some(fault) = conflict(&name, &this.item, &model.listeners) else {
            return;
        };
        let version = Arc::clone(&this.version);
        model.listeners.remove(&name);
        if let Some(before) = self.outcome.replaced.remove(&name).flatten()
            && conflict(&name, &before.item, &model.listeners).is_none()
        {
            model.listeners.insert(Arc::clone(&name), before);
        }
        self.reject(name, version, fault);
    }

    fn finish(mut self) -> Outcome {
        self.structural |= !self.dirty.sockets.is_empty() || !self.dirty.backends.is_empty();
        self.model.rebuild_sockets(&self.dirty);
        self.model.note_traffic_ports();
        if self.structural {
            self.outcome.config = Some(self.model.config());
        }
        self.outcome
    }
}

fn build_backend(model: &Model, name: &Arc<str>, plan: BackendPlan) -> Checked<BackendItem> {
    let secrets = model.secrets_of(plan.tls.as_ref());
    let previous = model.backends.get(name).map(|held| &held.item);
    BackendItem::build(name, plan, secrets, previous, &model.workshop)
}

fn conflict(name: &Arc<str>, plan: &ListenerPlan, listeners: &All<ListenerPlan>) -> Option<Fault> {
    let mut others = listeners.iter().filter(|(other, held)| *other != name && held.item.address == plan.address);
    let (other, held) = others.find(|(_, held)| held.item.secrets.is_some() != plan.secrets.is_some())?;
    let spoken = if held.item.secrets.is_some() { "HTTPS" } else { "HTTP" };
    let message = format!("{} already speaks {spoken} for {other:?}, and a port cannot speak both", plan.address);
    Some(Fault { field: "protocol".to_owned(), message })
}
