//! Tokens that calls carry.

use std::sync::Arc;

use backstay_proto::config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use http::HeaderValue;
use http::uri::PathAndQuery;
use xxhash_rust::xxh3::xxh3_128;

use super::call::target;
use crate::fault::{Checked, Together, Within, refuse};
use crate::route::composition::Credentials;

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
