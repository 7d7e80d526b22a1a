//! A file of tokens: YAML, or JSON, which is YAML as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backstay_resources::Timestamp;
use serde::Deserialize;

use crate::digest::Digest;
pub use crate::identity::DEFAULT_CUSTOMER;
use crate::identity::{AUTHENTICATED, Credential, Scope, User};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    tokens: Vec<TokenEntry>,
}

/// A token in the file: everything about it, except itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the token, in hexadecimal digits.
    pub sha256: String,
    /// Whose it is. Tokens of one customer see what is that customer's.
    #[serde(default = "default_customer")]
    pub customer: String,
    /// The only services that it sees. Absent: all of the customer.
    #[serde(default)]
    pub services: Option<BTreeSet<String>>,
    /// What it may do in the Fastly API, and by default elsewhere, with spaces between. Absent: `global`, everything; of a token that
    /// has groups or fleets, nothing but what these bring.
    #[serde(default)]
    pub scope: Option<String>,
    /// Distinguishes users that were called the same at different times.
    #[serde(default)]
    pub uid: String,
    /// Groups that it is in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Fleets that it may join as a proxy; `*` is all.
    #[serde(default)]
    pub fleets: BTreeSet<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// Until when it holds. Absent: for ever.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

fn default_customer() -> String {
    DEFAULT_CUSTOMER.to_owned()
}

/// Why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large.
    #[error("{path} is larger than {MAX_BYTES} bytes")]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// It is no file of tokens.
    #[error("{path}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// One of its tokens cannot be used.
    #[error("{path}: tokens[{index}] ({name}): {why}")]
    Token {
        /// The file.
        path: PathBuf,
        /// Which, from 0.
        index: usize,
        /// What it is called.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What is known of each token, by its hash.
pub(crate) type Known = Vec<(Digest, Arc<User>)>;

/// Reads a file.
pub(crate) async fn read(path: &Path) -> Result<Known, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    if tokio::fs::metadata(path).await.map_err(failed)?.len() > MAX_BYTES {
        return Err(FileError::Large { path: path.to_owned() });
    }
    parse(path, &tokio::fs::read_to_string(path).await.map_err(failed)?)
}

fn parse(path: &Path, text: &str) -> Result<Known, FileError> {
    let contents: Contents = serde_saphyr::from_str(text)
        .map_err(|error| FileError::Malformed { path: path.to_owned(), why: error.to_string() })?;
    let mut known = Known::with_capacity(contents.tokens.len());
    let mut seen = BTreeMap::new();
    for (index, entry) in contents.tokens.into_iter().enumerate() {
        let name = entry.name.clone();
        let refused = |why: String| FileError::Token { path: path.to_owned(), index, name: name.clone(), why };
        let (digest, identity) = entry.read().map_err(refused)?;
        if let Some(first) = seen.insert(digest.to_string(), index) {
            return Err(refused(format!("it is the same token as tokens[{first}]")));
        }
        known.push((digest, Arc::new(identity)));
    }
    Ok(known)
}

impl TokenEntry {
    fn read(self) -> Result<(Digest, User), String> {
        if self.name.is_empty() || self.customer.is_empty() {
            return Err("name and customer must not be empty".to_owned());
        }
        let digest = Digest::parse(&self.sha256).map_err(|error| format!("sha256: {error}"))?;
        let scope = |word: &str| match word {
            "global" => Ok(Scope::Global),
            "global:read" => Ok(Scope::GlobalRead),
            "purge_select" => Ok(Scope::PurgeSelect),
            "purge_all" => Ok(Scope::PurgeAll),
            other => Err(format!("scope: {other:?} is none of global, global:read, purge_select, purge_all")),
        };
        let is_by_roles = !self.groups.is_empty() || !self.fleets.is_empty();
        let scopes = match &self.scope {
            None if is_by_roles => BTreeSet::new(),
            None => BTreeSet::from([Scope::Global]),
            Some(words) => {
                let scopes = words.split_whitespace().map(scope).collect::<Result<BTreeSet<Scope>, String>>()?;
                if scopes.is_empty() {
                    return Err("scope: it must not be empty".to_owned());
                }
                scopes
            }
        };
        if let Some(group) = self.groups.iter().find(|group| group.is_empty()) {
            return Err(format!("groups: {group:?} is no name of a group"));
        }
        let Self { name, uid, customer, services, mut groups, fleets, created, expires, .. } = self;
        groups.insert(AUTHENTICATED.to_owned());
        let (id, credential) = (digest.id(), Credential::Token);
        let extra = BTreeMap::new();
        let user =
            User { name, uid, groups, extra, credential, id, customer, services, scopes, fleets, created, expires };
        Ok((digest, user))
    }
}

#[cfg(test)]
mod tests;
