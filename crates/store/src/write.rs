//! What a commit asks for, and what it did.

use std::sync::Arc;

use bytes::Bytes;

use crate::entry::{Entry, Revision};
use crate::key::Key;

/// What must be true of the stored object for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// It does not exist.
    Absent,
    /// It exists.
    Present,
    /// It exists and this commit was the last to change it.
    Modified(Revision),
}

/// What a write does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Create or replace the object.
    Put(Bytes),
    /// Remove it. Removing what does not exist is an error of expectation.
    Delete,
    /// Leave it: the other writes of the commit are done if it is as expected. A commit of guards alone writes nothing and
    /// is refused.
    Guard,
}

/// One change of one object, or a condition on one that the changes of other objects depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The object.
    pub key: Key,
    /// The condition.
    pub expect: Expect,
    /// The change.
    pub operation: Operation,
}

impl Write {
    /// A condition on an object that the commit does not change.
    #[must_use]
    pub fn guard(key: Key, expect: Expect) -> Self {
        Self { key, expect, operation: Operation::Guard }
    }
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The revision of the commit. Every write of it has this revision.
    pub revision: Revision,
    /// One for each write that is no guard, in the order given: the entry as stored, or for a delete the entry as it was.
    pub entries: Vec<Arc<Entry>>,
}
