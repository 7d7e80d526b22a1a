//! Tokens that calls carry, of OAuth 2 (RFC 6749, 4.4).

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;

use super::CallTarget;

/// Where a token is fetched that calls carry, and with what.
#[derive(Clone)]
pub struct Credentials<B = Arc<str>> {
    /// The same for credentials that are the same: they share a token.
    pub identity: u128,
    /// Who gives tokens.
    pub endpoint: CallTarget<B>,
    /// Path and query there.
    pub path: PathAndQuery,
    /// `Authorization` of the request for a token. A secret.
    pub basic: HeaderValue,
    /// The form with which a token is asked for.
    pub form: Bytes,
    /// The same with the secret in it, for those that take it nowhere else. A secret.
    pub form_with_secret: Bytes,
}

impl Credentials {
    pub(super) fn join<B>(&self, find: &dyn Fn(&str, Option<NonZeroU16>) -> Option<B>) -> Credentials<B> {
        Credentials {
            identity: self.identity,
            endpoint: self.endpoint.join(find),
            path: self.path.clone(),
            basic: self.basic.clone(),
            form: self.form.clone(),
            form_with_secret: self.form_with_secret.clone(),
        }
    }
}

/// Credentials are secrets.
impl<B: fmt::Debug> fmt::Debug for Credentials<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
