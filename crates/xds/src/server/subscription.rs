mod draft;
mod initial;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

pub(super) use self::draft::{Draft, Terms};
use self::initial::Initial;
use super::held::Held;
use crate::{Resource, Snapshot};

type Name = Arc<str>;
type Version = Arc<str>;

/// The name that stands for all resources of a type.
pub(super) const WILDCARD: &str = "*";

/// One type of one stream: what the client wants, what it was told, what it is owed.
///
/// What the client was told is committed when it is sent, and a refusal does not take it back: the same content is never
/// sent again unless the client asks for it.
///
/// The state of a wildcard subscription is the snapshot that was last looked at, shared with every other stream, and the
/// few names for which something else was told. It is therefore small however many resources there are.
#[derive(Default)]
pub(super) struct Subscription {
    wildcard: bool,
    names: HashSet<Name>,
    /// Bytes of `names`.
    bytes: usize,
    /// All changes up to this snapshot are in `due`, or were told.
    seen: Snapshot,
    /// The parts of `seen` that a client without anything still gets.
    initial: Initial,
    /// The version told for a name, nothing if it was told that there is no such resource. With a wildcard, a name that is
    /// not here was told as it is in `seen`.
    told: HashMap<Name, Option<Version>>,
    /// Names to look at for the next response.
    due: BTreeMap<Name, Due>,
    /// What is gone, but stays in responses that hold everything until it may be taken away.
    kept: BTreeMap<Name, Arc<Resource>>,
    /// Bytes of names that are due though nobody is subscribed to them by name any more.
    released: usize,
    /// A response is due even if there is nothing to say.
    reply: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Sent if it is not what the client was told.
    IfChanged,
    /// The client has to get an answer.
    Always,
}

impl Subscription {
    /// The first request for a type. `held` is what the client says it holds from an earlier stream: it is not resent
    /// where the version is the same, and taken back where it no longer exists. It does not subscribe to anything.
    pub(super) fn open(
        subscribe: Vec<String>,
        unsubscribe: &[String],
        held: &Held,
        snapshot: &Snapshot,
        type_url: &str,
    ) -> Self {
        let mut this = Self::default();
        // No name at all in the first request means all of them; later it means nothing.
        if subscribe.is_empty() || subscribe.iter().any(|name| name == WILDCARD) {
            this.wildcard = true;
            this.reply = true;
        }
        for name in subscribe.into_iter().filter(|name| name != WILDCARD) {
            let due = if held.contains(&name) { Due::IfChanged } else { Due::Always };
            let name = this.add(name, snapshot, type_url);
            this.due.insert(name, due);
        }
        if this.wildcard && this.names.is_empty() && held.is_empty() {
            this.initial = Initial::Due;
        } else {
            this.compare(held, snapshot, type_url);
            this.seen = snapshot.clone();
        }
        this.unsubscribe(unsubscribe, type_url, true);
        this
    }

    /// Takes down where what the client holds differs from what there is.
    fn compare(&mut self, held: &Held, snapshot: &Snapshot, type_url: &str) {
        let mut held = held.iter().peekable();
        if self.wildcard {
            // Both are in the order of names: one pass finds what the client lacks, and what it has too much.
            for resource in snapshot.resources(type_url) {
                let present = resource.name().as_bytes();
                while let Some((name, version)) = held.next_if(|(name, _)| *name < present) {
                    self.differs(text(name), Some(text(version)));
                }
                match held.next_if(|(name, _)| *name == present) {
                    Some((_, version)) if version == resource.version().as_bytes() => {}
                    Some((_, version)) => self.differs(resource.name().clone(), Some(text(version))),
                    None => self.differs(resource.name().clone(), None),
                }
            }
        }
        for (name, version) in held {
            if self.wildcard {
                self.differs(text(name), Some(text(version)));
            } else if let Some(name) = self.names.get(&*text(name)).cloned() {
                self.told.insert(name, Some(text(version)));
            }
        }
    }

    fn differs(&mut self, name: Name, told: Option<Version>) {
        self.told.insert(name.clone(), told);
        self.due.entry(name).or_insert(Due::IfChanged);
    }

