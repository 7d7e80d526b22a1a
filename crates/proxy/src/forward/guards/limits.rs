//! How many requests may pass.

use std::net::IpAddr;

use backstay_model::route::DecodedPath;
use backstay_model::route::guards::Sharing;

use super::Inquiry;
use super::answer::Answer;
use crate::config::{Guards, Limit, Limiting};
use crate::counts::Guard;
use crate::local_reply::{Flag, LocalReply};

/// Refuses requests that are too many for one of the limits. Those before it have counted them.
pub(super) fn check(guards: &Guards, inquiry: Inquiry<'_>) -> Option<Answer> {
    if guards.limits.is_empty() {
        return None;
    }
    let now = inquiry.exchange.started.saturating_duration_since(guards.origin);
    let full = guards.limits.iter().find(|Limit { checked, limiting }| match limiting {
        Limiting::Everyone(bucket) => !bucket.take(now),
        Limiting::Clients(clients, limit) => {
            let take = |client: &[u8]| clients.take(*limit, client, checked.rate, now);
            !match &checked.sharing {
                Sharing::Everyone => take(&[]),
                Sharing::Address(name) => match address(name.as_ref().and_then(|name| first(inquiry, name)), inquiry) {
                    IpAddr::V4(address) => take(&address.octets()),
                    IpAddr::V6(address) => take(&address.octets()),
                },
                Sharing::Header(name) => first(inquiry, name).is_some_and(take),
                Sharing::Parameter(name) => with_variable(inquiry, name, take),
            }
        }
    });
    let reply = |limit: &Limit| LocalReply::fixed(limit.checked.status, "", Flag::RateLimited, "request_rate_limited");
    full.map(|limit| Answer::new(Guard::RateLimit, reply(limit)))
}

/// The first line of a header, unless it is empty.
fn first<'a>(inquiry: Inquiry<'a>, name: &http::HeaderName) -> Option<&'a [u8]> {
    inquiry.parts.headers.get(name).map(|value| value.as_bytes()).filter(|value| !value.is_empty())
}

/// Whether `take` takes the value of a variable of the path, if there is one.
fn with_variable(inquiry: Inquiry<'_>, name: &str, take: impl FnOnce(&[u8]) -> bool) -> bool {
    let Some(template) = inquiry.template else { return false };
    let Some(path) = DecodedPath::of(inquiry.parts.uri.path()) else { return false };
    // A value that is refused later counts as none.
    let variables = template.variables(&path).unwrap_or_default();
    let value = variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.as_bytes());
    value.is_some_and(take)
}

/// The client's address: the first that is `written`, with a port or not, else that of the client.
fn address(written: Option<&[u8]>, inquiry: Inquiry<'_>) -> IpAddr {
    let written = written.and_then(|list| list.split(|byte| *byte == b',').next());
    let written = written.and_then(|text| std::str::from_utf8(text.trim_ascii()).ok());
    let parsed = written.and_then(|text| {
        let alone = || text.split(':').next().and_then(|text| text.parse().ok());
        text.parse().ok().or_else(alone)
    });
    parsed.unwrap_or_else(|| {
        let peer = inquiry.exchange.address();
        let found = inquiry.client_address.and_then(|how| how.find(&inquiry.parts.headers, peer)?.parse().ok());
        found.unwrap_or(peer).to_canonical()
    })
}
