//! Where the bytes are: a file, or in tests a disk that fails.

mod location;
mod tracked;

use std::fmt;

pub(super) use self::location::Location;
pub(super) use self::tracked::{Failures, Tracked};

/// A place for the database.
pub(super) trait Medium: Send + fmt::Debug {
    /// Whether nothing is there.
    fn is_empty(&self) -> Result<bool, redb::Error>;

    /// Opens what is there.
    fn open(&self, failures: &Failures) -> Result<Tracked, redb::Error>;

    /// Opens an empty place beside it. Not tracked: when it fails it is not used.
    fn replacement(&self) -> Result<Tracked, redb::Error>;

    /// Removes the replacement, closed.
    fn discard(&self);

    /// Puts the replacement, closed, in the place of what was there, durably.
    fn install(&self) -> Result<(), redb::Error>;
}
