//! Which encoding a client accepts.

use http::HeaderMap;
use http::header::ACCEPT;

use super::Encoder;

const OFFERS: [(&str, Encoder); 4] = [
    ("application/json", Encoder::Json),
    ("text/plain", Encoder::Yaml),
    ("application/xml", Encoder::Xml),
    ("application/x-yaml", Encoder::Yaml),
];

/// The first media type of `Accept` that is offered decides; weights say nothing, and JSON it is where none is.
pub(super) fn negotiate(headers: &HeaderMap) -> Encoder {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let accepted = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    for media in accepted.filter(|media| !media.is_empty()) {
        if let Some((_, encoder)) = OFFERS.iter().find(|(offer, _)| accepts(media, offer)) {
            return *encoder;
        }
    }
    Encoder::Json
}

/// Whether `media` is the offer as far as a `*` in it.
fn accepts(media: &str, offer: &str) -> bool {
    match media.split_once('*') {
        Some((start, _)) => offer.starts_with(start),
        None => media == offer,
    }
}
