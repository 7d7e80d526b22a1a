//! Operations on a whole document: move, append, delete, with paths that may go through arrays.

mod tree;

use crate::document::{Object, Top, Value};
use tree::Tree;

/// Operations, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operations(Vec<Operation>);

/// An operation on a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Moves what is at the first path to the second. Of paths with as many segments, only the last segment is changed, and the
    /// others of the second path say nothing. With fewer segments in the second path it is moved up, as the last segment, into what
    /// the segments before lead to as far as they exist, where `*` stands for what the first path met at that place. With more, it
    /// is moved down from where it stands, by the segments from its own on.
    Move(Path, Path),
    /// Appends the elements of the array at the first path to those of the array at the second, and deletes the first.
    Append(Path, Path),
    /// Deletes what is at each path.
    Delete(Vec<Path>),
}

/// A path: segments, each a member's name, an element's position, or `*` for all of them. At least one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Box<[u8]>>);

/// Why operations were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationsError {
    /// There are none: a pipeline without operations is one with a selection.
    #[error("no operations: there must be at least one")]
    None,
}

// === impl Path ===

impl Path {
    /// A path whose segments are joined with dots.
    pub fn new(path: &str) -> Self {
        Self(path.split('.').map(|segment| segment.as_bytes().into()).collect())
    }

    fn segments(&self) -> &[Box<[u8]>] {
        &self.0
    }
}

// === impl Operations ===

impl Operations {
    /// At least one operation.
    pub fn new(operations: Vec<Operation>) -> Result<Self, OperationsError> {
        if operations.is_empty() { Err(OperationsError::None) } else { Ok(Self(operations)) }
    }

    /// Applies them. Where nothing is, there is nothing to operate on; what has lost its last member is `null` afterwards, and a
    /// document that has is none at all.
    pub(crate) fn apply(&self, top: Top) -> Top {
        let object = top?;
        let mut tree = Tree::new(Value::Object(object));
        for operation in &self.0 {
            match operation {
                Operation::Move(from, to) => tree.relocate(from.segments(), to.segments()),
                Operation::Append(from, to) => tree.append(from.segments(), to.segments()),
                Operation::Delete(paths) => {
                    for path in paths {
                        tree.delete(path.segments());
                    }
                }
            }
        }
        tree.into_value().into_object()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

#[cfg(test)]
mod tests;
