//! What proxies have accepted, and what that means for the objects users wrote.
//!
//! Pure state: events of discovery streams and outputs of the compiler go in, objects whose status may have changed come
//! out. Memory is a revision for each type of a stream, not a version for each resource of each stream: a stream that has
//! acknowledged revision R of a type holds every resource of that type that last changed at or before R, except those it
//! refused. Of other types that says nothing: who holds a cluster may not have a listener yet, or never ask for one.

mod derived;
mod pending;
mod programmed;
mod remote;
mod statuses;
mod stream;
mod version;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZero;
use std::sync::Arc;

use backstay_compiler::{Condition, ObjectKey, ObjectStatus, ProgrammedBy, Report};
use backstay_resources::Timestamp;
use backstay_xds::ResourceChange;
use backstay_xds::server::StreamId;

pub(crate) use self::pending::{InFlight, Place, Sent};
pub(crate) use self::programmed::{NOT_REFERENCED, Programmed};
use self::remote::Remote;
pub(crate) use self::remote::{AT, PROXIES, compiled};
pub(crate) use self::stream::{Held, Refusal, Stream, Subscription};
pub(crate) use self::version::Acknowledged;

/// A fleet and the name of a discovery resource.
pub(crate) type FleetResource = (Arc<str>, Arc<str>);

/// An object as the compiler last reported it.
#[derive(Debug)]
pub(crate) struct Tracked {
    /// The compiler's report.
    pub(crate) status: Arc<ObjectStatus>,
    /// What must be acknowledged, all of it, listeners' included.
    programs: Box<[FleetResource]>,
    /// The generation that every proxy has acknowledged already. Proxies that come later do not take it back.
    settled: Option<i64>,
}

impl Tracked {
    /// Whether it is more than its own generation: what proxies serve of a Backend is the policy's too, so that a policy
    /// that changes has it wait again. A Gateway does not wait again for a certificate that is renewed.
    fn is_shared(&self) -> bool {
        self.status.report.programmed == ProgrammedBy::Version
    }
}

/// What is known of an object. One map has it all: there may be very many, and its name is the most of an entry.
#[derive(Debug, Default)]
struct Known {
    /// The revision that created it.
    created: Option<NonZero<u64>>,
    /// What the compiler has reported, if it has.
    tracked: Option<Tracked>,
}

/// The types that a fleet is sent, and those that its proxies ask for.
#[derive(Debug, Default)]
struct Fleet {
    types: BTreeMap<Arc<str>, Feed>,
    /// Those that are made of another: whatever changes of it changes of them.
    derived: BTreeMap<Arc<str>, Arc<str>>,
}

/// The resources of one type that a fleet is sent, and how far its proxies have come with them.
#[derive(Debug, Default)]
struct Feed {
    /// Revision at which each resource last changed, and its version.
    changed: HashMap<Arc<str>, (u64, Arc<str>)>,
    /// The revision that was published last.
    newest: u64,
    /// How many streams have acknowledged each revision.
    synchronised: BTreeMap<u64, usize>,
    /// Objects to look at again when all streams have acknowledged the revision.
    waiting: BTreeMap<u64, BTreeSet<ObjectKey>>,
}

impl Feed {
    /// Whether any proxy asks for it.
    fn is_connected(&self) -> bool {
        !self.synchronised.is_empty()
    }
}

impl Fleet {
    fn feed(&mut self, type_url: &Arc<str>) -> &mut Feed {
        self.types.entry(type_url.clone()).or_default()
    }

    /// Whether any of its proxies asks for a type that has this resource.
    fn is_served(&self, resource: &str) -> bool {
        self.types.values().any(|feed| feed.is_connected() && feed.changed.contains_key(resource))
    }
}

/// What proxies have accepted.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    fleets: HashMap<Arc<str>, Fleet>,
    streams: HashMap<StreamId, Stream>,
    /// The streams of each proxy: of a fleet, by what it calls itself. The highest is the latest.
    by_proxy: HashMap<Arc<str>, BTreeMap<String, BTreeSet<StreamId>>>,
    objects: HashMap<ObjectKey, Known>,
    /// What was acknowledged before this process began, of objects not yet reported.
    acknowledged_before: HashMap<ObjectKey, Acknowledged>,
    /// Objects that depend on a resource.
    users: HashMap<FleetResource, BTreeSet<ObjectKey>>,
    /// Streams that refuse a resource, with the type they got it as.
    refusals: HashMap<FleetResource, BTreeSet<(StreamId, Arc<str>)>>,
    /// Objects whose status may have changed since [`Tracker::take_dirty`].
    dirty: BTreeSet<ObjectKey>,
    /// Objects whose status changes by itself, and when.
    due: BTreeMap<Timestamp, BTreeSet<ObjectKey>>,
    /// When it is to be looked who takes long to answer.
    look_for_late: Option<Timestamp>,
    /// Objects whose status somebody else has changed since [`Tracker::take_touched`].
    touched: BTreeSet<ObjectKey>,
    /// A mark of what the status writer is writing or has written last, until the change has come round.
    writing: HashMap<ObjectKey, u64>,
    /// What was said of objects that are another controller's now.
    withdrawn: HashMap<ObjectKey, Arc<Report>>,
    /// Fleets whose proxies came, went or changed their minds since [`Tracker::take_dirty_fleets`].
    dirty_fleets: BTreeSet<Arc<str>>,
    /// What other control planes of this store tell, by their names.
    remotes: BTreeMap<Arc<str>, Remote>,
    /// Counts the streams that stand for proxies of others.
    last_remote: u64,
}

