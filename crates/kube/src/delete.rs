//! Delete, one object or a collection.

mod collection;
mod dependents;
mod object;
mod options;

pub(crate) use self::collection::{collection, remove_all};
pub use self::dependents::Propagation;
#[cfg(test)]
pub(crate) use self::dependents::prepare;
pub(crate) use self::dependents::{FOREGROUND, OWNED, change, contains, disown};
pub(crate) use self::object::{Deleted, remove};
pub(crate) use self::options::Options;
