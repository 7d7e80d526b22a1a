//! A set of keys, and what was verified with them.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use backstay_token::{Algorithm, Claims, KeySet, Refusal, Unverified, fingerprint};

/// How many tokens are remembered, a power of two. A token that comes to the place of another takes it.
const REMEMBERED: usize = 1024;
/// Tokens that are longer are verified each time, so that what is remembered of them stays within a few MiB.
const MAX_REMEMBERED: usize = 4 << 10;

/// Keys, and the tokens that were verified with them last: clients send theirs with each request, and a signature takes longer
/// than anything else about a request. What was verified is forgotten with the keys.
pub struct KeyRing {
    keys: KeySet,
    verified: Box<[ArcSwapOption<Verified>]>,
}

struct Verified {
    token: [u8; 32],
    algorithm: Algorithm,
    claims: Arc<Claims>,
}

impl KeyRing {
    /// Keys with which nothing has been verified yet.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self { keys, verified: (0..REMEMBERED).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// What a token says whose signature has been verified, now or before.
    ///
    /// # Errors
    /// See [`Unverified::verify`].
    pub fn verify(&self, token: &str, read: &Unverified<'_>, algorithm: Algorithm) -> Result<Arc<Claims>, Refusal> {
        if token.len() > MAX_REMEMBERED {
            return read.verify(algorithm, &self.keys).map(Arc::new);
        }
        let (print, place) = self.place(token);
        let claims = Arc::new(read.verify(algorithm, &self.keys)?);
        if let Some(place) = place {
            let verified = Verified { token: print, algorithm, claims: Arc::clone(&claims) };
            place.store(Some(Arc::new(verified)));
        }
        Ok(claims)
    }

    /// What a token says whose signature was verified before.
    #[must_use]
    pub fn remember(&self, token: &str, algorithm: Algorithm) -> Option<Arc<Claims>> {
        if token.len() > MAX_REMEMBERED {
            return None;
        }
        let (print, place) = self.place(token);
        let known = place?.load();
        let known = known.as_ref().filter(|known| known.token == print && known.algorithm == algorithm)?;
        Some(Arc::clone(&known.claims))
    }

    fn place(&self, token: &str) -> ([u8; 32], Option<&ArcSwapOption<Verified>>) {
        let print = fingerprint(token);
        let index = usize::from(u16::from_le_bytes([print[0], print[1]])) % REMEMBERED;
        (print, self.verified.get(index))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
