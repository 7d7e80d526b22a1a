//! A client's request, as the engine takes it.

use backstay_composition::{Request, RequestBody as Presence};
use backstay_model::route::DecodedPath;
use backstay_token::claim_text;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::run::AskedFor;
use crate::body::RequestBody;
use crate::config::Composition;
use crate::exchange::Exchange;
use crate::forward::asked::Asked;
use crate::forward::guards::Accepted;
use crate::forward::headers::{self, HeaderPresence};
use crate::route::Matched;

/// What is not `unreserved` (RFC 3986, 2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What expressions see of a request that its calls are not made of.
pub(super) fn asked_for(parts: &Parts, composition: &Composition) -> AskedFor {
    let is_looked_at = composition.plan.expressions().is_some_and(|expressions| expressions.concern_requests());
    let decoded = || String::from_utf8_lossy(&percent_decode_str(parts.uri.path()).collect::<Vec<_>>()).into_owned();
    AskedFor { method: parts.method.clone(), path: if is_looked_at { decoded() } else { String::new() } }
}

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
    strip(&mut parts.headers, asked.present);
    Request {
        parameters: named,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        client: client_value(exchange, &parts, asked).to_str().unwrap_or_default().to_owned(),
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

/// Takes out what belongs to the client's connection, and what no client may tell a backend.
pub(super) fn strip(fields: &mut HeaderMap, present: &HeaderPresence) {
    headers::strip(fields, present);
    if present.expect {
        // The client is told to continue as soon as its body is read.
        fields.remove(header::EXPECT);
    }
    if present.private {
        headers::strip_private(fields);
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

/// The variables of the path, with their values.
fn parameters(parts: &Parts, asked: &Asked<'_>) -> Vec<(String, String)> {
    with_parameters(&parts.uri, asked.matched, |parameters| {
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    })
}

/// Whom the request is from, as a header carries it.
pub(super) fn client_value(exchange: &Exchange, parts: &Parts, asked: &Asked<'_>) -> HeaderValue {
    let named = asked.matched.rule.client_address.as_ref();
    let found = named.and_then(|named| named.find(&parts.headers, exchange.address()));
    let found = found.and_then(|found| HeaderValue::from_str(&found).ok());
    found.unwrap_or_else(|| exchange.address_value().clone())
}
