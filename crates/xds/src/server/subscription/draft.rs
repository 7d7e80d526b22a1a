use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Due, Initial, Name, Subscription};
use crate::server::TypeRule;
use crate::snapshot::{Delta, Part};
use crate::{Resource, Snapshot, Variant};

/// What a subscription is of, and how it is served.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Terms<'a> {
    pub(in crate::server) type_url: &'a str,
    pub(in crate::server) variant: Variant,
    pub(in crate::server) rule: &'a TypeRule,
    /// Size from which a response is split.
    pub(in crate::server) limit: usize,
}

impl Terms<'_> {
    /// Whether each response holds everything.
    pub(super) fn is_complete(&self) -> bool {
        self.variant == Variant::StateOfTheWorld && self.rule.full_state
    }

    /// Whether what is gone stays in responses until it may be taken away.
    pub(super) fn keeps(&self) -> bool {
        self.is_complete() && self.rule.removed_last
    }

    /// Whether responses can say that a resource does not exist.
    fn tells_absence(&self) -> bool {
        self.variant == Variant::Incremental && !self.rule.silent_absence
    }

    /// Whether what a resource belongs to is gone as well.
    fn is_gone_with_all(&self, name: &str, snapshot: &Snapshot) -> bool {
        let Some(of) = &self.rule.members_of else { return false };
        name.rsplit_once('/').is_some_and(|(whole, _)| snapshot.get(of, whole).is_none())
    }

    /// Size from which a response that holds everything is split.
    pub(super) fn part_bytes(&self) -> usize {
        if self.is_complete() { usize::MAX } else { self.limit }
    }
}

/// The content of a response.
#[derive(Debug)]
pub(in crate::server) struct Draft {
    pub(in crate::server) part: Part,
    /// What it takes away.
    pub(in crate::server) removed: Arc<[Name]>,
    /// What of `part` is news to the client; `None`: all.
    pub(in crate::server) news: Option<Vec<Name>>,
    /// The version of the type: equal where the content is.
    pub(in crate::server) version: u128,
    /// It repeats a part of what was refused.
    pub(in crate::server) is_again: bool,
    /// What it was taken from, which others find for as long as somebody has it: until the client answers.
    pub(in crate::server) shared: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for Draft {
    fn default() -> Self {
        let part = Part { body: bytes::Bytes::new(), resources: Arc::default() };
        Self { part, removed: Arc::default(), news: None, version: 0, is_again: false, shared: None }
    }
}

impl Subscription {
    /// The next response, if there is something to say as of `snapshot`; what is gone is only taken away if `removals` allow it.
    ///
    /// In the order of names, removals last: what is split leaves the client with too much before it has too little.
    pub(in crate::server) fn draft(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, removals: bool) -> Option<Draft> {
        if let Some(part) = self.next_part(snapshot, terms) {
            return Some(part);
        }
        if let Some(delta) = self.delta(snapshot, terms).filter(|delta| delta.removed.is_empty() || removals) {
            self.seen = snapshot.clone();
            let Delta { part, removed, .. } = &*delta;
            let (part, removed) = (part.clone(), removed.clone());
            return (!delta.is_empty()).then(|| Draft {
                part,
                removed,
                version: self.version(terms),
                shared: Some(delta),
                ..Draft::default()
            });
        }
        self.look_at(snapshot, terms);
        if self.due.is_empty() && !self.reply {
            self.released = 0;
            return None;
        }
        let draft = if terms.is_complete() { self.everything(terms, removals) } else { self.changes(terms, removals) };
        if self.due.is_empty() {
            self.released = 0;
            self.told.shrink_to(2 * self.told.len());
        }
        draft
    }

    /// What the next response has, where the client wants everything and was told just what [`Subscription::seen`] holds: then it is the
    /// same for all such clients. Costs no look at what is wanted or was told.
    pub(super) fn delta(&self, snapshot: &Snapshot, terms: &Terms<'_>) -> Option<Arc<Delta>> {
        let is_plain = self.wildcard
            && !self.reply
            && self.told.is_empty()
            && self.due.is_empty()
            && matches!(self.initial, Initial::Done)
            && !terms.is_complete();
        if !is_plain {
            return None;
        }
        let delta = snapshot.delta(&self.seen, terms.type_url, terms.variant, terms.limit)?;
        let tells_absence = terms.tells_absence() && terms.rule.members_of.is_none();
        let fits = delta.bytes <= terms.limit && (delta.removed.is_empty() || tells_absence);
        fits.then_some(delta)
    }

