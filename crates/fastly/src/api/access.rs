//! Who sends a request, and what it is about.

use std::sync::Arc;

use backstay_auth::authenticator::credential_of;
use backstay_auth::{Attributes, Caller, Credential, User};
use http::request::Parts;
use http::{Method, Uri};

use super::failure::Failure;
use super::request::split;

/// API group that all requests to this API are about.
const GROUP: &str = "api.fastly.com";

/// Whose the request is. Where nobody is asked who they are, there must be a token nevertheless, as clients expect of this API: that
/// it takes a header which no web page can add without being asked is also what keeps pages from writing here.
pub(crate) fn identify(parts: &Parts) -> Result<Arc<User>, Failure> {
    let caller = parts.extensions.get::<Caller>().filter(|caller| caller.user.is_known());
    let user = caller.map(|caller| Arc::clone(&caller.user)).ok_or_else(Failure::unauthorized)?;
    let has_token = credential_of(&parts.headers).is_ok_and(|token| token.is_some());
    if user.credential == Credential::Unchecked && !has_token {
        return Err(Failure::unauthorized());
    }
    Ok(user)
}

/// What a request is about, for whoever decides whether it is allowed. `None` of paths that are not this API's.
///
/// Everything is about `services` of the group `api.fastly.com`: what is done to a part of one is an update of it. Purges are
/// `services/purge` and `services/purgeall`.
pub fn attributes<'a>(method: &Method, uri: &'a Uri) -> Option<Attributes<'a>> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let path = || Attributes::path(method.as_str().to_ascii_lowercase(), uri.path());
    let Some(segments) = split(uri.path()) else {
        // Not text: nothing is served there, and nothing is allowed.
        return uri.path().starts_with("/service/").then(path);
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let about = |verb: &'static str, subresource: &'static str, id: &str| Attributes {
        subresource: subresource.into(),
        name: id.to_owned().into(),
        path: uri.path().into(),
        ..Attributes::resource(verb, GROUP, "services")
    };
    Some(match segments.as_slice() {
        ["service"] if *method == Method::POST => about("create", "", ""),
        ["service"] | ["service", "search"] if reads => about("list", "", ""),
        ["service", id, "purge_all", ..] => about("create", "purgeall", id),
        ["service", id, "purge", ..] => about("create", "purge", id),
        ["purge", ..] => about("create", "purge", ""),
        ["service", id, ..] if reads => about("get", "", id),
        ["service", id] if *method == Method::DELETE => about("delete", "", id),
        ["service", id, ..] => about("update", "", id),
        ["enabled-products", ..] if reads => about("get", "", ""),
        ["enabled-products", ..] => about("update", "", ""),
        ["service" | "verify" | "datacenters" | "realms", ..] | ["tokens", "self"] => path(),
        _ => return None,
    })
}

/// Whether a request changes something that is stored: what counts against an hour's allowance. Purges do not, as with Fastly.
pub(crate) fn writes(method: &Method, uri: &Uri) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    attributes(method, uri).is_none_or(|asked| asked.subresource.is_empty())
}
