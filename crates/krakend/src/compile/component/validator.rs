//! `auth/validator`: who may use an endpoint, by the token that requests carry.

use std::time::Duration;

use backstay_model::route::guards::TokenValidation;
use backstay_proto::config::token_validation::{ClaimHeader, KeyId};
use backstay_proto::config::{self, Revocation};
use backstay_token::{Algorithm, KeyIdentity, KeySet, UnknownAlgorithm};
use http::HeaderName;

use super::keys::{self, Keys};
use super::option::Unreadable;
use super::revoker;
use crate::compile::hosts::duration;
use crate::compile::written::Component;
use crate::quote::quoted;

/// How long KrakenD keeps keys that it caches, unless `cache_duration` says otherwise.
const CACHE: Duration = Duration::from_secs(900);
/// How wrong clocks may be, at least and unless `leeway` says otherwise.
const LEEWAY: Duration = Duration::from_secs(1);
/// The cookie that is looked at, unless `cookie_key` says otherwise.
const COOKIE: &str = "access_token";
/// The claim with the roles, unless `roles_key` says otherwise.
const ROLES: &str = "roles";
/// Headers that say where a message ends or whom it is for, which Go does not take from a request's headers either.
const NOT_SENT: [&str; 7] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];

/// What requests of an endpoint must carry.
pub(super) fn compile(component: Component<'_>) -> Option<config::TokenValidation> {
    component.sound::<TokenValidation, _>(validation(component).ok()?)
}

fn validation(component: Component<'_>) -> Result<config::TokenValidation, Unreadable> {
    let identity = component.text_of("key_identify_strategy")?.unwrap_or_default();
    let (key_id, identity) = match identity {
        "x5t" => (KeyId::X5t, KeyIdentity::Thumbprint),
        "kid_x5t" => (KeyId::KidX5t, KeyIdentity::Both),
        _ => (KeyId::Kid, KeyIdentity::Id),
    };
    let (keys, algorithm) = match Keys::of(component)? {
        // KrakenD does not come to look at the algorithm.
        Keys::Nowhere => (None, Algorithm::RS256),
        found => {
            let algorithm = algorithm(component)?;
            (keys(component, found, identity)?, algorithm)
        }
    };
    let roles_claim = component.text_of("roles_key")?.unwrap_or(ROLES);
    // KrakenD takes a name that begins like a URL as it is.
    let roles_nested =
        component.truth_of("roles_key_is_nested")? && roles_claim.contains('.') && !roles_claim.starts_with("http");
    let (scopes, scopes_claim) = scopes(component)?;
    let leeway = component.span_of("leeway")?.unwrap_or(LEEWAY).max(LEEWAY);
    Ok(config::TokenValidation {
        keys,
        algorithm: algorithm.name().to_owned(),
        issuer: component.text_of("issuer")?.unwrap_or_default().to_owned(),
        audiences: component.texts_of("audience")?,
        header: component.text_of("auth_header_name")?.unwrap_or_default().to_owned(),
        cookie: component.text_of("cookie_key")?.unwrap_or(COOKIE).to_owned(),
        roles: component.texts_of("roles")?,
        roles_claim: roles_claim.to_owned(),
        roles_nested,
        scopes,
        scopes_claim,
        all_scopes: component.text_of("scopes_matcher")? == Some("all"),
        leeway: Some(duration(leeway)),
        propagated: propagated(component)?,
        key_id: key_id.into(),
        revocation: revoker::lookup(component).map(|(set, claims)| Revocation { set, claims }),
        log_refusals: component.truth_of("operation_debug")?,
        expressions: Vec::new(),
    })
}

