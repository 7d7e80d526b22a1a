//! Where a request has its token.

use backstay_model::route::guards::TokenValidation;
use backstay_token::Refusal;
use http::{HeaderMap, header};

/// What precedes a token in a header, in any case.
const SCHEME: &str = "bearer ";

/// The token that a request carries: in its header, else in its cookie.
///
/// # Errors
/// When there is none, and when there are several headers: whoever reads the request later could take another.
pub(super) fn token<'r>(wanted: &TokenValidation, headers: &'r HeaderMap) -> Result<&'r str, Refusal> {
    let mut lines = headers.get_all(&wanted.header).iter();
    if let Some(line) = lines.next() {
        if lines.next().is_some() {
            return Err(Refusal::Malformed("there are several"));
        }
        let line = line.to_str().map_err(|_| Refusal::Malformed("it is not text"))?;
        let token = line
            .split_at_checked(SCHEME.len())
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty());
        // Some clients write two blanks after the scheme, which KrakenD's library passes over.
        let token = token.map_or(line, |(_, token)| token.trim_start());
        if !token.is_empty() {
            return Ok(token);
        }
    }
    let name = wanted.cookie.as_deref().ok_or(Refusal::Missing)?;
    cookie(name, headers).ok_or(Refusal::Missing)
}

/// The first cookie of this name (RFC 6265, 4.2).
fn cookie<'r>(name: &str, headers: &'r HeaderMap) -> Option<&'r str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.into_iter().find(|(known, _)| *known == name)?.1;
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Some(bare).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
