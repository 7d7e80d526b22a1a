//! Objects, and when they were written.

use crate::key::Key;
use crate::value::Value;

/// A point in the history of a store. 0 is the empty store; the first commit makes 1.
pub type Revision = u64;

/// One object as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub key: Key,
    /// The encoded object, opaque to the store.
    pub value: Value,
    /// The commit that created it.
    pub created: Revision,
    /// The commit that last changed it.
    pub modified: Revision,
}
