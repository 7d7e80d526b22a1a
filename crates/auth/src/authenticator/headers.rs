//! What requests carry that says who sends them.

use std::collections::{BTreeMap, BTreeSet};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::identity::{AUTHENTICATED, Credential, User};
use crate::tokens::Denied;

/// Where Fastly's clients put their token.
pub const FASTLY_KEY: HeaderName = HeaderName::from_static("fastly-key");

const REMOTE_USER: &str = "x-remote-user";
const REMOTE_UID: &str = "x-remote-uid";
const REMOTE_GROUP: &str = "x-remote-group";
const REMOTE_EXTRA: &str = "x-remote-extra-";

/// The token of a request: `Authorization: Bearer TOKEN` (RFC 6750, 2.1), else `Fastly-Key: TOKEN`.
///
/// # Errors
/// When there is something else in its place: what was meant to identify somebody is not passed over.
pub fn credential_of(headers: &HeaderMap) -> Result<Option<&str>, Denied> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(Denied::Unknown)?;
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Denied::Unknown);
        }
        return Ok(Some(token));
    }
    let key = headers.get(FASTLY_KEY).map(|value| value.to_str().map_err(|_| Denied::Unknown)).transpose()?;
    Ok(key.filter(|key| !key.is_empty()))
}

/// Whom a front proxy names. Only what a trusted one sends is to be read.
///
/// Source: Kubernetes, `apiserver/pkg/authentication/request/headerrequest`.
#[must_use]
pub fn user_of_front_proxy(headers: &HeaderMap) -> Option<User> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    let name = text(REMOTE_USER)?;
    let mut groups: BTreeSet<String> = all(headers, REMOTE_GROUP);
    groups.insert(AUTHENTICATED.to_owned());
    let uid = text(REMOTE_UID).unwrap_or_default().to_owned();
    let extra = extra(headers, REMOTE_EXTRA);
    Some(User { uid, groups, extra, credential: Credential::FrontProxy, ..User::named(name) })
}

/// All values of a header that are not empty.
pub(super) fn all(headers: &HeaderMap, name: &str) -> BTreeSet<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// What headers with a prefix say, by what follows it, which may be percent-encoded.
pub(super) fn extra(headers: &HeaderMap, prefix: &str) -> BTreeMap<String, Vec<String>> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let Some(key) = name.as_str().strip_prefix(prefix).filter(|key| !key.is_empty()) else { continue };
        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy().to_lowercase();
        if let Ok(value) = value.to_str() {
            extra.entry(key).or_default().push(value.to_owned());
        }
    }
    extra
}
