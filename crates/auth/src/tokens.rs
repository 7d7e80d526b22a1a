//! The tokens that are taken.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use backstay_certificate::Stamp;
use backstay_resources::Timestamp;
use subtle::ConditionallySelectable as _;
use tokio::sync::watch;

use crate::digest::Digest;
use crate::file::{self, FileError, Known};
use crate::identity::User;

/// The tokens that are taken: those of a file, or any.
#[derive(Debug, Clone)]
pub struct Tokens(Option<Arc<OfFile>>);

#[derive(Debug)]
struct OfFile {
    path: PathBuf,
    known: ArcSwap<Known>,
    /// The file as it was when it was first read.
    read: Stamp,
    /// Counts how often it was read again.
    changes: watch::Sender<u64>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is none.
    #[error("no token was sent")]
    Missing,
    /// Nothing is known of it.
    #[error("the token is not known")]
    Unknown,
    /// It held until some time.
    #[error("the token has expired")]
    Expired,
    /// A client certificate held until some time, which the connection has outlived.
    #[error("the client certificate has expired")]
    Certificate,
    /// Whoever could tell cannot be asked.
    #[error("whoever could tell whether the token is good cannot be asked")]
    Unavailable,
    /// Too many that were not taken came from the same address.
    #[error("too many credentials from this address were not taken")]
    TooMany,
    /// A signed token that is not good.
    #[error("the token is not taken: {0}")]
    Signed(backstay_token::Refusal),
}

impl Tokens {
    /// Any token, whatever it says.
    #[must_use]
    pub fn any() -> Self {
        Self(None)
    }

    /// The tokens of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not one of tokens.
    pub async fn of_file(path: &Path) -> Result<Self, FileError> {
        // First: what changes while it is read is read again.
        let read = Stamp::of(&[path]).await;
        let known = ArcSwap::from_pointee(file::read(path).await?);
        Ok(Self(Some(Arc::new(OfFile { path: path.to_owned(), known, read, changes: watch::Sender::new(0) }))))
    }

    /// Whether any token is taken.
    #[must_use]
    pub fn takes_any(&self) -> bool {
        self.0.is_none()
    }

    /// Tells of each time the file was read again, from now on. None where any token is taken.
    #[must_use]
    pub fn changes(&self) -> Option<watch::Receiver<u64>> {
        self.0.as_ref().map(|file| file.changes.subscribe())
    }

    /// Whether any of these tokens may join a fleet.
    #[must_use]
    pub fn any_joins(&self) -> bool {
        self.0.as_ref().is_some_and(|file| file.known.load().iter().any(|(_, identity)| !identity.fleets.is_empty()))
    }

    /// Whose a token is. The time this takes does not depend on how much of a token is right.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn identify(&self, token: Option<&str>, now: Timestamp) -> Result<Arc<User>, Denied> {
        let token = token.filter(|token| !token.is_empty()).ok_or(Denied::Missing)?;
        let Some(file) = &self.0 else { return Ok(User::shared_anyone()) };
        let digest = Digest::of(token);
        let known = file.known.load();
        // All are looked at, whichever it is.
        let mut found = u64::MAX;
        for (index, (candidate, _)) in (0_u64..).zip(known.iter()) {
            found = u64::conditional_select(&found, &index, digest.is(candidate));
        }
        let index = usize::try_from(found).map_err(|_| Denied::Unknown)?;
        let (_, identity) = known.get(index).ok_or(Denied::Unknown)?;
        if identity.expires.is_some_and(|expires| expires <= now) {
            return Err(Denied::Expired);
        }
        Ok(identity.clone())
    }

    /// Reads the file again whenever it changes, and goes on for ever. While the file cannot be used, the tokens stay as
    /// they were, and that is said once for each change.
    pub async fn follow(self) {
        let Some(file) = self.0 else { return std::future::pending().await };
        let mut seen = file.read.clone();
        loop {
            seen = seen.change(&[&file.path]).await;
            match file::read(&file.path).await {
                Ok(known) => {
                    let tokens = known.len();
                    file.known.store(Arc::new(known));
                    file.changes.send_modify(|changes| *changes += 1);
                    tracing::info!(path = %file.path.display(), tokens, "tokens were read again");
                }
                Err(error) => tracing::warn!(%error, "tokens stay as they were"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
