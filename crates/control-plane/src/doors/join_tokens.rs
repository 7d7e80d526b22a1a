//! Tokens that are good for one certificate each.

use std::sync::Arc;

use backstay_auth::{Digest, new_token};
use backstay_resources::Timestamp;
use backstay_store::{CommitError, Expect, Key, Operation, Prefix, Store, Write};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where they are stored: by the SHA-256 of each, so that who reads the store has no token. No API serves these.
const PLACE: &str = "jointokens.backstay.dev";

/// Where those are stored whose certificates are not taken any more: by the [id](id_of) of each.
const REVOKED: &str = "revokedjointokens.backstay.dev";

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

/// Of a token that was revoked.
#[derive(Debug, Serialize, Deserialize)]
struct Revoked {
    /// When, in seconds since 1970.
    at: i64,
}

/// A token that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    /// What it is called: its certificates have this as their common name, and it is revoked by it.
    pub(crate) id: String,
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
    #[error("the join token was revoked")]
    Revoked,
    #[error("there are {MOST} join tokens already, or as many that were revoked; wait until some have expired")]
    Many,
    #[error("the store cannot be written: {0}")]
    Store(CommitError),
    #[error("what is stored of the join token cannot be read")]
    Malformed,
}

/// The tokens in a store. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct JoinTokens {
    store: Arc<dyn Store>,
    /// Counts what this process has revoked.
    revocations: watch::Sender<u64>,
}

impl JoinTokens {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, revocations: watch::Sender::new(0) }
    }

    /// Takes back the token of this id: it is good for no certificate, and those that it was good for are not taken any more.
    pub(crate) async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), JoinTokenError> {
        self.forget(now).await?;
        if self.store.snapshot().list(&Prefix::resource(REVOKED)).count() >= MOST {
            return Err(JoinTokenError::Many);
        }
        let value = serde_json::to_vec(&Revoked { at: now.0.as_second() }).map_err(|_| JoinTokenError::Malformed)?;
        let write = Write { key: revoked(id), expect: Expect::Any, operation: Operation::Put(value.into()) };
        self.store.commit(vec![write]).await.map_err(JoinTokenError::Store)?;
        self.revocations.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Whether the token was revoked that a certificate with this common name goes back to.
    pub(super) fn is_revoked(&self, common_name: &str) -> bool {
        is_id(common_name) && self.store.snapshot().get(&revoked(common_name)).is_some()
    }

    /// Tells of what this process revokes from now on. What another one does is to be looked for.
    pub(super) fn revocations(&self) -> watch::Receiver<u64> {
        self.revocations.subscribe()
    }

    /// Makes one for a fleet, which may be used for so many seconds.
    pub(crate) async fn make(&self, fleet: &str, seconds: i64, now: Timestamp) -> Result<Made, JoinTokenError> {
        self.forget(now).await?;
        if self.store.snapshot().list(&Prefix::resource(PLACE)).count() >= MOST {
            return Err(JoinTokenError::Many);
        }
        let token = new_token();
        let expires = now.0.as_second().saturating_add(seconds);
        let known = Known { fleet: fleet.to_owned(), expires, used: None };
        self.put(key(&token), Expect::Absent, &known).await?;
        Ok(Made { id: id_of(&token), token, fleet: fleet.to_owned(), expires: Timestamp::from_second(expires) })
    }

    /// Uses one up, and yields its fleet. Of two that use it at once, one is told that it was used.
    pub(crate) async fn use_up(&self, token: &str, now: Timestamp) -> Result<String, JoinTokenError> {
        if self.is_revoked(&id_of(token)) {
            return Err(JoinTokenError::Revoked);
        }
        loop {
            let key = key(token);
            let entry = self.store.snapshot().get(&key).cloned().ok_or(JoinTokenError::Unknown)?;
            let known: Known = serde_json::from_slice(&entry.value.bytes()).map_err(|_| JoinTokenError::Malformed)?;
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
        let (snapshot, all, revoked) = (self.store.snapshot(), Prefix::resource(PLACE), Prefix::resource(REVOKED));
        let old = snapshot.list(&all).filter(|entry| {
            let known = serde_json::from_slice::<Known>(&entry.value.bytes());
            known.map_or(true, |known| {
                known.used.unwrap_or(known.expires).saturating_add(REMEMBERED) < now.0.as_second()
            })
        });
        // Whose certificates have all expired.
        let over = snapshot.list(&revoked).filter(|entry| {
            let revoked = serde_json::from_slice::<Revoked>(&entry.value.bytes());
            revoked.is_ok_and(|revoked| revoked.at.saturating_add(2 * REMEMBERED) < now.0.as_second())
        });
        let delete = |key: Key| Write { key, expect: Expect::Any, operation: Operation::Delete };
        let writes: Vec<Write> = old.chain(over).map(|entry| delete(entry.key.clone())).collect();
        for commit in self.store.limits().divide(writes) {
            match self.store.commit(commit).await {
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
        self.store.commit(vec![write]).await.map(drop).map_err(JoinTokenError::Store)
    }
}

/// Digits of an id.
const ID_DIGITS: usize = 16;

/// What a token is called: the first 64 bits of its SHA-256, which tell nothing of it.
pub(super) fn id_of(token: &str) -> String {
    Digest::of(token).to_string().chars().take(ID_DIGITS).collect()
}

/// Whether a text is what tokens are called.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn revoked(id: &str) -> Key {
    Key::new(REVOKED, "", id)
}

fn key(token: &str) -> Key {
    Key::new(PLACE, "", &Digest::of(token).to_string())
}

#[cfg(test)]
mod tests;
