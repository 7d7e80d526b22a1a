//! What the front ends have in common: who refers to whom, what proxies get, and what has been said. It knows of no kind
//! of object but Secrets, which every dialect has.

mod attachments;
mod fleet_refs;
mod fleets;
mod index;
mod policies;
mod ports;
mod reports;
mod secrets;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use backstay_proto::config;
use backstay_resources::{Kind, Object};
use bytes::Bytes;

use self::attachments::Attachments;
pub use self::attachments::Opening;
use self::fleet_refs::FleetRefs;
use self::fleets::{Changes, Fleets};
use self::index::{ByKind, Links};
pub use self::policies::Governed;
use self::policies::Policies;
pub use self::ports::PortClaim;
use self::ports::Ports;
use self::reports::Reports;
use self::secrets::Secrets;
use crate::change::ObjectKey;
use crate::encode::encode;
use crate::last_good::LastGood;
use crate::output::{FleetResource, ObjectStatus};

/// What one object has proxies hold, whether anything needs it or not: listeners, routes.
#[derive(Debug, Default)]
pub struct Placed {
    /// Resources of its own.
    pub resources: Vec<(FleetResource, config::resource::Kind)>,
    /// Resources that these need beside them in the fleet, such as the Backends of a route. They need not exist yet.
    pub needs: Vec<FleetResource>,
}

/// A resource that a fleet gets when something there needs it: a Backend, a Secret.
#[derive(Clone, PartialEq)]
pub(crate) struct Offer {
    pub(crate) encoded: Bytes,
    /// What it needs in turn.
    pub(crate) needs: Box<[Arc<str>]>,
}

/// What front ends tell, and are told. Everything is by whole names of objects and of resources.
#[derive(Debug, Default)]
pub struct Graph {
    links: Links,
    dirty: ByKind,
    /// What each object has brought to fleets.
    placed: HashMap<ObjectKey, (Vec<FleetResource>, Vec<FleetResource>)>,
    offers: Offers,
    refs: FleetRefs<Arc<str>>,
    /// What each resource that is needed has brought to a fleet beside itself.
    brought: HashMap<FleetResource, Vec<Arc<str>>>,
    fleets: Fleets,
    attachments: Attachments,
    reports: Reports,
    secrets: Secrets,
    ports: Ports,
    policies: Policies,
    compiled: usize,
}

/// Resources that fleets get when they need them. Some hold keys, so they are not printed.
#[derive(Default)]
struct Offers(HashMap<Arc<str>, Offer>);

impl std::fmt::Debug for Offers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Offers")
    }
}

