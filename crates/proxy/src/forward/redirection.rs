//! The body of an answer that sends a client elsewhere, as Go's `http.Redirect` writes it.

use http::{HeaderValue, StatusCode};

/// The type of [`page`].
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page with a link to `location`.
pub(super) fn page(status: StatusCode, location: &str) -> String {
    let text = location.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
    let text = text.replace('\'', "&#39;");
    let reason = status.canonical_reason().unwrap_or_default();
    format!("<a href=\"{text}\">{reason}</a>.\n\n")
}
