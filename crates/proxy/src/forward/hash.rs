//! The hash of a request, and the cookies that keep clients where it leads.

use std::net::IpAddr;

use backstay_balancer::{AfterPolicy, RequestHash, hash_of, hash_of_all};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

use backstay_model::{HashCookie, HashKind, HashPolicy};

#[cfg(test)]
mod tests;

/// The hash of the request of `parts`, and lines of `Set-Cookie` for its answer.
pub(super) fn of(
    policies: &[HashPolicy],
    parts: &Parts,
    client: IpAddr,
    random: impl Fn() -> u64,
) -> (Option<u64>, Vec<HeaderValue>) {
    let mut hash = RequestHash::default();
    let mut cookies = Vec::new();
    for policy in policies {
        if hash.is_done() {
            break;
        }
        let found = match &policy.kind {
            HashKind::Header(name) => header_hash(&parts.headers, name),
            HashKind::Cookie(cookie) => cookie_hash(&parts.headers, cookie, &random, &mut cookies),
            HashKind::SourceIp => Some(hash_of(client.to_canonical().to_string().as_bytes())),
            HashKind::Query(name) => parts.uri.query().and_then(|query| parameter(query, name)).map(hash_of),
        };
        hash.add(found, if policy.terminal { AfterPolicy::Stop } else { AfterPolicy::GoOn });
    }
    (hash.get(), cookies)
}

fn header_hash(headers: &HeaderMap, name: &header::HeaderName) -> Option<u64> {
    let mut values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    hash_of_all(&mut values)
}

fn cookie_hash(
    headers: &HeaderMap,
    cookie: &HashCookie,
    random: &impl Fn() -> u64,
    cookies: &mut Vec<HeaderValue>,
) -> Option<u64> {
    if let Some(value) = cookie_value(headers, cookie.name.as_bytes()) {
        return Some(hash_of(value));
    }
    let ttl = cookie.ttl?;
    let value = format!("{:016x}", random());
    let hash = hash_of(value.as_bytes());
    let mut line = format!("{}=\"{value}\"", cookie.name);
    if !ttl.is_zero() {
        line.push_str(&format!("; Max-Age={}", ttl.as_secs().max(1)));
    }
    if !cookie.path.is_empty() {
        line.push_str("; Path=");
        line.push_str(&cookie.path);
    }
    line.push_str("; HttpOnly");
    cookies.extend(HeaderValue::from_str(&line));
    Some(hash)
}

/// The value of the first cookie of that name, without quotes. Bytes throughout: what other cookies are made of, such as names of people in
/// UTF-8, is no concern of this one's.
fn cookie_value<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a [u8]> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let mut values = pairs.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="));
    values.next().map(without_quotes)
}

fn without_quotes(mut value: &[u8]) -> &[u8] {
    while let [b'"', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b'"'] = value {
        value = rest;
    }
    value
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a [u8]> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.as_bytes())
}
