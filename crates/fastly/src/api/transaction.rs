//! Changing what is stored.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use backstay_store::{CommitError, Snapshot, Write};
use tokio::sync::Mutex;

use super::Api;
use super::failure::Failure;

/// How often a change is tried again when others came first. Within one process they take turns, so that it takes another
/// process for a second attempt.
const ATTEMPTS: usize = 32;

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
    fn of(&self, service: &str) -> &Mutex<()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(service);
        &self.0[usize::try_from(hash % STRIPES as u64).unwrap_or_default()]
    }
}

/// What a change writes, and what is answered.
pub(crate) type Change<T> = Result<(Vec<Write>, T), Failure>;

impl Api {
    /// The newest state.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(self.store.read().await?)
    }

    /// Changes a service or what belongs to it: `change` says what to write of the newest state, and is asked again when that
    /// is no longer the newest one. All is written or nothing.
    pub(crate) async fn change<T>(
        &self,
        service: &str,
        mut change: impl FnMut(&Snapshot) -> Change<T>,
    ) -> Result<T, Failure> {
        let _turn = self.locks.of(service).lock().await;
        for _ in 0..ATTEMPTS {
            let (writes, answer) = change(&self.snapshot().await?)?;
            if writes.is_empty() {
                return Ok(answer);
            }
            match self.store.commit(writes).await {
                Ok(_) => return Ok(answer),
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::busy())
    }
}