/// The only algorithm that is accepted. KrakenD does not start without one that it knows.
pub(super) fn algorithm(component: Component<'_>) -> Result<Algorithm, Unreadable> {
    let name = component.text_of("alg")?.unwrap_or_default();
    name.parse().map_err(|error: UnknownAlgorithm| {
        let place = component.any_case("alg").map_or_else(|| component.place(), |entry| entry.place);
        let path = component.path();
        match error {
            UnknownAlgorithm::P521 => component.report().not_served(place, &path.key("alg"), error.to_string()),
            UnknownAlgorithm::None | UnknownAlgorithm::Other => {
                component.report().refused(place, &path.key("alg"), format!("JOSE: unknown algorithm {name}"));
            }
        }
        Unreadable
    })
}

fn keys(component: Component<'_>, found: Keys, identity: KeyIdentity) -> Result<Option<config::KeySet>, Unreadable> {
    match found {
        Keys::Nowhere | Keys::Here(None) => Ok(None),
        Keys::Here(Some(document)) => {
            if let Err(error) = KeySet::read(&document, identity) {
                let place = component.any_case("jwk_local_path").map_or_else(|| component.place(), |entry| entry.place);
                let message = format!("what is in the file {error}");
                component.report().not_served(place, &component.path().key("jwk_local_path"), message);
                return Err(Unreadable);
            }
            Ok(Some(keys::inline(document)))
        }
        Keys::There(remote) => {
            let cache = match component.truth_of("cache")? {
                true => Some(cache(component)?),
                false => None,
            };
            let cooldown = component.span_of("failed_jwk_key_cooldown")?.filter(|span| !span.is_zero());
            let remote =
                config::RemoteKeySet { cache: cache.map(duration), cooldown: cooldown.map(duration), ..remote };
            Ok(Some(keys::remote(remote)))
        }
    }
}

/// How long keys are used. All validators with one URL share what was fetched, so that the cache which the service has for all of them
/// is one that lasts longer.
fn cache(component: Component<'_>) -> Result<Duration, Unreadable> {
    let own = component.count_of("cache_duration")?.filter(|seconds| *seconds > 0).map_or(CACHE, Duration::from_secs);
    let shared = component.of_service("auth/validator").map(|extension| Component { extension, ..component });
    let shared = match shared {
        Some(shared) => shared.count_of("shared_cache_duration")?.map(Duration::from_secs),
        None => None,
    };
    Ok(own.max(shared.unwrap_or_default()))
}

/// Scopes, and the claim that has them. Without that KrakenD looks at no scopes.
fn scopes(component: Component<'_>) -> Result<(Vec<String>, String), Unreadable> {
    let scopes = component.texts_of("scopes")?;
    match component.text_of("scopes_key")? {
        Some(claim) => Ok((scopes, claim.to_owned())),
        None => {
            if let Some(entry) = component.any_case("scopes").filter(|_| !scopes.is_empty()) {
                let message = "without scopes_key no scopes are looked at: every token has enough of them";
                component.report().dropped(entry.place, &component.path().key(&entry.key), message);
            }
            Ok((Vec::new(), String::new()))
        }
    }
}

/// Claims that become headers. What is no pair is told by the check.
fn propagated(component: Component<'_>) -> Result<Vec<ClaimHeader>, Unreadable> {
    let Some(entry) = component.any_case("propagate_claims") else { return Ok(Vec::new()) };
    let path = component.path();
    let path = path.key(&entry.key);
    let mut propagated = Vec::new();
    for (index, pair) in entry.node.members().iter().enumerate() {
        let [claim, header] = pair.members() else { continue };
        let (Some(claim), Some(header)) = (claim.text(), header.text()) else { continue };
        let name = HeaderName::from_bytes(header.as_bytes()).ok();
        if name.is_none_or(|name| NOT_SENT.contains(&name.as_str())) {
            let message = format!("{} is not set: no claim can be that header", quoted(header));
            component.report().dropped(pair.place, &path.index(index), message);
            continue;
        }
        propagated.push(ClaimHeader { claim: claim.to_owned(), header: header.to_owned() });
    }
    Ok(propagated)
}
