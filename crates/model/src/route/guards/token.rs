//! Tokens that requests must carry.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use backstay_composition::Expressions;
use backstay_proto::config::token_validation::{ClaimHeader, KeyId};
use backstay_proto::config::{self, key_set};
use backstay_token::{Algorithm, Expected, KeyIdentity, KeySet, Roles, Scopes, UnknownAlgorithm, claim_path};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, header};

use crate::fault::{Checked, Faults, Together, Within, all, refuse, unknown};
use crate::name::{Kind, reference};
use crate::route::expressions::expressions;
use crate::route::reference::{Reference, backend_ref};
use crate::scalar::{duration, header_name, limit};

/// How long keys are used that nobody says how long to use, and how long an unknown key is not asked for again.
const DEFAULT_SPAN: Duration = Duration::from_secs(10);
/// Most entries of each list.
const MAX_LIST: usize = 256;

/// Headers that say where a message begins and ends, or whom it is for: what is in a token does not decide on them.
const OURS: [HeaderName; 7] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];

/// Claims that become headers: the names that lead to each, and the header.
pub type ClaimHeaders = Box<[(Vec<String>, HeaderName)]>;

/// A token that requests must carry, and what of it goes on.
#[derive(Clone, Debug)]
pub struct TokenValidation {
    /// What its signature is verified with.
    pub keys: Keys,
    /// The only algorithm that it may be signed with.
    pub algorithm: Algorithm,
    /// What it must say.
    pub expected: Expected,
    /// The header that has it.
    pub header: HeaderName,
    /// Name of the cookie that is looked at where the header is missing.
    pub cookie: Option<Box<str>>,
    /// Roles, of which it must have one.
    pub roles: Option<Roles>,
    /// Scopes that it must have.
    pub scopes: Option<Scopes>,
    /// Claims that become headers: the path of each, and the header.
    pub propagated: ClaimHeaders,
    /// Where it is looked up whether it still counts.
    pub revocation: Option<Revocation>,
    /// What has to be true of its claims.
    pub expressions: Option<Arc<Expressions>>,
    /// The log says why tokens are refused.
    pub log_refusals: bool,
}

/// Where keys come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Nowhere: no token is good enough.
    None,
    /// The configuration has them.
    Inline(Arc<KeySet>),
    /// They are fetched.
    Remote(RemoteKeySet),
}

/// Keys that are fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteKeySet {
    /// Name of the backend that has them.
    pub backend: Arc<str>,
    /// Port of its endpoints.
    pub port: Option<NonZeroU16>,
    /// Its host.
    pub authority: HeaderValue,
    /// What is asked for.
    pub target: PathAndQuery,
    /// What identifies a key.
    pub identity: KeyIdentity,
    /// How long they are used.
    pub cache: Duration,
    /// How long after a fetch nobody asks again for a key that was not among them.
    pub cooldown: Duration,
}

/// Where tokens are looked up that do not count any more.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Name of the set.
    pub set: Arc<str>,
    /// Claims that are looked up.
    pub claims: Vec<String>,
}

impl TokenValidation {
    /// The backend that its keys come from.
    pub(in crate::route) fn reference(&self) -> Option<Reference<'_>> {
        match &self.keys {
            Keys::None | Keys::Inline(_) => None,
            Keys::Remote(remote) => Some((&remote.backend, remote.port)),
        }
    }
}

impl TryFrom<&config::TokenValidation> for TokenValidation {
    type Error = Faults;

    fn try_from(message: &config::TokenValidation) -> Checked<Self> {
        let identity = match KeyId::try_from(message.key_id) {
            Ok(KeyId::Kid) => Ok(KeyIdentity::Id),
            Ok(KeyId::X5t) => Ok(KeyIdentity::Thumbprint),
            Ok(KeyId::KidX5t) => Ok(KeyIdentity::Both),
            Err(_) => unknown("key_id"),
        };
        let keys = identity.and_then(|identity| keys(message.keys.as_ref(), identity).within("keys"));
        let (keys, algorithm, expected, (header, cookie), access, propagated, revocation) = (
            keys,
            algorithm(&message.algorithm),
            expected(message),
            place(message),
            access(message),
            propagated(&message.propagated),
            message.revocation.as_ref().map(revocation).transpose().within("revocation"),
        )
            .together()?;
        let (roles, scopes) = access;
        let expressions = expressions("expressions", &message.expressions)?;
        let expressions = expressions.filter(|expressions| expressions.concern_claims());
        let log_refusals = message.log_refusals;
        Ok(Self {
            keys,
            algorithm,
            expected,
            header,
            cookie,
            roles,
            scopes,
            propagated,
            revocation,
            expressions,
            log_refusals,
        })
    }
}

/// An algorithm that is served.
pub(in crate::route) fn algorithm(name: &str) -> Checked<Algorithm> {
    name.parse().or_else(|error: UnknownAlgorithm| refuse("algorithm", error.to_string()))
}

