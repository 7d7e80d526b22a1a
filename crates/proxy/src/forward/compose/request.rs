//! A client's request, as the engine takes it.

use backstay_composition::{Request, RequestBody as Presence};
use backstay_model::route::DecodedPath;
use http::request::Parts;

use crate::body::RequestBody;
use crate::exchange::Exchange;
use crate::forward::asked::Asked;
use crate::forward::headers;

/// The request of `parts`.
pub(super) fn of(exchange: &Exchange, mut parts: Parts, asked: &Asked<'_>, body: &RequestBody) -> Request {
    headers::strip(&mut parts.headers, asked.present);
    Request {
        parameters: parameters(&parts, asked),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        client: client(exchange, &parts, asked),
        host: asked.raw.clone(),
        body: if body.is_empty() { Presence::Empty } else { Presence::Present },
        headers: parts.headers,
    }
}

/// The variables of the path, with their values.
fn parameters(parts: &Parts, asked: &Asked<'_>) -> Vec<(String, String)> {
    let Some(template) = asked.matched.template.filter(|template| template.has_variables()) else {
        return Vec::new();
    };
    let Some(path) = DecodedPath::of(parts.uri.path()) else { return Vec::new() };
    let variables = template.variables(&path).unwrap_or_default();
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whom the request is from.
fn client(exchange: &Exchange, parts: &Parts, asked: &Asked<'_>) -> String {
    let peer = &exchange.client;
    let named = asked.matched.rule.client_address.as_ref();
    match named.and_then(|named| named.find(&parts.headers, peer.peer.ip())) {
        Some(client) => client.into_owned(),
        None => peer.peer_value.to_str().unwrap_or_default().to_owned(),
    }
}