impl Tracker {
    /// Resources of a fleet, all of one type, changed at `revision`.
    pub(crate) fn published(
        &mut self,
        fleet: &Arc<str>,
        type_url: &Arc<str>,
        revision: u64,
        changes: &[ResourceChange],
    ) {
        let of = self.fleets.entry(fleet.clone()).or_default();
        let derived = of.derived.iter().filter(|(_, of)| *of == type_url).map(|(derived, _)| derived.clone());
        let types: Vec<Arc<str>> = [type_url.clone()].into_iter().chain(derived).collect();
        types.iter().for_each(|type_url| of.feed(type_url).newest = revision);
        for change in changes {
            for type_url in &types {
                let feed = self.fleets.entry(fleet.clone()).or_default().feed(type_url);
                match change {
                    ResourceChange::Put(resource) => {
                        feed.changed.insert(resource.name().clone(), (revision, resource.version().clone()));
                    }
                    ResourceChange::Remove(name) => drop(feed.changed.remove(name)),
                }
            }
            if let ResourceChange::Put(resource) = change {
                self.wait_again(&(fleet.clone(), resource.name().clone()));
            }
        }
    }

    /// A resource changed: what was acknowledged of it is not what is in force.
    fn wait_again(&mut self, program: &FleetResource) {
        for key in self.users.get(program).cloned().unwrap_or_default() {
            self.settle(&key);
            if let Some(tracked) = self.object_mut(&key).filter(|tracked| tracked.is_shared()) {
                tracked.settled = None;
                self.settle(&key);
                self.dirty.insert(key);
            }
        }
    }

    /// An object was created at `revision`. What is known of an earlier one of this name does not hold for it.
    pub(crate) fn created(&mut self, key: ObjectKey, revision: u64) {
        self.forget(&key);
        self.withdrawn.remove(&key);
        self.objects.entry(key).or_default().created = NonZero::new(revision);
    }

    /// The revision that created the object of this name that reports are about.
    pub(crate) fn creation(&self, key: &ObjectKey) -> Option<u64> {
        self.objects.get(key)?.created.map(NonZero::get)
    }

    /// A status from before this process began says what proxies have acknowledged: proxies that come back later do not
    /// take that back either.
    pub(crate) fn acknowledged_before(&mut self, key: ObjectKey, acknowledged: Acknowledged) {
        self.acknowledged_before.insert(key, acknowledged);
    }

    /// A fleet has a Proxy object, whose status may have to be written.
    pub(crate) fn declared(&mut self, fleet: &Arc<str>) {
        self.dirty_fleets.insert(fleet.clone());
    }

    /// The compiler's report on an object changed.
    pub(crate) fn reported(&mut self, status: impl Into<Arc<ObjectStatus>>) {
        let status = status.into();
        let key = status.key.clone();
        if status.report.withdrawn {
            if let Some(before) = self.forget(&key) {
                self.withdrawn.insert(key.clone(), before.status.report.clone());
            }
            self.dirty.insert(key);
            return;
        }
        self.withdrawn.remove(&key);
        let programs = programmed::programs(&status);
        let acknowledged = self.acknowledged_before.remove(&key);
        let before = self.forget(&key);
        let mut tracked = Tracked { status, programs: programs.into(), settled: None };
        tracked.settled = match before {
            Some(before) if before.programs == tracked.programs => before.settled,
            Some(_) => None,
            None => acknowledged.filter(|before| self.still_holds(before, &tracked)).map(|before| before.generation),
        };
        for program in &tracked.programs {
            self.users.entry(program.clone()).or_default().insert(key.clone());
        }
        let turns = |condition: &Condition| [condition.since, condition.until];
        for turn in tracked.status.report.all_conditions().flat_map(turns).flatten() {
            self.due.entry(turn).or_default().insert(key.clone());
        }
        self.objects.entry(key.clone()).or_default().tracked = Some(tracked);
        self.settle(&key);
        self.dirty.insert(key);
    }

