//! Signed tokens of an issuer (RFC 7519, `OpenID` Connect Core 1.0): who they say somebody is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use backstay_certificate::Stamp;
use backstay_resources::Timestamp;
use backstay_token::{
    Algorithm, Claims, Expected, KeyIdentity, KeySet, MAX_KEY_SET, Refusal, Unverified, claim_path, fingerprint,
};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::identity::{AUTHENTICATED, Credential, User};
use crate::tokens::Denied;

/// How wrong clocks may be.
const LEEWAY: Duration = Duration::from_secs(60);
/// Keys are fetched again for a token whose key is not known, at most this often.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_secs(10);
/// Keys are fetched again without that, so that those that were withdrawn go.
const REFRESH_EVERY: Duration = Duration::from_secs(300);
/// What may sign: a key that both sides have would let whoever verifies make tokens, and no signature is none.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Settings of an issuer.
#[derive(Debug, Clone)]
pub struct IssuerOptions {
    /// Its URL, as tokens name it (`iss`).
    pub issuer: String,
    /// Whom tokens must be for (`aud`).
    pub audience: String,
    /// The claim that is the user's name.
    pub username_claim: String,
    /// The claim that is a list of groups, or one. Dots lead into objects.
    pub groups_claim: String,
    /// What names of users begin with.
    pub username_prefix: String,
    /// What names of groups begin with.
    pub groups_prefix: String,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// At what fetches them.
    Remote(Arc<dyn FetchKeys>),
}

/// Fetches the keys of an issuer.
pub trait FetchKeys: Send + Sync + std::fmt::Debug {
    /// The document (RFC 7517), or why it could not be had.
    fn fetch(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + '_>>;
}

/// Why the keys of an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no set of keys.
    #[error("{path} {source}")]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: backstay_token::KeySetError,
    },
}

/// An issuer of tokens, and its keys.
#[derive(Debug)]
pub struct Issuer {
    options: IssuerOptions,
    expected: Expected,
    username: Vec<String>,
    groups: Vec<String>,
    source: KeySource,
    keys: ArcSwapOption<KeySet>,
    stamp: Option<Stamp>,
    fetched: Mutex<Option<Instant>>,
}

impl Issuer {
    /// An issuer. Keys that must be fetched are, with the first token.
    ///
    /// # Errors
    /// When its keys are in a file that cannot be used.
    pub async fn new(options: IssuerOptions, source: KeySource) -> Result<Self, KeysError> {
        let (mut keys, mut stamp) = (None, None);
        if let KeySource::File(path) = &source {
            stamp = Some(Stamp::of(&[path]).await);
            keys = Some(Arc::new(read(path).await?));
        }
        let expected =
            Expected { issuer: options.issuer.clone(), audiences: vec![options.audience.clone()], leeway: LEEWAY };
        let (username, groups) = (claim_path(&options.username_claim), claim_path(&options.groups_claim));
        let (keys, fetched) = (ArcSwapOption::from(keys), Mutex::default());
        Ok(Self { options, expected, username, groups, source, keys, stamp, fetched })
    }

