mod delta;
mod full;
mod log;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

pub(crate) use self::delta::Delta;
use self::delta::Deltas;
use self::full::Shared;
pub(crate) use self::full::{Full, Part};
use self::log::Log;
use crate::{Resource, ResourceChange, Variant};

/// Everything that is served at one revision: resources by type URL and name.
///
/// Immutable and cheap to clone. A snapshot made by [`apply`](Self::apply) shares with its origin all that did not
/// change. Snapshots made from one [`empty`](Self::empty) are meant to form a line, each made from the one before; a
/// stream that is handed a snapshot of another line is still served correctly, only not as cheaply.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    revision: u64,
    /// Counts the steps of this line that changed something. The logs are kept by it and not by the revision, which is
    /// the caller's and may be equal for several steps.
    step: u64,
    /// One allocation for each line of snapshots: tells whether the step of another snapshot may be compared.
    line: Arc<()>,
    log_capacity: usize,
    /// Few, so that they are found without a map.
    types: Vec<(Arc<str>, Arc<Kind>)>,
}

#[derive(Clone)]
struct Kind {
    resources: OrdMap<Arc<str>, Arc<Resource>>,
    log: Log,
    /// The sum of the hashes of all names and versions: equal where the contents are.
    digest: u128,
    /// The step that changed it last.
    step: u64,
    full: Shared,
    deltas: Deltas,
}

impl Snapshot {
    /// How many changed names the log of each type remembers unless told otherwise.
    pub const LOG_CAPACITY: usize = 16_384;

    /// A snapshot of nothing, at revision 0, with logs of [`LOG_CAPACITY`](Self::LOG_CAPACITY) names.
    pub fn empty() -> Self {
        Self::with_log_capacity(Self::LOG_CAPACITY)
    }

    /// A snapshot of nothing, at revision 0, whose logs (one for each type) remember `names` changed names. A stream that
    /// is further behind than that compares all resources of the type once.
    pub fn with_log_capacity(names: usize) -> Self {
        Self(Arc::new(Inner { revision: 0, step: 0, line: Arc::new(()), log_capacity: names, types: Vec::new() }))
    }

    /// The revision it was made for, as given to [`apply`](Self::apply). Observers are told it; the protocol itself only
    /// passes it on.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// The snapshot after `changes` to the resources of one type, at `revision` (which must not be lower than the present
    /// one, and may be equal: changes of several types are several calls). Puts of an equal version and removals of absent
    /// names are dropped. With no change left only the revision moves.
    #[must_use]
    pub fn apply(&self, revision: u64, type_url: &str, changes: impl IntoIterator<Item = ResourceChange>) -> Self {
        let step = self.0.step + 1;
        let mut kind = self.kind(type_url).map_or_else(Kind::default, |kind| Kind::clone(kind));
        let mut names = Vec::new();
        for change in changes {
            match change {
                ResourceChange::Put(resource) => {
                    let present = kind.resources.get(resource.name());
                    if present.is_some_and(|present| present.version() == resource.version()) {
                        continue;
                    }
                    let name = resource.name().clone();
                    names.push(name.clone());
                    let resource = resource.encoded(type_url);
                    kind.digest = kind.digest.wrapping_add(resource.digest());
                    if let Some(before) = kind.resources.insert(name, Arc::new(resource)) {
                        kind.digest = kind.digest.wrapping_sub(before.digest());
                    }
                }
                ResourceChange::Remove(name) => {
                    if let Some(before) = kind.resources.remove(&name) {
                        kind.digest = kind.digest.wrapping_sub(before.digest());
                        names.push(name);
                    }
                }
            }
        }
        let (mut step, mut types) = (step, self.0.types.clone());
        if names.is_empty() {
            step = self.0.step;
        } else {
            kind.log.append(step, names, self.0.log_capacity);
            kind.step = step;
            kind.full = Shared::default();
            kind.deltas = Deltas::default();
            match types.iter_mut().find(|(known, _)| **known == *type_url) {
                Some((_, known)) => *known = Arc::new(kind),
                None => types.push((type_url.into(), Arc::new(kind))),
            }
        }
        let Inner { line, log_capacity, .. } = &*self.0;
        Self(Arc::new(Inner { revision, step, line: line.clone(), log_capacity: *log_capacity, types }))
    }

    /// The resource of that type and name.
    pub fn get(&self, type_url: &str, name: &str) -> Option<&Arc<Resource>> {
        self.kind(type_url)?.resources.get(name)
    }

    /// All resources of a type, in the order of their names.
    pub fn resources(&self, type_url: &str) -> impl Iterator<Item = &Arc<Resource>> {
        self.kind(type_url).into_iter().flat_map(|kind| kind.resources.values())
    }

