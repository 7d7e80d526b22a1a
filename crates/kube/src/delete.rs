//! Delete, one object or a collection.

mod collection;
mod dependents;
mod object;
mod options;

pub(crate) use self::collection::{collection, remove_all};
pub(crate) use self::dependents::{FOREGROUND, OWNED, Propagation, change, contains, disown, prepare};
pub(crate) use self::object::{Deleted, remove};
pub(crate) use self::options::Options;
