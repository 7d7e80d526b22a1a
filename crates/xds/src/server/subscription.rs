#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

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
    /// The version told for a name, nothing if it was told that there is no such resource. With a wildcard, a name that is
    /// not here was told as it is in `seen`.
    told: HashMap<Name, Option<Version>>,
    /// Names to look at for the next response.
    due: BTreeMap<Name, Due>,
    /// Bytes of names that are due though nobody is subscribed to them by name any more.
    released: usize,
    /// A response is due even if there is nothing to say.
    reply: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Sent if it is not what the client was told.
    IfChanged,
    /// The client has to get an answer.
    Always,
}

/// The content of a response.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) resources: Vec<Arc<Resource>>,
    pub(super) removed: Vec<Name>,
}

impl Subscription {
    /// The first request for a type. `initial` is what the client says it holds from an earlier stream: it is not resent
    /// where the version is the same, and taken back where it no longer exists. It does not subscribe to anything.
    pub(super) fn open(
        subscribe: Vec<String>,
        unsubscribe: &[String],
        initial: BTreeMap<String, String>,
        snapshot: &Snapshot,
        type_url: &str,
    ) -> Self {
        let mut this = Self::default();
        // No name at all in the first request means all of them; later it means nothing.
        if subscribe.is_empty() || subscribe.iter().any(|name| name == WILDCARD) {
            this.wildcard = true;
            this.reply = true;
        } else {
            // Every name is looked at because it is new, so that there is nothing to learn from an older snapshot.
            this.seen = snapshot.clone();
        }
        for name in subscribe.into_iter().filter(|name| name != WILDCARD) {
            let due = if initial.contains_key(&name) { Due::IfChanged } else { Due::Always };
            let name = this.add(name, snapshot, type_url);
            this.due.insert(name, due);
        }
        for (name, version) in initial {
            if !this.wants(&name) {
                continue;
            }
            let (name, version) = match snapshot.get(type_url, &name) {
                Some(same) if **same.version() == *version => (same.name().clone(), same.version().clone()),
                Some(other) => (other.name().clone(), version.into()),
                None => (name.into(), version.into()),
            };
            this.told.insert(name.clone(), Some(version));
            this.due.entry(name).or_insert(Due::IfChanged);
        }
        this.unsubscribe(unsubscribe, type_url);
        this
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
        for name in subscribe {
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
        self.unsubscribe(unsubscribe, type_url);
    }

    fn unsubscribe(&mut self, names: &[String], type_url: &str) {
        for name in names {
            if name == WILDCARD {
                self.drop_wildcard(type_url);
                continue;
            }
            let Some(name) = self.names.take(name.as_str()) else { continue };
            self.bytes -= name.len();
            if self.wildcard {
                // The client forgets the name and takes it to be covered by the wildcard: it has to hear which it is.
                self.released += name.len();
                self.due.insert(name, Due::Always);
            } else {
                self.due.remove(&name);
                self.told.remove(&name);
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
        self.wildcard = false;
        self.reply = false;
        self.released = 0;
    }

    /// Takes in what changed up to `snapshot`. Costs as much as changed, not as much as there is.
    fn look_at(&mut self, snapshot: &Snapshot, type_url: &str) {
        for name in snapshot.changed_since(&self.seen, type_url) {
            if self.wildcard {
                if !self.told.contains_key(&name) {
                    let told = self.told(&name, type_url);
                    self.told.insert(name.clone(), told);
                }
            } else if !self.names.contains(&name) {
                continue;
            }
            self.due.entry(name).or_insert(Due::IfChanged);
        }
        self.seen = snapshot.clone();
    }

    /// Whether what is due as of `snapshot` amounts to `bytes` or more.
    pub(super) fn owes(&mut self, bytes: usize, snapshot: &Snapshot, type_url: &str) -> bool {
        self.look_at(snapshot, type_url);
        let mut owed = 0;
        self.due.keys().any(|name| {
            owed += self.seen.get(type_url, name).map_or(name.len(), |resource| resource.encoded_len(type_url));
            owed >= bytes
        })
    }

    /// The next response, if there is something to say as of `snapshot`, and of no more than about `limit` bytes.
    ///
    /// In the order of names, removals last: what is split leaves the client with too much before it has too little.
    pub(super) fn draft(&mut self, snapshot: &Snapshot, type_url: &str, limit: usize) -> Option<Draft> {
        self.look_at(snapshot, type_url);
        let mut draft = Draft::default();
        let mut room = Room { left: limit, empty: true };
        let mut absent = Vec::new();
        let mut due = std::mem::take(&mut self.due).into_iter();
        for (name, reason) in due.by_ref() {
            let resource = self.seen.get(type_url, &name);
            if reason == Due::IfChanged
                && resource.map(|resource| resource.version()) == self.told(&name, type_url).as_ref()
            {
                self.tell(name, type_url);
                continue;
            }
            let Some(resource) = resource.cloned() else {
                absent.push((name, reason));
                continue;
            };
            if !room.take(resource.encoded_len(type_url)) {
                self.due.insert(name, reason);
                break;
            }
            draft.resources.push(resource);
            self.tell(name, type_url);
        }
        self.due.extend(due);
        let last = self.due.is_empty();
        for (name, reason) in absent {
            if last && room.take(name.len() + 6) {
                draft.removed.push(name.clone());
                self.tell(name, type_url);
            } else {
                self.due.insert(name, reason);
            }
        }
        if self.due.is_empty() {
            self.released = 0;
            self.told.shrink_to(2 * self.told.len());
        }
        let something = !room.empty || std::mem::take(&mut self.reply);
        self.reply = false;
        something.then_some(draft)
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
            None if self.wildcard => self.seen.get(type_url, name).map(|resource| resource.version().clone()),
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

/// What still fits into a response. The first thing always does.
struct Room {
    left: usize,
    empty: bool,
}

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        if !self.empty && bytes > self.left {
            return false;
        }
        self.empty = false;
        self.left = self.left.saturating_sub(bytes);
        true
    }
}
