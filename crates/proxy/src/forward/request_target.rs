//! What a request is for, in the one form that is matched, logged and sent.

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode, Uri, Version};

use crate::config::{Flag, Refusal};

/// A path that does not begin with a slash. To send it would be worse than useless: an endpoint of HTTP/2 may end the connection
/// for it, with the requests of everybody else on it (RFC 9113, 8.3.1).
pub(super) const INVALID: Refusal = Refusal::fixed(
    StatusCode::BAD_REQUEST,
    "invalid request target",
    Flag::DownstreamProtocolError,
    "invalid_request_target",
);

/// Gives an empty path before a query its slash (RFC 9110, 4.2.3), which a target of HTTP/1.1 in absolute form may lack. In
/// HTTP/2 a path is never empty.
pub(crate) fn normalize<B>(request: &mut Request<B>) {
    if request.version() == Version::HTTP_2 || request.uri().scheme().is_none() {
        return;
    }
    let slash = request
        .uri()
        .path_and_query()
        .and_then(|target| target.as_str().strip_prefix('?'))
        .and_then(|query| PathAndQuery::try_from(format!("/?{query}")).ok());
    let Some(slash) = slash else { return };
    let mut target = request.uri().clone().into_parts();
    target.path_and_query = Some(slash);
    if let Ok(uri) = Uri::from_parts(target) {
        *request.uri_mut() = uri;
    }
}

/// Whether the target is a path, or the `*` that only OPTIONS may be for.
pub(super) fn is_valid(parts: &Parts) -> bool {
    match parts.uri.path_and_query().map(PathAndQuery::as_str) {
        Some("*") => parts.method == Method::OPTIONS,
        Some(target) => target.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests;