    /// The names of resources of a type that are called by this one, a slash, and a last part without one.
    pub(crate) fn members(&self, type_url: &str, whole: &str) -> Vec<&Arc<str>> {
        let prefix = format!("{whole}/");
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let names = self.kind(type_url).into_iter().flat_map(|kind| kind.resources.range::<_, str>(from));
        let lasts = names.map_while(|(name, _)| Some((name, name.strip_prefix(prefix.as_str())?)));
        lasts.filter(|(_, last)| !last.contains('/')).map(|(name, _)| name).collect()
    }

    /// How many resources a type has.
    pub fn len(&self, type_url: &str) -> usize {
        self.kind(type_url).map_or(0, |kind| kind.resources.len())
    }

    /// A number that two snapshots have in common if and only if they hold the same resources of a type.
    pub fn digest(&self, type_url: &str) -> u128 {
        self.kind(type_url).map_or(0, |kind| kind.digest)
    }

    /// All resources of a type as responses carry them, in parts of about `part_bytes`. Encoded once for all streams that send
    /// them at a time.
    pub(crate) fn full(&self, type_url: &str, variant: Variant, part_bytes: usize) -> Arc<Full> {
        match self.kind(type_url) {
            Some(kind) => kind.full.get(kind.resources.values(), variant, part_bytes),
            None => Arc::default(),
        }
    }

    /// What has changed since `before`, made once for all streams that had that. Nothing if it is more than `limit` bytes, or `before` so
    /// old or so different, or the same, that each stream had better find out for itself.
    pub(crate) fn delta(&self, before: &Self, type_url: &str, variant: Variant, limit: usize) -> Option<Arc<Delta>> {
        let (kind, old) = (self.kind(type_url)?, before.kind(type_url)?);
        if !Arc::ptr_eq(&self.0.line, &before.0.line) || Arc::ptr_eq(kind, old) {
            return None;
        }
        // An older snapshot is of the same line as well.
        if old.step > kind.step {
            return None;
        }
        kind.deltas.get(
            (old.step, variant),
            limit,
            || kind.log.since(old.step),
            |names| {
                let versions = |name: &&Arc<str>| {
                    let version = |kind: &Kind| kind.resources.get(*name).map(|resource| resource.version().clone());
                    version(kind) != version(old)
                };
                let (mut resources, mut removed) = (Vec::new(), Vec::new());
                for name in names.into_iter().filter(versions) {
                    match kind.resources.get(name) {
                        Some(resource) => resources.push(resource),
                        None => removed.push(name.clone()),
                    }
                }
                let bytes = resources.iter().map(|resource| resource.field_len(variant)).sum();
                let part = Part::of(&resources, variant, bytes);
                let bytes = bytes + removed.iter().map(|name| Delta::removed_len(name)).sum::<usize>();
                Delta { part, removed: removed.into(), bytes }
            },
        )
    }

    /// Whether the resources of a type are those of another snapshot, as is seen without a look at them.
    pub(crate) fn is_same(&self, other: &Self, type_url: &str) -> bool {
        match (self.kind(type_url), other.kind(type_url)) {
            (Some(kind), Some(other)) => Arc::ptr_eq(kind, other),
            (kind, other) => kind.is_none() && other.is_none(),
        }
    }

    /// Whether there is no resource of any type.
    pub fn is_empty(&self) -> bool {
        self.0.types.iter().all(|(_, kind)| kind.resources.is_empty())
    }

    /// Names whose resource may differ between `before` and this snapshot: all that do, and perhaps some that changed and
    /// changed back. The log answers if it reaches back far enough, else the two are compared.
    pub fn changed_since(&self, before: &Self, type_url: &str) -> BTreeSet<Arc<str>> {
        let (kind, old) = match (self.kind(type_url), before.kind(type_url)) {
            (None, None) => return BTreeSet::new(),
            (Some(kind), None) => return kind.resources.keys().cloned().collect(),
            (None, Some(old)) => return old.resources.keys().cloned().collect(),
            (Some(kind), Some(old)) if Arc::ptr_eq(kind, old) => return BTreeSet::new(),
            (Some(kind), Some(old)) => (kind, old),
        };
        if Arc::ptr_eq(&self.0.line, &before.0.line)
            && let Some(names) = kind.log.since(before.0.step)
        {
            return names.cloned().collect();
        }
        let name = |item: DiffItem<'_, '_, Arc<str>, Arc<Resource>>| match item {
            DiffItem::Add(name, _) | DiffItem::Remove(name, _) | DiffItem::Update { new: (name, _), .. } => {
                name.clone()
            }
        };
        old.resources.diff(&kind.resources).map(name).collect()
    }

    fn kind(&self, type_url: &str) -> Option<&Arc<Kind>> {
        self.0.types.iter().find(|(known, _)| **known == *type_url).map(|(_, kind)| kind)
    }
}

impl Default for Kind {
    fn default() -> Self {
        let (full, deltas) = (Shared::default(), Deltas::default());
        Self { resources: OrdMap::new(), log: Log::default(), digest: 0, step: 0, full, deltas }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        map.entry(&"revision", &self.revision());
        for (type_url, kind) in &self.0.types {
            map.entry(type_url, &kind.resources.len());
        }
        map.finish()
    }
}
