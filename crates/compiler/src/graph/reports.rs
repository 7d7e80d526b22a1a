//! What has been said about objects, so that it is said once.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::change::ObjectKey;
use crate::output::{ObjectStatus, Report};

/// The last word on each object, and the new ones.
#[derive(Debug, Default)]
pub(super) struct Reports {
    said: HashSet<Said>,
    new: BTreeMap<ObjectKey, Arc<ObjectStatus>>,
    /// What was said last. The same is said of most objects of a kind, and then kept once.
    last: Arc<Report>,
}

/// What was said of one object. It is found by the object's name, which is in it already.
#[derive(Debug)]
struct Said(Arc<ObjectStatus>);

impl Borrow<ObjectKey> for Said {
    fn borrow(&self) -> &ObjectKey {
        &self.0.key
    }
}

impl Hash for Said {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Said {}

impl Reports {
    /// Says it, unless it has been said.
    pub(super) fn say(&mut self, mut status: ObjectStatus) {
        if self.said.get(&status.key).map(|said| &*said.0) != Some(&status) {
            if self.last == status.report {
                status.report = Arc::clone(&self.last);
            } else {
                self.last = Arc::clone(&status.report);
            }
            let status = Arc::new(status);
            self.said.replace(Said(status.clone()));
            self.new.insert(status.key.clone(), status);
        }
    }

    /// Says it, or takes it for gone: nothing is to be said of this object.
    pub(super) fn say_or_forget(&mut self, status: Result<ObjectStatus, ObjectKey>) {
        match status {
            Ok(status) => self.say(status),
            Err(key) => self.forget(&key),
        }
    }

    /// The object is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.said.remove(key);
        self.new.remove(key);
    }

    /// The object is another controller's now: what was said of it, if anything was, holds no longer.
    pub(super) fn withdraw(&mut self, key: ObjectKey, generation: i64) {
        if self.said.remove(&key) {
            let status =
                ObjectStatus { key: key.clone(), generation, report: Report::withdrawn().into(), programs: Vec::new() };
            self.new.insert(key, Arc::new(status));
        }
    }

    /// Takes what is new.
    pub(super) fn take(&mut self) -> Vec<Arc<ObjectStatus>> {
        std::mem::take(&mut self.new).into_values().collect()
    }
}
