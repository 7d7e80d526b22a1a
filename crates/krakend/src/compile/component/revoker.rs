//! `auth/revoker`: tokens that do not count any more.
//!
//! KrakenD keeps them in a Bloom filter that clients fill by RPC. Here they are in the object of the configuration, so that they outlive
//! a restart and reach every proxy, and proxies get a filter that is as large as what is in it needs.

use backstay_proto::config;
use backstay_proto::config::resource::Kind as Resource;
use backstay_token::Filter;

use super::option::Unreadable;
use crate::compile::name;
use crate::compile::written::Component;
use crate::namespace::{self, State};

/// How often a token that is not revoked is taken for one that is, unless `P` says otherwise.
const ERROR: f64 = 1e-7;

/// Options of KrakenD's own filter and of its RPC.
const ELSEWHERE: [(&str, &str); 4] = [
    ("N", "it is not needed: the filter grows with what is in it"),
    ("TTL", "it is not applied: a token is revoked until it is taken out of spec.revokedTokens"),
    ("hash_name", "it is not applied: the filter has hash functions of its own"),
    ("port", "it is not opened: tokens are revoked in spec.revokedTokens of the configuration's object"),
];

/// Has proxies get the tokens that are revoked.
pub(super) fn compile(component: Component<'_>) {
    let Ok(error) = error(component) else { return };
    for (option, message) in ELSEWHERE {
        if let Some(entry) = component.any_case(option) {
            component.report().differs(entry.place, &component.path().key(&entry.key), message);
        }
    }
    if component.texts_of("token_keys").is_ok_and(|claims| claims.is_empty()) {
        component.report().dropped(component.place(), &component.path(), "without token_keys no token is looked up");
    }
    let filter = Filter::of(component.scope.revoked.iter().map(String::as_str), error);
    let set = config::RevocationSet {
        bits: u64::try_from(filter.bytes().len()).unwrap_or_default() * 8,
        hashes: filter.hashes(),
        filter: filter.bytes().to_vec().into(),
    };
    component.scope.offer(&name::revocations(component.scope.config), Resource::Revocations(set));
}

fn error(component: Component<'_>) -> Result<f64, Unreadable> {
    let Some(entry) = component.any_case("P") else { return Ok(ERROR) };
    match entry.node.number().filter(|probability| *probability > 0.0 && *probability < 1.0) {
        Some(probability) => Ok(probability),
        None => {
            component.report().not_served(
                entry.place,
                &component.path().key(&entry.key),
                "a probability is wanted here",
            );
            Err(Unreadable)
        }
    }
}

/// Where the validator of an endpoint looks its tokens up: the set, and the claims. Nowhere, unless the service has a revoker.
pub(super) fn lookup(component: Component<'_>) -> Option<(String, Vec<String>)> {
    let extension = component.of_service("auth/revoker")?;
    let served = namespace::named(extension.namespace)?.state;
    let revoker = Component { extension, ..component };
    let claims = revoker.texts_of("token_keys").ok().filter(|claims| !claims.is_empty())?;
    let set = name::revocations(component.scope.config).to_string();
    matches!(served, State::Served(_)).then_some((set, claims))
}
