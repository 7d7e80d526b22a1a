//! Cookies, as Go reads them: what is no cookie is passed over.

use http::header::{COOKIE, HeaderMap, SET_COOKIE};

/// The cookies of a request: names and values.
pub(super) fn sent(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).filter_map(pair)
}

/// The cookies that an answer sets: names and values.
pub(super) fn set(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.get_all(SET_COOKIE).iter().filter_map(|value| {
        let first = value.as_bytes().split(|byte| *byte == b';').next()?;
        // A value has to be there, though it may be empty.
        first.contains(&b'=').then(|| pair(first)).flatten()
    })
}

fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii();
    let equals = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (name, value) = text.split_at(equals);
    let name = name.trim_ascii();
    let value = value.get(1..).unwrap_or_default();
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    (is_token(name) && value.iter().all(|byte| is_of_value(*byte))).then_some((name, value))
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn is_of_value(byte: u8) -> bool {
    (0x20..0x7F).contains(&byte) && !matches!(byte, b'"' | b';' | b'\\')
}
