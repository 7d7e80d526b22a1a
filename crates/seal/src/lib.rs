//! Bytes sealed with the keys of a file, for what is kept on disk: AES-256-GCM (NIST SP 800-38D) with random nonces.
//!
//! What is sealed begins with `bs1:KEY:`, where KEY is the name of its key; the nonce, the ciphertext and its tag follow. Where it is kept
//! is authenticated with it, so that it cannot be moved to another place unseen. That an older value of the same place is put back is not
//! noticed.
//!
//! With random nonces a key is good for 2^32 values (SP 800-38D, section 8.3): whoever writes a thousand in a second has another one in
//! use after seven weeks.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// How everything sealed begins.
const FORMAT: &[u8] = b"bs1:";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Characters of a key's name, at most.
const NAME_MOST: usize = 32;
/// Keys in a file, at most.
const KEYS_MOST: usize = 64;
/// The largest file that is read, in bytes.
const FILE_MOST: u64 = 64 << 10;

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

/// Keys by their names. The first seals; all unseal.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    keys: Vec<(String, LessSafeKey)>,
    random: SystemRandom,
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
        let failed = |source| KeysError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        std::fs::File::open(path).and_then(|file| file.take(FILE_MOST).read_to_string(&mut text)).map_err(failed)?;
        let mut keys: Vec<(String, LessSafeKey)> = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why| KeysError::Line { path: path.to_owned(), line: index + 1, why };
            let (name, key) = key(line).map_err(wrong)?;
            if keys.iter().any(|(other, _)| *other == name) {
                return Err(wrong("another key has this name"));
            }
            keys.push((name, key));
        }
        if !(1..=KEYS_MOST).contains(&keys.len()) {
            return Err(KeysError::Number { path: path.to_owned() });
        }
        Ok(Self(Arc::new(Inner { keys, random: SystemRandom::new() })))
    }

    /// The names of the keys, the one that seals first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys.iter().map(|(name, _)| name.as_str())
    }

    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (name, key) = self.0.keys.first().ok_or(SealError)?;
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
        let known = self.0.keys.iter().find(|(known, _)| known.as_bytes() == name);
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

fn key(line: &str) -> Result<(String, LessSafeKey), &'static str> {
    const FORM: &str = "write it as NAME:KEY, the key as 64 hexadecimal digits";
    let (name, digits) = line.split_once(':').ok_or(FORM)?;
    let (name, digits) = (name.trim(), digits.trim());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=NAME_MOST).contains(&name.len()) || !name.bytes().all(fits) {
        return Err("the name must be of 1 to 32 letters, digits, '-', '_' and '.'");
    }
    let mut bytes = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(FORM);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| FORM)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| FORM)?;
    }
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| FORM)?;
    Ok((name.to_owned(), LessSafeKey::new(key)))
}
