//! One response, in the order in which its kinds depend on each other: secrets, backends, tables, address sets and revocations,
//! routes, listeners, sockets, and what is told.
//!
//! A reference to what is not there is no fault: the rest may come in the same response or the next.

mod telemetry;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use backstay_model::{
    AddressSet, Attachment, Backend, Fault, Faults, Kind, Listener, Resource, Revocations, Route, Secret, Slot, Table,
    Telemetry,
};
use backstay_xds::client::Update;
use bytes::Bytes;

use super::super::accepted::{Accepted, AcceptedMap, Rejected};
use super::super::backends::{BackendItem, Feed};
use super::super::routes::RouteItem;
use super::{Dirty, LISTED_FAULTS, Model, Outcome};

/// An update that is sound by itself.
struct Arrival<T> {
    name: Arc<str>,
    version: Arc<str>,
    value: Bytes,
    item: T,
}

impl<T> Arrival<T> {
    /// To be in force as what `build` makes of it.
    fn accept<U>(self, build: impl FnOnce(&Arc<str>, T) -> U) -> (Arc<str>, Accepted<U>) {
        let item = build(&self.name, self.item);
        (self.name, Accepted { version: self.version, value: self.value, item })
    }
}

#[derive(Default)]
struct Arrivals {
    secrets: Vec<Arrival<Secret>>,
    backends: Vec<Arrival<Box<Backend>>>,
    tables: Vec<Arrival<Table>>,
    address_sets: Vec<Arrival<AddressSet>>,
    revocations: Vec<Arrival<Revocations>>,
    routes: Vec<Arrival<Route>>,
    listeners: Vec<Arrival<Listener>>,
    telemetry: Vec<Arrival<Box<Telemetry>>>,
}

