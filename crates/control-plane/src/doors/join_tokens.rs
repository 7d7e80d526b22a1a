//! Tokens that are good for one certificate each.

use std::sync::Arc;

use backstay_auth::{Digest, new_token};
use backstay_resources::Timestamp;
use backstay_store::{CommitError, Expect, Key, Operation, Prefix, Store, Write};
use serde::{Deserialize, Serialize};

/// Where they are stored: by the SHA-256 of each, so that who reads the store has no token. No API serves these.
const PLACE: &str = "jointokens.backstay.dev";

/// How many there may be at once, used and expired ones that are not yet forgotten included.
const MOST: usize = 10_000;

/// How long a token that was used or has expired is remembered, so that whoever sends it is told what became of it.
const REMEMBERED: i64 = 24 * 3600;

/// What is known of a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    /// The fleet that its certificate is for.
    fleet: String,
    /// Until when it may be used, in seconds since 1970.
    expires: i64,
    /// When it was used, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<i64>,
}

/// A token that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// The token itself. It is told this once.
    pub(crate) token: String,
    /// Its fleet.
    pub(crate) fleet: String,
    /// Until when it may be used.
    pub(crate) expires: Timestamp,
}

/// Why there is no certificate for a token, or no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JoinTokenError {
    #[error("the join token is not known: it was never made here, or is long forgotten")]
    Unknown,
    #[error("the join token was used already, at {0}: each is good for one certificate; make another")]
    Used(Timestamp),
    #[error("the join token has expired, at {0}; make another")]
    Expired(Timestamp),
    #[error("there are {MOST} join tokens already; wait until some have expired")]
    Many,
    #[error("the store cannot be written: {0}")]
    Store(CommitError),
    #[error("what is stored of the join token cannot be read")]
    Malformed,
}

/// The tokens in a store.
#[derive(Debug, Clone)]
pub(crate) struct JoinTokens(Arc<dyn Store>);

impl JoinTokens {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Makes one for a fleet, which may be used for so many seconds.
    pub(crate) async fn make(&self, fleet: &str, seconds: i64, now: Timestamp) -> Result<Made, JoinTokenError> {
        self.forget(now).await?;
        if self.0.snapshot().list(&Prefix::resource(PLACE)).count() >= MOST {
            return Err(JoinTokenError::Many);
        }
        let token = new_token();
        let expires = now.0.as_second().saturating_add(seconds);
        let known = Known { fleet: fleet.to_owned(), expires, used: None };
        self.put(key(&token), Expect::Absent, &known).await?;
        Ok(Made { token, fleet: fleet.to_owned(), expires: Timestamp::from_second(expires) })
    }

    /// Uses one up, and yields its fleet. Of two that use it at once, one is told that it was used.
    pub(crate) async fn use_up(&self, token: &str, now: Timestamp) -> Result<String, JoinTokenError> {
        loop {
            let key = key(token);
            let entry = self.0.snapshot().get(&key).cloned().ok_or(JoinTokenError::Unknown)?;
            let known: Known = serde_json::from_slice(&entry.value).map_err(|_| JoinTokenError::Malformed)?;
            if let Some(used) = known.used {
                return Err(JoinTokenError::Used(Timestamp::from_second(used)));
            }
            if known.expires <= now.0.as_second() {
                return Err(JoinTokenError::Expired(Timestamp::from_second(known.expires)));
            }
            let used = Known { used: Some(now.0.as_second()), ..known.clone() };
            match self.put(key, Expect::Modified(entry.modified), &used).await {
                Ok(()) => return Ok(known.fleet),
                Err(JoinTokenError::Store(CommitError::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes those that were used or have expired long ago.
    async fn forget(&self, now: Timestamp) -> Result<(), JoinTokenError> {
        let (snapshot, all) = (self.0.snapshot(), Prefix::resource(PLACE));
        let old = snapshot.list(&all).filter(|entry| {
            let known = serde_json::from_slice::<Known>(&entry.value);
            known.map_or(true, |known| {
                known.used.unwrap_or(known.expires).saturating_add(REMEMBERED) < now.0.as_second()
            })
        });
        let delete = |key: Key| Write { key, expect: Expect::Any, operation: Operation::Delete };
        let writes: Vec<Write> = old.map(|entry| delete(entry.key.clone())).collect();
        for commit in self.0.limits().divide(writes) {
            match self.0.commit(commit).await {
                // Another one was first.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(JoinTokenError::Store(error)),
            }
        }
        Ok(())
    }

    async fn put(&self, key: Key, expect: Expect, known: &Known) -> Result<(), JoinTokenError> {
        let value = serde_json::to_vec(known).map_err(|_| JoinTokenError::Malformed)?;
        let write = Write { key, expect, operation: Operation::Put(value.into()) };
        self.0.commit(vec![write]).await.map(drop).map_err(JoinTokenError::Store)
    }
}

fn key(token: &str) -> Key {
    Key::new(PLACE, "", &Digest::of(token).to_string())
}

#[cfg(test)]
mod tests;
