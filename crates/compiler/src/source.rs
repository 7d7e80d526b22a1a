//! The last good version of an object.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use backstay_resources::{Object, ObjectMeta, Timestamp};

/// Why an object cannot be read, as the reader of its kind says it. Two are the same to a user who reads the same.
#[derive(Debug, Clone)]
pub(crate) struct ReadFault(Arc<dyn Error + Send + Sync>);

impl fmt::Display for ReadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for ReadFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl PartialEq for ReadFault {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// What the compiler keeps of an object: its last version that could be read, and what is wrong with the present one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source<T> {
    /// Tells an object from an earlier one of the same name.
    pub(crate) uid: String,
    /// Of the present version.
    pub(crate) generation: i64,
    /// Age decides conflicts.
    pub(crate) created: Timestamp,
    /// The last version that could be read.
    pub(crate) good: Option<T>,
    /// Why the present version cannot be read.
    pub(crate) fault: Option<ReadFault>,
}

impl<T> Source<T> {
    /// Reads `object` with `parse`. When that fails, what `before` had is kept, unless it was another object.
    pub(crate) fn read<E: Error + Send + Sync + 'static>(
        object: &Object,
        parse: impl FnOnce(&Object) -> Result<T, E>,
        before: Option<&Self>,
    ) -> Self
    where
        T: Clone,
    {
        let ObjectMeta { uid, generation, creation_timestamp, .. } = &object.metadata;
        // Without the fraction, so that the text of a time orders as the time does.
        let created = Timestamp::from_second(creation_timestamp.map_or(0, |time| time.0.as_second()));
        let (good, fault) = match parse(object) {
            Ok(good) => (Some(good), None),
            Err(fault) => {
                let same = before.filter(|before| before.uid == *uid);
                (same.and_then(|before| before.good.clone()), Some(ReadFault(Arc::new(fault))))
            }
        };
        Self { uid: uid.clone(), generation: *generation, created, good, fault }
    }
}

#[cfg(test)]
mod tests;