    /// Whose a token is.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn identify(&self, token: &str, now: SystemTime) -> Result<Arc<User>, Denied> {
        let claims = self.verify(token).await.map_err(Denied::Signed)?;
        // A token without an end would outlive whatever made it good.
        if !claims.members().contains_key("exp") {
            return Err(Denied::Signed(Refusal::Claim("exp")));
        }
        claims.check(&self.expected, now).map_err(|refusal| match refusal {
            Refusal::Expired => Denied::Expired,
            other => Denied::Signed(other),
        })?;
        self.user(&claims, token).map(Arc::new).map_err(Denied::Signed)
    }

    /// Whether a token says that it is of this issuer: nothing of it is believed.
    #[must_use]
    pub fn is_shaped(token: &str) -> bool {
        Unverified::read(token).is_ok()
    }

    async fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        let unverified = Unverified::read(token)?;
        let algorithm = ALGORITHMS.into_iter().find(|algorithm| unverified.is_signed_with(*algorithm));
        let algorithm = algorithm.ok_or(Refusal::Algorithm)?;
        let known = self.keys.load_full();
        let first = known.as_deref().map_or(Err(Refusal::NoKeys), |keys| unverified.verify(algorithm, keys));
        match first {
            Err(Refusal::UnknownKey | Refusal::NoKeys) if matches!(self.source, KeySource::Remote(_)) => {
                self.refresh(REFRESH_AT_MOST_EVERY).await;
                let known = self.keys.load_full();
                known.as_deref().map_or(Err(Refusal::NoKeys), |keys| unverified.verify(algorithm, keys))
            }
            other => other,
        }
    }

    /// Fetches keys, unless that was done only just. Whoever comes meanwhile waits for the same.
    async fn refresh(&self, at_most_every: Duration) {
        let KeySource::Remote(remote) = &self.source else { return };
        let mut fetched = self.fetched.lock().await;
        if fetched.is_some_and(|at| at.elapsed() < at_most_every) {
            return;
        }
        *fetched = Some(Instant::now());
        let read = remote.fetch().await.and_then(|document| {
            KeySet::read(&document, KeyIdentity::Id).map_err(|error| format!("the document {error}"))
        });
        match read {
            Ok(keys) => self.keys.store(Some(Arc::new(keys))),
            Err(error) => {
                tracing::warn!(
                    issuer = self.options.issuer,
                    error,
                    "the keys of the issuer of tokens could not be had"
                );
            }
        }
    }

    fn user(&self, claims: &Claims, token: &str) -> Result<User, Refusal> {
        let IssuerOptions { username_prefix, groups_prefix, .. } = &self.options;
        let name = match lookup(claims, &self.username) {
            Some(Value::String(name)) if !name.is_empty() => format!("{username_prefix}{name}"),
            _ => return Err(Refusal::Claim("username")),
        };
        // An issuer does not make users or groups of the system.
        if is_reserved(&name) {
            return Err(Refusal::Claim("username"));
        }
        // An address is its owner's once it was verified (OpenID Connect Core 1.0, 5.1).
        if self.options.username_claim == "email" && claims.members().get("email_verified") == Some(&Value::Bool(false))
        {
            return Err(Refusal::Claim("email_verified"));
        }
        let listed: Vec<&str> = match lookup(claims, &self.groups) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let named = listed.into_iter().filter(|group| !group.is_empty()).map(|group| format!("{groups_prefix}{group}"));
        let mut groups: BTreeSet<String> = named.filter(|group| !is_reserved(group)).collect();
        groups.insert(AUTHENTICATED.to_owned());
        let expires = claims.members().get("exp").and_then(Value::as_i64).map(Timestamp::from_second);
        let id = hex(&fingerprint(token));
        Ok(User {
            groups,
            credential: Credential::SignedToken,
            id,
            expires,
            extra: BTreeMap::new(),
            ..User::named(name)
        })
    }

    /// Keeps the keys as they are at their source, for as long as it is polled. While they cannot be had, those that are known stay.
    pub async fn follow(self: Arc<Self>) {
        match (&self.source, self.stamp.clone()) {
            (KeySource::File(path), Some(mut seen)) => loop {
                seen = seen.change(&[path]).await;
                match read(path).await {
                    Ok(keys) => {
                        self.keys.store(Some(Arc::new(keys)));
                        tracing::info!(path = %path.display(), "keys of the issuer of tokens were read again");
                    }
                    Err(error) => tracing::error!(%error, "keys of the issuer of tokens stay as they were"),
                }
            },
            (KeySource::Remote(_), _) => loop {
                self.refresh(REFRESH_EVERY).await;
                tokio::time::sleep(REFRESH_EVERY).await;
            },
            (KeySource::File(_), None) => std::future::pending().await,
        }
    }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("system:") || name.starts_with("backstay:") || name.chars().any(char::is_control)
}

fn lookup<'c>(claims: &'c Claims, path: &[String]) -> Option<&'c Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(claims.members().get(first)?, |value, name| value.get(name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(11).map(|byte| format!("{byte:02x}")).collect()
}

async fn read(path: &Path) -> Result<KeySet, KeysError> {
    let failed = |source| KeysError::Read { path: path.to_owned(), source };
    let length = tokio::fs::metadata(path).await.map_err(failed)?.len();
    if usize::try_from(length).is_ok_and(|length| length > MAX_KEY_SET) {
        return Err(KeysError::Keys { path: path.to_owned(), source: backstay_token::KeySetError::TooLong });
    }
    let document = tokio::fs::read(path).await.map_err(failed)?;
    KeySet::read(&document, KeyIdentity::Id).map_err(|source| KeysError::Keys { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
