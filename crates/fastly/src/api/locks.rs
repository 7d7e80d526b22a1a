//! Turns.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use tokio::sync::Mutex;

const STRIPES: usize = 64;

/// Who changes one service takes turns: a deployment that writes fifty parts of a version at once would otherwise do most of
/// them again and again.
#[derive(Debug)]
pub(crate) struct Locks([Mutex<()>; STRIPES]);

impl Default for Locks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Locks {
    /// Whoever holds it has the turn.
    pub(crate) fn of(&self, service: &str) -> &Mutex<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(service);
        &self.0[usize::try_from(hash % STRIPES as u64).unwrap_or_default()]
    }
}
