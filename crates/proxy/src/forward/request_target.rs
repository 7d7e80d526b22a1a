//! What a request is for, in the one form that is matched, logged and sent.

use http::uri::{PathAndQuery, Scheme};
use http::{Method, StatusCode, Uri, Version};

use crate::local_reply::{Flag, LocalReply};

/// What is no target here. To send a path that does not begin with a slash would be worse than useless: an endpoint of HTTP/2 may end the connection
/// for it, with the requests of everybody else on it (RFC 9113, 8.3.1).
pub(super) const INVALID: LocalReply = LocalReply::fixed(
    StatusCode::BAD_REQUEST,
    "invalid request target",
    Flag::DownstreamProtocolError,
    "invalid_request_target",
);

/// Whether the target is one of HTTP and a path, or the `*` that only OPTIONS may be for. A path is of ASCII: what is beyond has to be
/// encoded (RFC 3986, 2), and is encoded differently by different readers.
pub(super) fn is_valid(method: &Method, target: &Uri) -> bool {
    if !is_of_http(target) {
        return false;
    }
    match target.path_and_query().map(PathAndQuery::as_str) {
        Some(path) if path.starts_with('/') => path.is_ascii(),
        Some("*") => method == Method::OPTIONS,
        _ => false,
    }
}

fn is_of_http(target: &Uri) -> bool {
    target.scheme().is_none_or(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
}

/// `target` with the slash that an empty path lacks before a query (RFC 9110, 4.2.3), as a target of HTTP/1.1 in absolute form
/// may; `None` for what is none. In HTTP/2 a path is never empty.
#[cold]
pub(super) fn normalized(version: Version, target: &Uri) -> Option<Uri> {
    target.scheme().filter(|_| version != Version::HTTP_2 && is_of_http(target))?;
    let query = target.path_and_query()?.as_str().strip_prefix('?').filter(|query| query.is_ascii())?;
    let mut parts = target.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/?{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;
