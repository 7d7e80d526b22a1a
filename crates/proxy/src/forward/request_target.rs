//! What a request is for, in the one form that is matched, logged and sent.

use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, Version};

use crate::local_reply::{Flag, LocalReply};

/// A path that does not begin with a slash. To send it would be worse than useless: an endpoint of HTTP/2 may end the connection
/// for it, with the requests of everybody else on it (RFC 9113, 8.3.1).
pub(super) const INVALID: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "invalid request target",
    Flag::DownstreamProtocolError,
    "invalid_request_target",
);

/// Whether the target is a path, or the `*` that only OPTIONS may be for.
pub(super) fn is_valid(method: &Method, target: &Uri) -> bool {
    match target.path_and_query().map(PathAndQuery::as_str) {
        Some(path) if path.starts_with('/') => true,
        Some("*") => method == Method::OPTIONS,
        _ => false,
    }
}

/// `target` with the slash that an empty path lacks before a query (RFC 9110, 4.2.3), as a target of HTTP/1.1 in absolute form
/// may; `None` for what is none. In HTTP/2 a path is never empty.
#[cold]
pub(super) fn normalized(version: Version, target: &Uri) -> Option<Uri> {
    target.scheme().filter(|_| version != Version::HTTP_2)?;
    let query = target.path_and_query()?.as_str().strip_prefix('?')?;
    let mut parts = target.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/?{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;
