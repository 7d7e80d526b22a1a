//! The last good version of an object.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use backstay_resources::{Object, ObjectMeta, Timestamp};

/// Why an object cannot be read, as the reader of its kind says it. Two are the same to a user who reads the same. As small as it can
/// be: all objects have room for one, and few have one.
#[derive(Debug, Clone)]
pub struct ReadFault(Arc<Box<dyn Error + Send + Sync>>);

impl fmt::Display for ReadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, formatter)
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

/// What a front end keeps of an object: its last version that could be read, and what is wrong with the present one. Its debug output shows nothing of what
/// is in it, which may be sensitive.
#[derive(Clone, PartialEq)]
pub struct LastGood<T> {
    /// Tells an object from an earlier one of the same name.
    pub uid: Box<str>,
    /// Of the present version.
    pub generation: i64,
    /// Age decides conflicts.
    pub created: Timestamp,
    /// The last version that could be read.
    pub good: Option<T>,
    /// Why the present version cannot be read.
    pub fault: Option<ReadFault>,
}

impl<T> LastGood<T> {
    /// Reads `object` with `parse`. When that fails, what `before` had is kept, unless it was another object.
    pub fn read<E: Error + Send + Sync + 'static>(
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
                let same = before.filter(|before| *before.uid == **uid);
                (same.and_then(|before| before.good.clone()), Some(ReadFault(Arc::new(Box::new(fault)))))
            }
        };
        Self { uid: uid.as_str().into(), generation: *generation, created, good, fault }
    }
}

impl<T> fmt::Debug for LastGood<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, generation, good, .. } = self;
        let mut shown = formatter.debug_struct("LastGood");
        shown
            .field("uid", uid)
            .field("generation", generation)
            .field("is_good", &good.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