    /// A later request for a type, made while the resources of `in_flight` may or may not have arrived. A name in both lists
    /// ends up unsubscribed.
    pub(super) fn change(
        &mut self,
        subscribe: Vec<String>,
        unsubscribe: &[String],
        in_flight: &[(Name, Version)],
        snapshot: &Snapshot,
        type_url: &str,
    ) {
        self.subscribe(subscribe, in_flight, snapshot, type_url);
        self.unsubscribe(unsubscribe, type_url, true);
    }

    /// A later request that says all that the client wants from now on: these names, and everything if it is a `wildcard`.
    pub(super) fn replace(
        &mut self,
        names: Vec<String>,
        wildcard: bool,
        in_flight: &[(Name, Version)],
        snapshot: &Snapshot,
        type_url: &str,
    ) {
        let wanted: HashSet<&str> = names.iter().map(String::as_str).filter(|name| *name != WILDCARD).collect();
        let gone = self.names.iter().filter(|name| !wanted.contains(&***name));
        let mut gone: Vec<String> = gone.map(|name| name.as_ref().to_owned()).collect();
        if self.wildcard && !wildcard {
            gone.push(WILDCARD.to_owned());
        }
        let mut new: Vec<String> = names.into_iter().filter(|name| !self.names.contains(name.as_str())).collect();
        new.retain(|name| name != WILDCARD);
        if wildcard && !self.wildcard {
            new.push(WILDCARD.to_owned());
        }
        self.subscribe(new, in_flight, snapshot, type_url);
        self.unsubscribe(&gone, type_url, false);
    }

    fn subscribe(&mut self, names: Vec<String>, in_flight: &[(Name, Version)], snapshot: &Snapshot, type_url: &str) {
        for name in names {
            if name != WILDCARD {
                let name = self.add(name, snapshot, type_url);
                self.due.insert(name, Due::Always);
                continue;
            }
            self.reply = true;
            if !self.wildcard {
                self.wildcard = true;
                // Of what is not in `told` the client knows nothing: everything there is will be found to have changed. What
                // is in it may be gone by now, and a comparison with nothing does not find that.
                self.seen = Snapshot::empty();
                for name in self.told.keys() {
                    self.due.entry(name.clone()).or_insert(Due::IfChanged);
                }
                // Whether the client takes these or drops them depends on when it gets them.
                self.due.extend(in_flight.iter().map(|(name, _)| (name.clone(), Due::Always)));
            }
        }
    }

    /// Gives up names. With `fall_back`, the client has to hear what becomes of one that the wildcard covers.
    fn unsubscribe(&mut self, names: &[String], type_url: &str, fall_back: bool) {
        for name in names {
            if name == WILDCARD {
                self.drop_wildcard(type_url);
                continue;
            }
            let Some(name) = self.names.take(name.as_str()) else { continue };
            self.bytes -= name.len();
            if self.wildcard {
                if fall_back {
                    // The client forgets the name and takes it to be covered by the wildcard: it has to hear which it is.
                    self.released += name.len();
                    self.due.insert(name, Due::Always);
                }
            } else {
                self.due.remove(&name);
                self.told.remove(&name);
                self.kept.remove(&name);
            }
        }
    }

    fn drop_wildcard(&mut self, type_url: &str) {
        if !self.wildcard {
            return;
        }
        let told = self.names.iter().map(|name| (name.clone(), self.told(name, type_url))).collect();
        self.told = told;
        self.due.retain(|name, _| self.names.contains(name));
        self.kept.retain(|name, _| self.names.contains(name));
        self.initial = Initial::Done;
        self.wildcard = false;
        self.reply = false;
        self.released = 0;
    }

    /// The client has to hear of this resource again, if it wants it and there is one.
    pub(super) fn again(&mut self, name: &Name, snapshot: &Snapshot, type_url: &str) {
        if self.wants(name) && snapshot.get(type_url, name).is_some() {
            self.due.insert(name.clone(), Due::Always);
        }
    }

    /// The client has to hear of all its names again, if these are they.
    pub(super) fn again_if_same(&mut self, names: &[String]) {
        let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
        if !self.wildcard && wanted.len() == self.names.len() && wanted.iter().all(|name| self.names.contains(*name)) {
            self.due.extend(self.names.iter().map(|name| (name.clone(), Due::Always)));
        }
    }

