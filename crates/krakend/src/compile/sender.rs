//! Whom a call is from, where nobody says so.

/// The header that says it.
pub(super) const USER_AGENT: &str = "User-Agent";
/// What the HTTP library of Go calls itself, where its user does not.
pub(super) const LIBRARY: &str = "Go-http-client/1.1";
