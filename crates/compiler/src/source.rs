//! The last good version of an object.

use backstay_resources::{Object, ObjectMeta, Timestamp};

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
    pub(crate) fault: Option<String>,
}

impl<T> Source<T> {
    /// Reads `object` with `parse`. When that fails, what `before` had is kept, unless it was another object.
    pub(crate) fn read<E: std::fmt::Display>(
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
                (same.and_then(|before| before.good.clone()), Some(fault.to_string()))
            }
        };
        Self { uid: uid.clone(), generation: *generation, created, good, fault }
    }
}
