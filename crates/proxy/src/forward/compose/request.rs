//! A client's request, as the engine takes it.

use backstay_composition::{Request, RequestBody as Presence};
use backstay_model::route::DecodedPath;
use backstay_token::claim_text;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::body::RequestBody;
use crate::config::Composition;
use crate::exchange::Exchange;
use crate::forward::asked::Asked;
use crate::forward::guards::Accepted;
use crate::forward::headers;

/// What is not `unreserved` (RFC 3986, 2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The request of `parts`.
pub(super) fn of(
    exchange: &Exchange,
    mut parts: Parts,
    asked: &Asked<'_>,
    body: &RequestBody,
    composition: &Composition,
) -> Request {
    // First, since of several of one name the first counts.
    let mut named = claims(&parts, composition);
    named.extend(parameters(&parts, asked));
    headers::strip(&mut parts.headers, asked.present);
    Request {
        parameters: named,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        client: client(exchange, &parts, asked),
        host: asked.raw.clone(),
        body: if body.is_empty() { Presence::Empty } else { Presence::Present },
        headers: parts.headers,
    }
}

/// The claims of the request's token that calls have in their paths. They are values, not pieces of a path: whatever could be read as
/// anything else is percent-encoded, and there is none that would mean the same directory or the one above.
fn claims(parts: &Parts, composition: &Composition) -> Vec<(String, String)> {
    if composition.claims.is_empty() {
        return Vec::new();
    }
    let Some(accepted) = parts.extensions.get::<Accepted>() else { return Vec::new() };
    let value = |path: &[String]| {
        let text = claim_text(&accepted.0, path)?;
        (!matches!(text.as_str(), "." | "..")).then(|| utf8_percent_encode(&text, VALUE).to_string())
    };
    composition.claims.iter().filter_map(|(name, path)| Some((name.clone(), value(path)?))).collect()
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