    /// Takes in what changed up to `snapshot`. Costs as much as changed, not as much as there is.
    fn look_at(&mut self, snapshot: &Snapshot, terms: &Terms<'_>) {
        // What changes while parts of a snapshot are under way is looked at after the last of them.
        if !matches!(self.initial, Initial::Done) {
            return;
        }
        let type_url = terms.type_url;
        if snapshot.is_same(&self.seen, type_url) {
            self.seen = snapshot.clone();
            return;
        }
        for name in snapshot.changed_since(&self.seen, type_url) {
            if self.wildcard {
                if !self.told.contains_key(&name) {
                    let told = self.told(&name, type_url);
                    self.told.insert(name.clone(), told);
                }
            } else if !self.names.contains(&name) {
                continue;
            }
            if terms.keeps() {
                match (snapshot.get(type_url, &name), self.seen.get(type_url, &name)) {
                    (Some(_), _) => drop(self.kept.remove(&name)),
                    (None, Some(before)) if self.told(&name, type_url).is_some() => {
                        self.kept.insert(name.clone(), before.clone());
                    }
                    (None, _) => {}
                }
            }
            self.due.entry(name).or_insert(Due::IfChanged);
        }
        self.seen = snapshot.clone();
    }

    /// Whether what is due as of `snapshot` amounts to `bytes` or more.
    pub(super) fn owes(&mut self, bytes: usize, snapshot: &Snapshot, terms: &Terms<'_>) -> bool {
        if let Some(delta) = self.delta(snapshot, terms) {
            return delta.bytes >= bytes;
        }
        self.look_at(snapshot, terms);
        let mut owed = self.next_part_bytes(bytes, snapshot, terms);
        let len = |name: &Name| match self.seen.get(terms.type_url, name) {
            Some(resource) => resource.field_len(terms.variant),
            None => name.len(),
        };
        owed >= bytes
            || self.due.keys().any(|name| {
                owed += len(name);
                owed >= bytes
            })
    }

    /// Whether something is due as of `snapshot` that the client does not have.
    pub(super) fn has_updates(&mut self, snapshot: &Snapshot, terms: &Terms<'_>) -> bool {
        self.look_at(snapshot, terms);
        let news = |(name, reason): (&Name, &Due)| {
            let resource = self.seen.get(terms.type_url, name);
            let told = || self.told(name, terms.type_url);
            resource.is_some_and(|resource| *reason == Due::Always || told().as_ref() != Some(resource.version()))
        };
        !matches!(self.initial, Initial::Done) || self.due.iter().any(news)
    }

    /// Whether something is gone, as of what was looked at last, that the client has.
    pub(super) fn has_removals(&self, terms: &Terms<'_>) -> bool {
        let gone = |name: &Name| self.seen.get(terms.type_url, name).is_none();
        self.due.keys().any(|name| gone(name) && self.told(name, terms.type_url).is_some())
    }

    /// Whether the client has heard of everything, removals included.
    pub(super) fn is_settled(&self) -> bool {
        self.due.is_empty() && matches!(self.initial, Initial::Done)
    }

    /// Names the client may have us remember: subscriptions, and those it let go that are still owed an answer.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Bytes of the names the client made us remember.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.released
    }

    fn wants(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }

    /// Subscribes to a name, shared with the snapshot if it is there.
    fn add(&mut self, name: String, snapshot: &Snapshot, type_url: &str) -> Name {
        if let Some(present) = self.names.get(name.as_str()) {
            return present.clone();
        }
        let name = snapshot.get(type_url, &name).map_or_else(|| name.into(), |resource| resource.name().clone());
        self.bytes += name.len();
        self.names.insert(name.clone());
        name
    }

    fn told(&self, name: &str, type_url: &str) -> Option<Version> {
        match self.told.get(name) {
            Some(told) => told.clone(),
            None if self.wildcard && self.initial.has_told(name) => {
                self.seen.get(type_url, name).map(|resource| resource.version().clone())
            }
            None => None,
        }
    }

    /// From now on the client knows of the name what `seen` says.
    fn tell(&mut self, name: Name, type_url: &str) {
        if self.wildcard {
            self.told.remove(&name);
        } else {
            let version = self.seen.get(type_url, &name).map(|resource| resource.version().clone());
            self.told.insert(name, version);
        }
    }
}

/// What a client has said, which was found to be text as it came.
fn text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}
