//! Changing what is stored.

use backstay_store::{CommitError, Snapshot, Write};

use super::failure::Failure;
use super::shared::Api;

/// How often a change is tried again when others came first. Within one process they take turns, so that it takes another
/// process for a second attempt.
const ATTEMPTS: usize = 32;

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