    /// An object is gone.
    pub(crate) fn removed(&mut self, key: &ObjectKey) {
        self.forget(key);
        self.objects.remove(key);
        self.acknowledged_before.remove(key);
        self.dirty.remove(key);
        self.touched.remove(key);
        self.writing.remove(key);
        self.withdrawn.remove(key);
    }

    fn forget(&mut self, key: &ObjectKey) -> Option<Tracked> {
        let tracked = self.objects.get_mut(key)?.tracked.take()?;
        for program in &tracked.programs {
            if let Some(users) = self.users.get_mut(program) {
                users.remove(key);
                if users.is_empty() {
                    self.users.remove(program);
                }
            }
        }
        Some(tracked)
    }

    /// Looks whether every connected proxy has acknowledged everything that an object needs, and refuses none of it; if
    /// not, or if none is connected at all, arranges for another look.
    fn settle(&mut self, key: &ObjectKey) {
        let Some(tracked) = self.objects.get_mut(key).and_then(|known| known.tracked.as_mut()) else { return };
        let generation = tracked.status.generation;
        let served =
            |(fleet, resource): &FleetResource| self.fleets.get(fleet).is_some_and(|state| state.is_served(resource));
        let somebody = tracked.programs.iter().any(served);
        let mut waiting = tracked.programs.iter().any(|program| self.refusals.contains_key(program));
        for (fleet, resource) in &tracked.programs {
            let mut published = false;
            for feed in self.fleets.entry(fleet.clone()).or_default().types.values_mut() {
                let Some((changed, _)) = feed.changed.get(resource) else { continue };
                published = true;
                let reached = feed.synchronised.first_key_value().map_or(somebody, |(lowest, _)| lowest >= changed);
                if !reached {
                    waiting = true;
                    feed.waiting.entry(*changed).or_default().insert(key.clone());
                }
            }
            // What was never sent, nobody has acknowledged. Its object is looked at again when it is published.
            waiting |= !published;
        }
        if !waiting && !tracked.programs.is_empty() && tracked.settled != Some(generation) {
            tracked.settled = Some(generation);
            self.dirty.insert(key.clone());
        }
    }

    /// Looks again at what waited for a revision of a type that all streams of a fleet have reached now.
    fn advance(&mut self, fleet: &str, type_url: &str) {
        let Some(feed) = self.fleets.get_mut(fleet).and_then(|state| state.types.get_mut(type_url)) else { return };
        let due = match feed.synchronised.first_key_value() {
            Some((&lowest, _)) => {
                let later = feed.waiting.split_off(&(lowest + 1));
                std::mem::replace(&mut feed.waiting, later)
            }
            // What other fleets and types serve does not wait for one that nobody asks for.
            None => std::mem::take(&mut feed.waiting),
        };
        for key in due.into_values().flatten() {
            self.settle(&key);
        }
    }

    /// A stream refuses a resource, or no longer does.
    fn set_refused(&mut self, program: &FleetResource, type_url: &Arc<str>, id: StreamId, refused: bool) {
        let stream = (id, type_url.clone());
        let streams = self.refusals.entry(program.clone()).or_default();
        if refused {
            streams.insert(stream);
        } else {
            streams.remove(&stream);
        }
        if streams.is_empty() {
            self.refusals.remove(program);
        }
        for key in self.users.get(program).cloned().unwrap_or_default() {
            self.settle(&key);
            self.dirty.insert(key);
        }
    }

    /// Whether [`Tracker::take_dirty_fleets`] has any, at `now`.
    pub(crate) fn has_dirty_fleets(&mut self, now: Timestamp) -> bool {
        self.look_for_late(now);
        !self.dirty_fleets.is_empty()
    }

    /// The fleets whose proxies came, went or changed their minds since the last call.
    pub(crate) fn take_dirty_fleets(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.dirty_fleets)
    }

    /// An object as the compiler last reported it.
    pub(crate) fn object(&self, key: &ObjectKey) -> Option<&Tracked> {
        self.objects.get(key)?.tracked.as_ref()
    }

    fn object_mut(&mut self, key: &ObjectKey) -> Option<&mut Tracked> {
        self.objects.get_mut(key)?.tracked.as_mut()
    }

    /// Every object that the compiler has reported on.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&ObjectKey, &Tracked)> {
        self.objects.iter().filter_map(|(key, known)| Some((key, known.tracked.as_ref()?)))
    }

    /// A connected stream.
    pub(crate) fn stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(&id)
    }

    /// The connected streams.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.values()
    }
}

#[cfg(test)]
mod tests;
