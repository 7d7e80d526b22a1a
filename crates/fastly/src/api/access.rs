//! Who may do what.

use backstay_auth::{Access, Identity, Tokens};
use backstay_resources::Timestamp;
use http::request::Parts;
use http::{HeaderName, Method};

use super::failure::Failure;

/// Where clients put their token.
pub(crate) const FASTLY_KEY: HeaderName = HeaderName::from_static("fastly-key");

/// Whose the request is. That it takes a header which no web page can add without being asked is also what keeps pages from
/// writing here, whatever the body's type says.
pub(crate) fn identify(tokens: &Tokens, parts: &Parts) -> Result<Identity, Failure> {
    let token = parts.headers.get(FASTLY_KEY).and_then(|value| value.to_str().ok());
    let identity = tokens.identify(token, Timestamp::now()).map_err(|_| Failure::unauthorized())?;
    // Whoever has a token may ask what it is.
    let asks_itself = parts.method == Method::GET && matches!(parts.uri.path(), "/tokens/self" | "/verify");
    if asks_itself || identity.may(access(&parts.method, parts.uri.path())) {
        return Ok(identity);
    }
    Err(Failure::forbidden(format!("The token's scope is '{}'", identity.scope_names())))
}

/// What a request is about to do.
fn access(method: &Method, path: &str) -> Access {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next();
    let third = segments.nth(1);
    match (first, third) {
        (Some("service"), Some("purge_all")) => Access::PurgeAll,
        (Some("service"), Some("purge")) | (Some("purge"), _) => Access::PurgeSelect,
        _ if matches!(*method, Method::GET | Method::HEAD) => Access::Read,
        _ => Access::Write,
    }
}

/// Whether a request changes something that is stored: what counts against an hour's allowance. Purges do not, as with Fastly.
pub(crate) fn writes(method: &Method, path: &str) -> bool {
    access(method, path) == Access::Write
}
