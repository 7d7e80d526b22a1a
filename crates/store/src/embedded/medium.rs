//! Where the bytes are: a file, or in tests a disk that fails.

mod location;
mod tracked;

use std::fmt;

pub(super) use self::location::Location;
pub(super) use self::tracked::{Failures, Tracked};

/// A place for the database.
pub(super) trait Medium: Send + fmt::Debug {
    /// Opens what is there, or an empty place.
    fn open(&self, failures: &Failures) -> Result<Tracked, redb::Error>;

    /// Opens an empty place beside it.
    fn replacement(&self, failures: &Failures) -> Result<Tracked, redb::Error>;

    /// Puts the replacement in the place of what was there, durably.
    fn install(&self) -> Result<(), redb::Error>;
}
