//! What deltas are made against.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::delta::{Delta, Index, LONGEST};
use super::{Form, Value};
use crate::Key;

/// Values shorter than this are kept whole: there is nothing to gain.
const SHORTEST: usize = 128;

/// The most bases of one resource at a time. The least recently used makes room.
const MOST: usize = 4;

/// Of so many values that no base is good for one becomes a base. Not each, so that where all objects are different, few bases
/// are made and searched in vain.
const MISSES: usize = 16;

/// Of each resource, the bases that its values are told by. Only values keep them: what was deleted is not remembered here.
#[derive(Default)]
pub(crate) struct Bases(HashMap<Box<str>, Recent>);

#[derive(Default)]
struct Recent {
    /// The most recently used first.
    bases: Vec<(Weak<Bytes>, Index)>,
    misses: usize,
}

impl fmt::Debug for Bases {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bases")
    }
}

impl Bases {
    /// A value of an object, as it is to be kept.
    pub(crate) fn keep(&mut self, key: &Key, whole: Bytes) -> Value {
        if !(SHORTEST..=LONGEST).contains(&whole.len()) {
            return whole.into();
        }
        let resource = key.resource();
        if let Some(recent) = self.0.get_mut(resource) {
            return recent.keep(whole);
        }
        self.0.entry(resource.into()).or_default().keep(whole)
    }
}

impl Recent {
    fn keep(&mut self, whole: Bytes) -> Value {
        // In the memory of its delta a value is at most three quarters of what it is whole, or the trouble is not worth it.
        let (good, mut most) = (whole.len() / 4, whole.len() / 4 * 3);
        let mut best = None;
        self.bases.retain(|(base, _)| base.strong_count() > 0);
        // What is as long is mostly of the same shape: objects with their statuses, and those that have none yet.
        let distance = |(base, _): &(Weak<Bytes>, Index)| base.upgrade().map(|base| base.len().abs_diff(whole.len()));
        let nearest = (0..self.bases.len()).min_by_key(|place| self.bases.get(*place).and_then(distance));
        self.used(nearest);
        for (place, (base, index)) in self.bases.iter().enumerate() {
            let Some(base) = base.upgrade() else { continue };
            let Some(delta) = Delta::new(&base, index, &whole, most) else { continue };
            most = delta.size();
            best = Some((place, base, delta));
            if most <= good {
                break;
            }
        }
        let is_good = best.is_some() && most <= good;
        self.misses += usize::from(!is_good);
        if !is_good && (self.bases.is_empty() || self.misses >= MISSES) {
            return self.found(whole);
        }
        let Some((place, base, delta)) = best else { return whole.into() };
        self.used(Some(place));
        Value(Form::Told(base, Some(delta)))
    }

    /// Puts a base first.
    fn used(&mut self, place: Option<usize>) {
        if let Some(recent) = place.and_then(|place| self.bases.get_mut(..=place)) {
            recent.rotate_right(1);
        }
    }

    /// Makes a value a base.
    fn found(&mut self, whole: Bytes) -> Value {
        self.misses = 0;
        self.bases.truncate(MOST - 1);
        let index = Index::new(&whole);
        let base = Arc::new(whole);
        self.bases.insert(0, (Arc::downgrade(&base), index));
        Value(Form::Told(base, None))
    }
}

#[cfg(test)]
mod tests;