fn keys(message: Option<&config::KeySet>, identity: KeyIdentity) -> Checked<Keys> {
    let Some(message) = message else { return Ok(Keys::None) };
    match &message.source {
        None => unknown("source"),
        Some(key_set::Source::Inline(document)) => match KeySet::read(document, identity) {
            Ok(keys) => Ok(Keys::Inline(Arc::new(keys))),
            Err(error) => refuse("inline", error.to_string()),
        },
        Some(key_set::Source::Remote(message)) => remote(message, identity).within("remote").map(Keys::Remote),
    }
}

/// Keys that are fetched.
fn remote(message: &config::RemoteKeySet, identity: KeyIdentity) -> Checked<RemoteKeySet> {
    let backend = match &message.backend {
        None => unknown("backend"),
        Some(message) => backend_ref(message).within("backend"),
    };
    let ((backend, port), authority, target, cache, cooldown) = (
        backend,
        HeaderValue::from_str(&message.authority)
            .ok()
            .filter(|value| backstay_destination::Authority::parse(value.as_bytes()).is_some())
            .map_or_else(|| refuse("authority", "must be a host, maybe with a port"), Ok),
        match message.target.parse::<PathAndQuery>() {
            Ok(target) if message.target.starts_with('/') => Ok(target),
            _ => refuse("target", "must be a path, maybe with a query"),
        },
        limit("cache", message.cache),
        limit("cooldown", message.cooldown),
    )
        .together()?;
    let (cache, cooldown) = (cache.unwrap_or(DEFAULT_SPAN), cooldown.unwrap_or(DEFAULT_SPAN));
    Ok(RemoteKeySet { backend, port, authority, target, identity, cache, cooldown })
}

fn expected(message: &config::TokenValidation) -> Checked<Expected> {
    let (leeway, ()) = (duration("leeway", message.leeway), bounded("audiences", &message.audiences)).together()?;
    Ok(Expected {
        issuer: message.issuer.clone(),
        audiences: message.audiences.clone(),
        leeway: leeway.unwrap_or_default(),
    })
}

/// Where a request has its token.
fn place(message: &config::TokenValidation) -> Checked<(HeaderName, Option<Box<str>>)> {
    let header = match message.header.as_str() {
        "" => Ok(header::AUTHORIZATION),
        name => header_name("header", name),
    };
    let cookie = Some(message.cookie.as_str()).filter(|name| !name.is_empty());
    Ok((header?, cookie.map(Into::into)))
}

fn access(message: &config::TokenValidation) -> Checked<(Option<Roles>, Option<Scopes>)> {
    let path = |claim: &str, nested: bool| if nested { split(claim) } else { vec![claim.to_owned()] };
    let named = |field: &str, list: &[String], claim: &str| match claim {
        "" if !list.is_empty() => refuse(field, "must say which claim has them"),
        _ => Ok(()),
    };
    let ((), (), (), ()) = (
        bounded("roles", &message.roles),
        bounded("scopes", &message.scopes),
        named("roles_claim", &message.roles, &message.roles_claim),
        named("scopes_claim", &message.scopes, &message.scopes_claim),
    )
        .together()?;
    let roles = (!message.roles.is_empty())
        .then(|| Roles { any: message.roles.clone(), path: path(&message.roles_claim, message.roles_nested) });
    let scopes = (!message.scopes.is_empty()).then(|| Scopes {
        scopes: message.scopes.clone(),
        all: message.all_scopes,
        path: path(&message.scopes_claim, true),
    });
    Ok((roles, scopes))
}

fn split(claim: &str) -> Vec<String> {
    claim.split('.').map(str::to_owned).collect()
}

fn propagated(list: &[ClaimHeader]) -> Checked<ClaimHeaders> {
    if list.len() > MAX_LIST {
        return refuse("propagated", format!("are {}: at most {MAX_LIST} are taken", list.len()));
    }
    all(list.iter().enumerate().map(|(index, message)| {
        let header = header_name("header", &message.header).and_then(|header| match OURS.contains(&header) {
            true => refuse("header", format!("{header} is not for a token to say")),
            false => Ok(header),
        });
        Ok((claim_path(&message.claim), header.within_element("propagated", index)?))
    }))
}

fn revocation(message: &config::Revocation) -> Checked<Revocation> {
    let claims = match message.claims.as_slice() {
        [] => refuse("claims", "must name a claim at least"),
        some => bounded("claims", some),
    };
    let (set, ()) = (reference(Kind::Revocations, "set", &message.set), claims).together()?;
    Ok(Revocation { set, claims: message.claims.clone() })
}

fn bounded(field: &str, list: &[String]) -> Checked<()> {
    match list.len() {
        count if count > MAX_LIST => refuse(field, format!("are {count}: at most {MAX_LIST} are taken")),
        _ => Ok(()),
    }
}
