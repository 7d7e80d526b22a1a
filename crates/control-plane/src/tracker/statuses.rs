//! What the writer of statuses asks and tells.

use std::collections::BTreeSet;

use backstay_compiler::{ObjectKey, Report};
use backstay_resources::Timestamp;

use super::{Acknowledged, Tracked, Tracker};

impl Tracker {
    /// This process writes the statuses from now on, which another has written so far. What that one has told of an object holds.
    pub(crate) fn taken_over(&mut self, key: &ObjectKey, told: Option<&Acknowledged>) {
        let holds = |tracked: &Tracked| told.filter(|told| self.still_holds(told, tracked)).map(|told| told.generation);
        let settled = self.object(key).and_then(holds);
        if let (Some(tracked), Some(settled)) = (self.object_mut(key), settled) {
            tracked.settled = Some(settled);
        }
        self.touched.remove(key);
        self.dirty.insert(key.clone());
    }

    /// The status of an object could not be written.
    pub(crate) fn again(&mut self, key: ObjectKey) {
        self.dirty.insert(key);
    }

    /// The status writer is about to store the object with this [mark](crate::status::mark).
    pub(crate) fn writing(&mut self, key: &ObjectKey, mark: u64) {
        self.writing.insert(key.clone(), mark);
    }

    /// The status of an object changed to what has this mark. Unless the status writer did that, it is to be looked at.
    pub(crate) fn status_changed(&mut self, key: &ObjectKey, mark: u64) {
        match self.writing.get(key) {
            Some(own) if *own == mark => drop(self.writing.remove(key)),
            _ => self.touch(key.clone()),
        }
    }

    /// Somebody else may have changed the status of an object.
    pub(crate) fn touch(&mut self, key: ObjectKey) {
        self.touched.insert(key);
    }

    /// The objects whose status somebody else has changed since the last call.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<ObjectKey> {
        std::mem::take(&mut self.touched)
    }

    /// What was said of an object that is another controller's now, and has yet to be taken back.
    pub(crate) fn withdrawn(&self, key: &ObjectKey) -> Option<&Report> {
        self.withdrawn.get(key).map(AsRef::as_ref)
    }

    /// What was said of an object that is another controller's now has been taken back.
    pub(crate) fn taken_back(&mut self, key: &ObjectKey) {
        self.withdrawn.remove(key);
    }

    /// The objects whose status may have changed since the last call, at `now`.
    pub(crate) fn take_dirty(&mut self, now: Timestamp) -> BTreeSet<ObjectKey> {
        while let Some(due) = self.due.first_entry().filter(|due| *due.key() <= now) {
            self.dirty.extend(due.remove());
        }
        std::mem::take(&mut self.dirty)
    }

    /// When a status will next change by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|(due, _)| *due).into_iter().chain(self.look_for_late).min()
    }
}
