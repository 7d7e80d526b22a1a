//! A client's request, as the engine takes it.

use backstay_composition::{Request, RequestBody as Presence};
use backstay_model::route::DecodedPath;
use http::request::Parts;
use http::{HeaderValue, Uri};

use crate::body::RequestBody;
use crate::exchange::Exchange;
use crate::forward::asked::Asked;
use crate::forward::headers;
use crate::route::Matched;

/// The request of `parts`.
pub(super) fn of(exchange: &Exchange, mut parts: Parts, asked: &Asked<'_>, body: &RequestBody) -> Request {
    headers::strip(&mut parts.headers, asked.present);
    Request {
        parameters: parameters(&parts, asked),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        client: client_value(exchange, &parts, asked).to_str().unwrap_or_default().to_owned(),
        host: asked.raw.clone(),
        body: if body.is_empty() { Presence::Empty } else { Presence::Present },
        headers: parts.headers,
    }
}

/// Does `work` with the variables of the path and their values.
pub(super) fn with_parameters<T>(uri: &Uri, matched: &Matched<'_>, work: impl FnOnce(&[(&str, &str)]) -> T) -> T {
    let Some(template) = matched.template.filter(|template| template.has_variables()) else { return work(&[]) };
    match DecodedPath::of(uri.path()) {
        Some(path) => work(&template.variables(&path).unwrap_or_default()),
        None => work(&[]),
    }
}

fn parameters(parts: &Parts, asked: &Asked<'_>) -> Vec<(String, String)> {
    with_parameters(&parts.uri, asked.matched, |parameters| {
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    })
}

/// Whom the request is from, as a header carries it.
pub(super) fn client_value(exchange: &Exchange, parts: &Parts, asked: &Asked<'_>) -> HeaderValue {
    let named = asked.matched.rule.client_address.as_ref();
    let found = named.and_then(|named| named.find(&parts.headers, exchange.client.peer.ip()));
    let found = found.and_then(|found| HeaderValue::from_str(&found).ok());
    found.unwrap_or_else(|| exchange.client.peer_value.clone())
}