    /// A response with what the client was told of these resources before. What has changed since, or is wanted no more, is not
    /// in it; nothing if that is all of them.
    pub(in crate::server) fn draft_again(
        &mut self,
        names: &[Name],
        snapshot: &Snapshot,
        terms: &Terms<'_>,
    ) -> Option<Draft> {
        self.look_at(snapshot, terms);
        let told = |name: &&Name| self.wants(name) && !self.due.contains_key(*name);
        let resources = names.iter().filter(told).filter_map(|name| self.seen.get(terms.type_url, name));
        let resources: Vec<_> = resources.collect();
        if resources.is_empty() {
            return None;
        }
        let bytes = resources.iter().map(|resource| resource.field_len(terms.variant)).sum();
        let part = Part::of(&resources, terms.variant, bytes);
        Some(Draft { part, version: self.version(terms), is_again: true, ..Draft::default() })
    }

    /// A response that holds what changed.
    fn changes(&mut self, terms: &Terms<'_>, removals: bool) -> Option<Draft> {
        let type_url = terms.type_url;
        let seen = self.seen.clone();
        let (mut resources, mut removed, mut absent) = (Vec::new(), Vec::new(), Vec::new());
        let mut room = Room { left: terms.limit, empty: true };
        let mut due = std::mem::take(&mut self.due).into_iter();
        let mut bytes = 0;
        for (name, reason) in due.by_ref() {
            let resource = seen.get(type_url, &name);
            if reason == Due::IfChanged
                && resource.map(|resource| resource.version()) == self.told(&name, type_url).as_ref()
            {
                self.tell(name, type_url);
                continue;
            }
            let Some(resource) = resource else {
                absent.push((name, reason));
                continue;
            };
            let len = resource.field_len(terms.variant);
            if !room.take(len) {
                self.due.insert(name, reason);
                break;
            }
            bytes += len;
            resources.push(resource);
            self.tell(name, type_url);
        }
        self.due.extend(due);
        let last = self.due.is_empty();
        for (name, reason) in absent {
            // Who was never told of it, or asks, loses nothing by the answer.
            let allowed = removals || self.told(&name, type_url).is_none();
            if !last || !allowed {
                self.due.insert(name, reason);
            } else if !terms.tells_absence() || terms.is_gone_with_all(&name, &seen) {
                self.tell(name, type_url);
            } else if room.take(Delta::removed_len(&name)) {
                removed.push(name.clone());
                self.tell(name, type_url);
            } else {
                self.due.insert(name, reason);
            }
        }
        let reply = std::mem::take(&mut self.reply);
        let part = Part::of(&resources, terms.variant, bytes);
        let removed = removed.into();
        (!room.empty || reply).then(|| Draft { part, removed, version: self.version(terms), ..Draft::default() })
    }

    /// A response that holds all that the client wants, if any of it changed.
    fn everything(&mut self, terms: &Terms<'_>, removals: bool) -> Option<Draft> {
        let type_url = terms.type_url;
        let (mut news, mut removed) = (Vec::new(), Vec::new());
        let mut something = std::mem::take(&mut self.reply);
        for (name, reason) in std::mem::take(&mut self.due) {
            let told = self.told(&name, type_url);
            let now = self.seen.get(type_url, &name).map(|resource| resource.version());
            if now.is_none() && told.is_some() && !removals && self.kept.contains_key(&name) {
                self.due.insert(name, reason);
                continue;
            }
            if told.as_ref() != now {
                something = true;
                if now.is_some() { news.push(name.clone()) } else { removed.push(name.clone()) }
            }
            something |= reason == Due::Always;
            self.kept.remove(&name);
            self.tell(name, type_url);
        }
        something.then(|| Draft {
            removed: removed.into(),
            news: Some(news),
            version: self.version(terms),
            ..self.all(terms)
        })
    }

    /// All that the client wants, and what it must not lose yet.
    fn all(&self, terms: &Terms<'_>) -> Draft {
        let (type_url, seen) = (terms.type_url, &self.seen);
        if self.wildcard && self.kept.is_empty() {
            let full = seen.full(type_url, terms.variant, usize::MAX);
            return match full.parts.first().cloned() {
                Some(part) => Draft { part, shared: Some(full), ..Draft::default() },
                None => Draft::default(),
            };
        }
        let mut all: BTreeMap<&Name, &Arc<Resource>> = self.kept.iter().collect();
        if self.wildcard {
            all.extend(seen.resources(type_url).map(|resource| (resource.name(), resource)));
        } else {
            all.extend(self.names.iter().filter_map(|name| Some((name, seen.get(type_url, name)?))));
        }
        let all: Vec<_> = all.into_values().collect();
        let bytes = all.iter().map(|resource| resource.field_len(terms.variant)).sum();
        Draft { part: Part::of(&all, terms.variant, bytes), ..Draft::default() }
    }

    /// Equal where the content is, on every replica; also where something is kept that the snapshot no longer has.
    pub(super) fn version(&self, terms: &Terms<'_>) -> u128 {
        let kept = self.kept.values().map(|resource| resource.digest());
        kept.fold(self.seen.digest(terms.type_url), u128::wrapping_add)
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
