//! What nobody who looks is told, whoever asks: credentials in headers and in the query.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

/// What stands where something was left out.
pub const HIDDEN: &str = "[hidden]";
/// Bytes of a value, beyond which it is cut.
const MAX_VALUE: usize = 1024;
/// Bytes of a path with its query, beyond which it is cut.
const MAX_PATH: usize = 2048;

/// Headers whose value is a credential, or has one in it.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "fastly-key",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-forwarded-client-cert",
    "x-vault-token",
];

/// What names of headers and of parameters have in them whose value is one.
const MARKS: &[&str] =
    &["token", "secret", "passw", "signature", "credential", "apikey", "api_key", "api-key", "session"];
/// Parameters that are, and have none of these in their name.
const PARAMETERS: &[&str] = &["code", "jwt", "key", "sig", "auth", "pwd"];

/// The value of a header, as it may be told.
#[must_use]
pub fn header(name: &HeaderName, value: &HeaderValue) -> String {
    let is_credential = value.is_sensitive() || HEADERS.contains(&name.as_str()) || is_marked(name.as_str());
    if is_credential {
        HIDDEN.to_owned()
    } else {
        cut(&String::from_utf8_lossy(value.as_bytes()), MAX_VALUE).into_owned()
    }
}

/// A path with its query, as it may be told.
#[must_use]
pub fn path(path: &str) -> String {
    let Some((before, query)) = path.split_once('?') else { return cut(path, MAX_PATH).into_owned() };
    let mut told = before.to_owned();
    let mut next = '?';
    for pair in query.split('&') {
        told.push(next);
        next = '&';
        match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_parameter(name) => {
                told.push_str(name);
                told.push('=');
                told.push_str(HIDDEN);
            }
            _ => told.push_str(pair),
        }
    }
    cut(&told, MAX_PATH).into_owned()
}

fn is_parameter(name: &str) -> bool {
    // Written in another way, it means the same: what is not plain may be any of them.
    name.contains('%') || PARAMETERS.iter().any(|parameter| parameter.eq_ignore_ascii_case(name)) || is_marked(name)
}

fn is_marked(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let end = text.floor_char_boundary(most);
    format!("{}…", text.get(..end).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests;
