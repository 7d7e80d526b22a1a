//! Tokens that calls carry, of OAuth 2 (RFC 6749, 4.4).

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use http::HeaderValue;
use http::uri::PathAndQuery;
use xxhash_rust::xxh3::xxh3_128;

use backstay_proto::config;

use super::CallTarget;
use super::read::target;
use crate::fault::{Checked, Together, Within, refuse};

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

/// Credentials, checked.
pub(super) fn credentials(message: &config::ClientCredentials) -> Checked<Arc<Credentials>> {
    let endpoint = match &message.token_endpoint {
        None => refuse("token_endpoint", "must be set"),
        Some(message) => target(message).within("token_endpoint"),
    };
    let path = match message.token_path.parse::<PathAndQuery>() {
        Ok(path) if message.token_path.starts_with('/') => Ok(path),
        _ => refuse("token_path", "must be a path, maybe with a query"),
    };
    let (endpoint, path) = (endpoint, path).together()?;
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(&message.client_id), encoded(&message.client_secret));
    let mut basic = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .or_else(|_| refuse("client_id", "cannot be sent in a header"))?;
    basic.set_sensitive(true);
    let mut fields = vec![("grant_type", "client_credentials")];
    if !message.scopes.is_empty() {
        fields.push(("scope", &message.scopes));
    }
    for (name, parameter) in &message.parameters {
        fields.retain(|(known, _)| known != name);
        fields.extend(parameter.values.iter().map(|value| (name.as_str(), value.as_str())));
    }
    let form = |more: &[(&str, &str)]| {
        let mut fields: Vec<_> = fields.iter().chain(more).copied().collect();
        fields.sort_by_key(|(name, _)| *name);
        Bytes::from(Serializer::new(String::new()).extend_pairs(fields).finish())
    };
    let form_with_secret = form(&[("client_id", &message.client_id), ("client_secret", &message.client_secret)]);
    let place = format!("{:?} {:?} {path} ", endpoint.backend, endpoint.authority);
    let identity = xxh3_128(&[place.as_bytes(), &form_with_secret].concat());
    Ok(Arc::new(Credentials { identity, endpoint, path, basic, form: form(&[]), form_with_secret }))
}