impl Graph {
    /// An object as it is now, `None` where it is gone, with its last good version when it cannot be read. Nothing where
    /// that is what it was `before`. What was said of another object of its name is forgotten.
    pub fn diff<T: Clone + PartialEq, E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        key: &ObjectKey,
        object: Option<&Object>,
        before: Option<&LastGood<T>>,
        parse: impl FnOnce(&Object) -> Result<T, E>,
    ) -> Option<Option<LastGood<T>>> {
        let source = object.map(|object| LastGood::read(object, parse, before));
        if before == source.as_ref() {
            return None;
        }
        if before.map(|it| &it.uid) != source.as_ref().map(|it| &it.uid) {
            self.reports.forget(key);
        }
        Some(source)
    }

    /// From now on `owner` refers to exactly these, whether they exist or not.
    pub fn link(&mut self, owner: &ObjectKey, targets: impl IntoIterator<Item = ObjectKey>) {
        self.links.set(owner, targets.into_iter().collect());
    }

    /// The objects of a kind that are linked to `target`, sorted.
    pub fn dependents<'a>(&'a self, target: &ObjectKey, kind: &Kind) -> impl Iterator<Item = &'a ObjectKey> + use<'a> {
        self.links.dependents(target, kind)
    }

    /// What others see of an object differs: all that are linked to it will be looked at.
    pub fn changed(&mut self, target: &ObjectKey) {
        self.changed_for(target, |_| true);
    }

    /// What some of those that are linked to an object see of it differs.
    pub fn changed_for(&mut self, target: &ObjectKey, sees: impl Fn(&ObjectKey) -> bool) {
        for (kind, dependents) in self.links.all_dependents(target) {
            self.dirty.of_mut(kind).extend(dependents.iter().filter(|key| sees(key)).cloned());
        }
    }

    /// Has an object looked at.
    pub fn touch(&mut self, key: ObjectKey) {
        self.dirty.of_mut(key.kind).insert(key);
    }

    /// The objects of a kind that are to be looked at, sorted. They are given once.
    pub fn take_dirty(&mut self, kind: &Kind) -> BTreeSet<ObjectKey> {
        self.dirty.take(kind)
    }

    /// `owner` has fleets hold exactly this from now on.
    pub fn place(&mut self, owner: &ObjectKey, placed: Placed) {
        self.withdraw(owner);
        let Placed { resources, needs } = placed;
        self.compiled += resources.len();
        let mut names = Vec::with_capacity(resources.len());
        for ((fleet, name), resource) in resources {
            self.fleets.put(&fleet, &name, encode(resource));
            names.push((fleet, name));
        }
        for (fleet, name) in &needs {
            self.refs.add(name, fleet);
        }
        if !names.is_empty() || !needs.is_empty() {
            self.placed.insert(owner.clone(), (names, needs));
        }
    }

    /// Takes back all that `owner` has brought to fleets.
    pub fn withdraw(&mut self, owner: &ObjectKey) {
        let (resources, needs) = self.placed.remove(owner).unwrap_or_default();
        for (fleet, name) in resources {
            self.fleets.remove(&fleet, &name);
        }
        for (fleet, name) in needs {
            self.refs.release(&name, &fleet);
        }
    }

    /// What an object has brought to fleets, in the order in which it did.
    pub fn placed(&self, owner: &ObjectKey) -> &[FleetResource] {
        self.placed.get(owner).map(|(resources, _)| resources.as_slice()).unwrap_or_default()
    }

    /// Gives a resource to the fleets in which something needs it. It needs others in turn, which lead to no circle.
    pub fn offer(&mut self, name: &Arc<str>, resource: config::resource::Kind, needs: Vec<Arc<str>>) {
        self.compiled += 1;
        let offer = Offer { encoded: encode(resource), needs: needs.into() };
        if self.offers.0.get(name) != Some(&offer) {
            self.offers.0.insert(name.clone(), offer);
            self.refs.touch(name);
        }
    }

    /// There is no such resource any more.
    pub fn take_back(&mut self, name: &Arc<str>) {
        if self.offers.0.remove(name).is_some() {
            self.refs.touch(name);
        }
    }

    /// The fleets in which something needs a resource, sorted.
    pub fn fleets_with(&self, name: &Arc<str>) -> impl Iterator<Item = &Arc<str>> {
        self.refs.fleets(name)
    }

    /// Says it, unless it has been said.
    pub fn report(&mut self, status: ObjectStatus) {
        self.reports.say(status);
    }

    /// The object is gone, or another one of the same name: what was said counts no longer.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.reports.forget(key);
    }

    /// The object is another controller's now: what was said of it, if anything was, holds no longer.
    pub fn retract(&mut self, key: ObjectKey, generation: i64) {
        self.reports.withdraw(key, generation);
    }

    /// Brings what is needed to where it is needed, and says which resources that touched.
    pub(crate) fn distribute(&mut self) -> BTreeSet<Arc<str>> {
        let mut names = BTreeSet::new();
        // What is needed may need more. What has brought the same before brings nothing, so this ends.
        loop {
            let touched = self.refs.take_touched();
            if touched.is_empty() {
                return names;
            }
            for (name, fleet) in touched {
                self.distribute_one(&name, &fleet);
                names.insert(name);
            }
        }
    }

    fn distribute_one(&mut self, name: &Arc<str>, fleet: &Arc<str>) {
        let offer = self.offers.0.get(name).filter(|_| self.refs.contains(name, fleet));
        match offer {
            Some(offer) => self.fleets.put(fleet, name, offer.encoded.clone()),
            None => self.fleets.remove(fleet, name),
        }
        let needs = offer.map(|offer| &*offer.needs).unwrap_or_default();
        let place = (fleet.clone(), name.clone());
        if self.brought.get(&place).map(Vec::as_slice).unwrap_or_default() == needs {
            return;
        }
        let needs = needs.to_vec();
        for need in &needs {
            self.refs.add(need, fleet);
        }
        let before = match needs.is_empty() {
            true => self.brought.remove(&place),
            false => self.brought.insert(place, needs),
        };
        for need in before.unwrap_or_default() {
            self.refs.release(&need, fleet);
        }
    }

    /// What others may attach to at a Gateway; nothing where it is gone. Those that are linked to it will be looked at where that is
    /// something else than before.
    pub fn open(&mut self, gateway: &ObjectKey, openings: Vec<Opening>) {
        if self.attachments.open(gateway, openings) {
            self.changed(gateway);
        }
    }

    /// What others may attach to at a Gateway.
    pub fn openings(&self, gateway: &ObjectKey) -> &[Opening] {
        self.attachments.openings(gateway)
    }

    /// From now on `owner` is attached to exactly these listeners, by their Gateways and names, and counts there.
    pub fn attach(&mut self, owner: &ObjectKey, listeners: BTreeSet<(ObjectKey, String)>) {
        self.attachments.attach(owner, listeners);
    }

    /// How many objects are attached to a listener of a Gateway.
    pub fn attached(&self, gateway: &ObjectKey, listener: &str) -> i32 {
        self.attachments.attached(gateway, listener)
    }

    pub(crate) fn take_recounted(&mut self) -> BTreeSet<ObjectKey> {
        self.attachments.take_recounted()
    }

    pub(crate) fn take_fleets(&mut self) -> BTreeMap<Arc<str>, Changes> {
        self.fleets.take()
    }

    pub(crate) fn take_reports(&mut self) -> Vec<Arc<ObjectStatus>> {
        self.reports.take()
    }

    pub(crate) fn take_compiled(&mut self) -> usize {
        std::mem::take(&mut self.compiled)
    }
}