impl Model {
    /// Applies a response, in which no name occurs twice.
    pub(crate) fn apply(&mut self, updates: Vec<Update>, removed: Vec<Arc<str>>) -> Outcome {
        let (dirty, outcome) = (Dirty::default(), Outcome::default());
        let mut response = Response { model: self, dirty, outcome, structural: false };
        let arrivals = response.sort(updates);
        response.remove(removed);
        response.secrets(arrivals.secrets);
        response.backends(arrivals.backends);
        let Model { tables, address_sets, revocations, rejected, .. } = &mut *response.model;
        lookups(tables, arrivals.tables, &mut response.dirty, rejected);
        lookups(address_sets, arrivals.address_sets, &mut response.dirty, rejected);
        lookups(revocations, arrivals.revocations, &mut response.dirty, rejected);
        response.routes(arrivals.routes);
        response.listeners(arrivals.listeners);
        response.telemetry(arrivals.telemetry);
        response.finish()
    }
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
            match Resource::decode(&name, value.clone()) {
                Ok(Resource::Secret(item)) => arrivals.secrets.push(Arrival { name, version, value, item }),
                Ok(Resource::Backend(item)) => arrivals.backends.push(Arrival { name, version, value, item }),
                Ok(Resource::Table(item)) => arrivals.tables.push(Arrival { name, version, value, item }),
                Ok(Resource::AddressSet(item)) => arrivals.address_sets.push(Arrival { name, version, value, item }),
                Ok(Resource::Revocations(item)) => arrivals.revocations.push(Arrival { name, version, value, item }),
                Ok(Resource::Route(item)) => arrivals.routes.push(Arrival { name, version, value, item }),
                Ok(Resource::Listener(item)) => arrivals.listeners.push(Arrival { name, version, value, item }),
                Ok(Resource::Telemetry(item)) => arrivals.telemetry.push(Arrival { name, version, value, item }),
                Err(faults) => self.reject(name, version, faults),
            }
        }
        arrivals
    }

    fn reject(&mut self, name: Arc<str>, version: Arc<str>, faults: Faults) {
        for Fault { field, message } in faults.iter().take(LISTED_FAULTS) {
            tracing::warn!(%name, %version, %field, %message, "a resource was refused; its last good version stays in force");
        }
        self.model.note(name, version, faults, &mut self.outcome.rejections);
    }

    fn clear_rejection(&mut self, name: &Arc<str>) {
        self.model.rejected.remove(name);
    }

    fn remove(&mut self, names: Vec<Arc<str>>) {
        for name in names {
            self.model.rejected.remove(&name);
            let model = &mut *self.model;
            match Kind::of(&name) {
                Some(Kind::Secret) if model.secrets.remove(&name).is_some() => {
                    self.dirty.secrets.insert(name);
                }
                Some(Kind::Backend) if model.backends.remove(&name).is_some() => {
                    self.dirty.backends.insert(name);
                }
                // What served until now goes on with what it has, until the routes are joined anew.
                Some(Kind::Table) if model.tables.remove(&name).is_some() => {
                    self.dirty.lookups.insert(name);
                }
                Some(Kind::AddressSet) if model.address_sets.remove(&name).is_some() => {
                    self.dirty.lookups.insert(name);
                }
                Some(Kind::Revocations) if model.revocations.remove(&name).is_some() => {
                    self.dirty.lookups.insert(name);
                }
                Some(Kind::Route) => {
                    if let Some(old) = model.routes.remove(&name) {
                        model.calls.retain(&name, |_| false);
                        self.unlink(&name, &old.item);
                    }
                }
                Some(Kind::Listener) => {
                    if let Some(old) = model.listeners.remove(&name) {
                        self.dirty.sockets.insert(old.item.socket(model.any));
                    }
                }
                Some(Kind::Telemetry) if model.telemetry.remove(&name).is_some() => self.dirty.telemetry = true,
                _ => {}
            }
        }
    }

    fn secrets(&mut self, arrivals: Vec<Arrival<Secret>>) {
        for arrival in arrivals {
            let (name, accepted) = arrival.accept(|_, secret| secret);
            self.clear_rejection(&name);
            self.dirty.secrets.insert(Arc::clone(&name));
            self.model.secrets.insert(name, accepted);
        }
    }

    fn backends(&mut self, arrivals: Vec<Arrival<Box<Backend>>>) {
        let mut arrived = BTreeSet::new();
        for Arrival { name, version, value, item } in arrivals {
            match self.backend(&name, &version, value, *item) {
                Ok(()) => {
                    self.clear_rejection(&name);
                    arrived.insert(name);
                }
                Err(fault) => self.reject(name, version, fault.into()),
            }
        }
        if self.dirty.secrets.is_empty() {
            return;
        }
        let affected = self.model.backends.iter().filter(|(name, accepted)| {
            !arrived.contains(*name) && accepted.item.secrets().any(|secret| self.dirty.secrets.contains(secret))
        });
        for name in affected.map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>() {
            self.rebuild_backend(&name);
        }
    }

    fn backend(&mut self, name: &Arc<str>, version: &Arc<str>, value: Bytes, mut plan: Backend) -> Result<(), Fault> {
        let model = &mut *self.model;
        plan.spec = model.specs.shared(plan.spec);
        let names_changed =
            |item: &BackendItem| matches!(&item.feed, Some(Feed::Following(following)) if !following.is_ready());
        let waits = model.secrets_of(plan.tls.as_deref()).is_none();
        if let Some(accepted) = model.backends.get_mut(name) {
            let secret_changed = accepted.item.secrets().any(|secret| self.dirty.secrets.contains(secret));
            let stays = if waits {
                accepted.item.wait(&plan)
            } else {
                !secret_changed && accepted.item.follow(&plan, &model.context)
            };
            if stays {
                accepted.version = Arc::clone(version);
                accepted.value = value;
                if !waits && names_changed(&accepted.item) {
                    self.outcome.unresolved.push(Arc::clone(name));
                }
                return Ok(());
            }
        }
        let item = Box::new(build_backend(model, name, plan)?);
        if names_changed(&item) {
            self.outcome.unresolved.push(Arc::clone(name));
        }
        model.backends.insert(Arc::clone(name), Accepted { version: Arc::clone(version), value, item });
        self.dirty.backends.insert(Arc::clone(name));
        Ok(())
    }

    /// Builds a backend anew because its secret changed, came or went.
    fn rebuild_backend(&mut self, name: &Arc<str>) {
        let Some(plan) = self.model.backends.get(name).map(|accepted| accepted.item.plan.clone()) else {
            return;
        };
        if self.model.secrets_of(plan.tls.as_deref()).is_none()
            && self.model.backends.get_mut(name).is_some_and(|accepted| accepted.item.wait(&plan))
        {
            return;
        }
        match build_backend(self.model, name, plan) {
            Ok(item) => {
                if let Some(accepted) = self.model.backends.get_mut(name) {
                    *accepted.item = item;
                }
                self.dirty.backends.insert(Arc::clone(name));
            }
            Err(fault) => {
                tracing::warn!(%name, field = %fault.field, message = %fault.message, "a backend keeps its old authorities");
            }
        }
    }

    fn routes(&mut self, arrivals: Vec<Arrival<Route>>) {
        let mut arrived = BTreeSet::new();
        for arrival in arrivals {
            let (name, mut accepted) = arrival.accept(|name, route| RouteItem::new(name, route, &self.model.limiters));
            accepted.item.rules = self.model.join(&name, &accepted.item.route);
            let rules = &accepted.item.route.rules;
            let is_there = |call: &str| rules.iter().any(|rule| rule.action.calls().any(|known| **known == *call));
            self.model.calls.retain(&name, is_there);
            self.clear_rejection(&name);
            arrived.insert(Arc::clone(&name));
            self.put_route(name, accepted);
        }
        let changed = self.dirty.backends.iter().chain(&self.dirty.lookups);
        let affected = changed.flat_map(|name| self.model.by_reference.to(name));
        let affected: BTreeSet<_> = affected.filter(|name| !arrived.contains(*name)).cloned().collect();
        for name in affected {
            self.rejoin_route(&name);
        }
    }

    /// Joins a route anew: something that it names has come, gone, or changed its identity.
    fn rejoin_route(&mut self, name: &Arc<str>) {
        let Some(accepted) = self.model.routes.get(name) else { return };
        let rules = self.model.join(name, &accepted.item.route);
        let Some(accepted) = self.model.routes.get_mut(name) else { return };
        accepted.item.rules = rules;
        let listeners = accepted.item.route.attachments.iter().map(|attachment| Arc::clone(&attachment.listener));
        self.dirty.listeners.extend(listeners);
    }

    fn put_route(&mut self, name: Arc<str>, accepted: Accepted<RouteItem>) {
        if let Some(old) = self.model.routes.remove(&name) {
            self.unlink(&name, &old.item);
        }
        for reference in &accepted.item.references {
            self.model.by_reference.insert(reference, &name);
        }
        for Attachment { listener, .. } in &accepted.item.route.attachments {
            self.model.by_listener.entry(Arc::clone(listener)).or_default().insert(Arc::clone(&name));
            self.dirty.listeners.insert(Arc::clone(listener));
        }
        self.model.routes.insert(name, accepted);
    }

    fn unlink(&mut self, name: &Arc<str>, item: &RouteItem) {
        for reference in &item.references {
            self.model.by_reference.remove(reference, name);
        }
        for Attachment { listener, .. } in &item.route.attachments {
            if let Some(routes) = self.model.by_listener.get_mut(listener) {
                routes.remove(name);
                if routes.is_empty() {
                    self.model.by_listener.remove(listener);
                }
            }
            self.dirty.listeners.insert(Arc::clone(listener));
        }
    }

    fn listeners(&mut self, arrivals: Vec<Arrival<Listener>>) {
        let any = self.model.any;
        for arrival in arrivals {
            let (name, accepted) = arrival.accept(|_, listener| listener);
            self.dirty.sockets.insert(accepted.item.socket(any));
            self.clear_rejection(&name);
            let before = self.model.listeners.insert(Arc::clone(&name), accepted);
            if let Some(before) = &before {
                self.dirty.sockets.insert(before.item.socket(any));
            }
            self.outcome.replaced.insert(name, before);
        }
        // All of them first: two may have changed places.
        let arrived: Vec<_> = self.outcome.replaced.keys().cloned().collect();
        for name in arrived {
            self.check_neighbours(name);
        }
        for (name, accepted) in &self.model.listeners {
            let secrets = accepted.item.secrets.iter().flatten();
            if self.dirty.listeners.contains(name)
                || secrets.into_iter().any(|secret| self.dirty.secrets.contains(secret))
            {
                self.dirty.sockets.insert(accepted.item.socket(any));
            }
        }
    }

    /// Listeners that share a socket must agree on whether it speaks TLS. Who came last gives way.
    fn check_neighbours(&mut self, name: Arc<str>) {
        let model = &mut *self.model;
        let Some(this) = model.listeners.get(&name) else {
            return;
        };
        let Some(fault) = conflict(&name, &this.item, model) else {
            return;
        };
        let version = Arc::clone(&this.version);
        model.listeners.remove(&name);
        if let Some(before) = self.outcome.replaced.remove(&name).flatten()
            && conflict(&name, &before.item, model).is_none()
        {
            model.listeners.insert(Arc::clone(&name), before);
        }
        self.reject(name, version, fault.into());
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

/// Puts tables, address sets or revocations in force. Another version of one that is there takes its place at once, for all rules; they are
/// not touched.
fn lookups<T>(
    accepted: &mut AcceptedMap<Arc<Slot<T>>>,
    arrivals: Vec<Arrival<T>>,
    dirty: &mut Dirty,
    rejected: &mut BTreeMap<Arc<str>, Rejected>,
) {
    for Arrival { name, version, value, item } in arrivals {
        rejected.remove(&name);
        match accepted.get_mut(&name) {
            Some(known) => {
                known.item.store(item);
                (known.version, known.value) = (version, value);
            }
            None => {
                dirty.lookups.insert(Arc::clone(&name));
                accepted.insert(name, Accepted { version, value, item: Slot::new(item) });
            }
        }
    }
}

fn build_backend(model: &Model, name: &Arc<str>, plan: Backend) -> Result<BackendItem, Fault> {
    let secrets = model.secrets_of(plan.tls.as_deref());
    let previous = model.backends.get(name).map(|accepted| &*accepted.item);
    BackendItem::build(name, plan, secrets, previous, &model.context)
}

/// Why a listener cannot be served beside the others there are.
fn conflict(name: &Arc<str>, listener: &Listener, model: &Model) -> Option<Fault> {
    let others = model.listeners.iter().filter(|(other, _)| *other != name);
    others.filter_map(|(other, accepted)| listener.conflict(other, &accepted.item, model.any)).next()
}
