//! Bytes sealed with the keys of a file, for what is kept on disk: AES-256-GCM (NIST SP 800-38D) with random nonces.
//!
//! What is sealed begins with `bs1:KEY:`, where KEY is the name of its key; the nonce, the ciphertext and its tag follow. Where it is kept
//! is authenticated with it, so that it cannot be moved to another place unseen. That an older value of the same place is put back is not
//! noticed.
//!
//! With random nonces a key is good for 2^32 values (SP 800-38D, section 8.3): whoever writes a thousand in a second has another one in
//! use after seven weeks.

mod file;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::rand::{SecureRandom as _, SystemRandom};

use self::file::Stamp;

/// How everything sealed begins.
const FORMAT: &[u8] = b"bs1:";
/// Characters of a key's name, at most.
const NAME_MOST: usize = 32;
/// Keys in a file, at most.
const KEYS_MOST: usize = 64;
/// How often it is looked at most whether the file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a file of keys cannot be used. It never shows a key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no key.
    #[error("{}: line {line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is none, or too many.
    #[error("{}: there must be from 1 to {KEYS_MOST} keys, a line each: NAME:KEY", path.display())]
    Number {
        /// The file.
        path: PathBuf,
    },
}

/// Why something cannot be unsealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Its key is not there.
    #[error("it is sealed with the key {0:?}, which is not given")]
    NoKey(String),
    /// It was changed, or is at another place than it was sealed for, or the key has another's name.
    #[error("it was not sealed here with the key {0:?}: it is damaged, was moved, or the key is another one")]
    Wrong(String),
    /// It begins as something sealed, and is not.
    #[error("it is cut short")]
    Short,
}

/// Sealing failed: the system has no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct SealError;

/// Keys by their names. The first seals; all unseal. Their file is read again when it changes, which is looked at once a second while
/// something is sealed, so that a key is changed without a restart. While the file cannot be used the keys stay as they were, and the log
/// says so once for each change. Clones are one.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    path: PathBuf,
    keys: ArcSwap<Vec<(String, LessSafeKey)>>,
    seen: Mutex<Seen>,
    random: SystemRandom,
}

/// The file when it was looked at last.
struct Seen {
    stamp: Stamp,
    at: Instant,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

/// Keys are the same where one is a copy of the other.
impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Keys {}

impl Keys {
    /// The keys of a file: a line each, `NAME:KEY`, the key as 64 hexadecimal digits, as `openssl rand -hex 32` prints one. Names are of
    /// 1 to 32 letters, digits, `-`, `_` and `.`. Empty lines, and those that begin with `#`, are passed over.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no key.
    pub fn of_file(path: &Path) -> Result<Self, KeysError> {
        // First: what changes while it is read is read again.
        let seen = Mutex::new(Seen { stamp: Stamp::of(path), at: Instant::now() });
        let keys = ArcSwap::from_pointee(file::read(path)?);
        Ok(Self(Arc::new(Inner { path: path.to_owned(), keys, seen, random: SystemRandom::new() })))
    }

    /// The names of the keys, the one that seals first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.keys.load().iter().map(|(name, _)| name.clone()).collect()
    }

    /// Reads the file again if it has changed and was not looked at within `pause`.
    fn look(&self, pause: Duration) {
        let Inner { path, keys, seen, .. } = &*self.0;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() < pause {
            return;
        }
        let stamp = Stamp::of(path);
        seen.at = Instant::now();
        if stamp == seen.stamp {
            return;
        }
        seen.stamp = stamp;
        match file::read(path) {
            Ok(read) => {
                keys.store(Arc::new(read));
                tracing::info!(path = %path.display(), names = ?self.names(), "encryption keys were read again");
            }
            Err(error) => tracing::error!(%error, "encryption keys stay as they were"),
        }
    }

    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.look(LOOK_EVERY);
        let keys = self.0.keys.load();
        let (name, key) = keys.first().ok_or(SealError)?;
        let mut nonce = [0; NONCE_LEN];
        self.0.random.fill(&mut nonce).map_err(|_| SealError)?;
        let head = FORMAT.len() + name.len() + 1 + NONCE_LEN;
        let mut sealed = Vec::with_capacity(head + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(FORMAT);
        sealed.extend_from_slice(name.as_bytes());
        sealed.push(b':');
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(place.as_bytes()), &mut body).map_err(|_| SealError)?;
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// What was sealed for `place`.
    ///
    /// # Errors
    /// When the key is not there, or it is not what was sealed.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
        let (name, rest) = parts(sealed).ok_or(UnsealError::Short)?;
        let has = |keys: &[(String, LessSafeKey)]| keys.iter().any(|(known, _)| known.as_bytes() == name);
        if !has(&self.0.keys.load()) {
            self.look(Duration::ZERO);
        }
        let keys = self.0.keys.load();
        let known = keys.iter().find(|(known, _)| known.as_bytes() == name);
        let name = String::from_utf8_lossy(name).into_owned();
        let Some((_, key)) = known else { return Err(UnsealError::NoKey(name)) };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(UnsealError::Short)?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body);
        let length = length.map_err(|_| UnsealError::Wrong(name))?.len();
        body.truncate(length);
        Ok(body)
    }
}

/// Whether bytes begin as what is sealed does.
#[must_use]
pub fn is_sealed(bytes: &[u8]) -> bool {
    parts(bytes).is_some()
}

/// What was sealed for `place`, with the keys that there are. None where it is not sealed.
///
/// # Errors
/// When its key is not there, or it is not what was sealed.
pub fn unseal(keys: Option<&Keys>, place: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>, UnsealError> {
    if !is_sealed(bytes) {
        return Ok(None);
    }
    match keys {
        Some(keys) => keys.unseal(place, bytes).map(Some),
        None => Err(UnsealError::NoKey(key_name(bytes))),
    }
}

/// The name of the key of what is sealed; empty where it is not.
#[must_use]
pub fn key_name(bytes: &[u8]) -> String {
    parts(bytes).map(|(name, _)| String::from_utf8_lossy(name).into_owned()).unwrap_or_default()
}

/// The name of the key, and what follows it.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(FORMAT)?;
    let end = rest.iter().take(NAME_MOST + 1).position(|byte| *byte == b':')?;
    let (name, rest) = rest.split_at_checked(end)?;
    (!name.is_empty()).then(|| (name, rest.get(1..).unwrap_or_default()))
}
